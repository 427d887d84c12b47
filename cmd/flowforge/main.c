/* main.c - the program `flowforge`. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    extern char **environ;

    return cli_main(argc, argv, environ);
}
