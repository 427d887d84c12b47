/* main.c - the program `flowforge-http`, the attempt of a task with http: a process of
 * its own, so that no other carries libcurl. */
#include "fetch/fetch.h"

int main(void)
{
    return fetch_main();
}
