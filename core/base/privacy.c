/* base/privacy.c - see privacy.h. Does not decide what is secret. */
#include "base/privacy.h"

#include <string.h>
#include <sys/prctl.h>

void privacy_begin(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

size_t privacy_forget(char **env, privacy_keep_fn *keep, void *arg)
{
    size_t kept = 0;
    size_t n = 0;

    for (; env[n]; n++) {
        if (keep(arg, env[n]))
            env[kept++] = env[n];
        else
            explicit_bzero(env[n], strlen(env[n]));
    }
    env[kept] = NULL;
    return n - kept;
}
