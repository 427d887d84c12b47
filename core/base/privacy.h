/* base/privacy.h - what other processes of the same user may see of this one. */
#ifndef BASE_PRIVACY_H
#define BASE_PRIVACY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the kernel shows this process's memory, environment and descriptors to
 * root alone (PR_SET_DUMPABLE), and writes no core of it. Programs that it starts are
 * not concerned. */
void privacy_begin(void);

/* Is this variable, "NAME=value", to stay? */
typedef bool privacy_keep_fn(void *arg, const char *pair);

/* Takes all others out of env, the environment of this process, and overwrites them
 * where they stand: what /proc/PID/environ shows, and any pointer into it, is empty.
 * Before there are threads, which might call getenv. Returns how many are gone. */
size_t privacy_forget(char **env, privacy_keep_fn *keep, void *arg);

#endif
