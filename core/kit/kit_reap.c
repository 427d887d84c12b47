/* kit/kit_reap.c - what outlives a check: supervisors that the driver put into sessions
 * of their own, attempts whose supervisor was killed. The kit is their subreaper, so
 * they become its children when their parents end, and only its children are killed. */
#include "kit/kit_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 5000 /* for one that the kernel does not let go */

void kit_reap_init(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The kernel's own list of our children. They are not waited for meanwhile, so their
 * numbers stay theirs. */
static void kill_children(void)
{
    struct buf children = {0};
    char path[64];
    char *at;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    if (file_read(path, (size_t)1 << 20, &children) == 0 && children.len > 0) {
        at = children.data;
        for (long pid; (pid = strtol(at, &at, 10)) > 1;)
            kill((pid_t)pid, SIGKILL);
    }
    buf_done(&children);
}

void kit_reap(void)
{
    for (int waited_ms = 0; waited_ms < PATIENCE_MS;) {
        const pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid < 0 && errno != EINTR)
            return; /* there are none */
        if (pid == 0) {
            kill_children();
            poll(NULL, 0, 1);
            waited_ms++;
        }
    }
}
