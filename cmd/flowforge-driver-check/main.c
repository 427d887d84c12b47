/* main.c - the program `flowforge-driver-check`, which `flowforge driver check` starts:
 * a program of its own, so that others do not carry the kit. */
#include "kit/kit.h"

int main(int argc, char **argv)
{
    return kit_main(argc, argv);
}
