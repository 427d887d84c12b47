/* main.c - the program `flowforge-executor`, which runs attempts where it stands. */
#include "cli/executor/executor.h"

int main(int argc, char **argv)
{
    extern char **environ;

    return argc > 0 ? executor_main(argv, environ) : CLI_USAGE;
}
