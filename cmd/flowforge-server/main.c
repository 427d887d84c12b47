/* main.c - the program `flowforge-server`, which `flowforge server` becomes, and which
 * has one role where it is called `flowforge-api-server` or `flowforge-controller`. */
#include "cli/serve/serve.h"

int main(int argc, char **argv)
{
    extern char **environ;

    return argc > 0 ? serve_main(argv, environ) : CLI_USAGE;
}
