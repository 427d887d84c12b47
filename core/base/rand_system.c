/* base/rand_system.c - randomness from the kernel. Apart from rand.c, so that rooms
 * which may not ask for it can be checked for it by name. */
#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

void rand_system(void *bytes, size_t len)
{
    static const char why[] = "flowforge: the kernel gives no random bytes\n";
    char *at = bytes;

    while (len > 0) {
        const ssize_t got = getrandom(at, len, 0);

        if (got < 0 && errno != EINTR) {
            const ssize_t ignored = write(STDERR_FILENO, why, sizeof(why) - 1);

            (void)ignored;
            _exit(EX_OSERR);
        }
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}
