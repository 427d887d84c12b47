/* cli/owner/signals.h - signals as calls on the loop thread. */
#ifndef CLI_OWNER_SIGNALS_H
#define CLI_OWNER_SIGNALS_H

#include "loop/loop.h"

struct signals;
typedef void signals_fn(void *arg, int signo);

/* INT, TERM, HUP and WINCH from now on; one at a time in a process. Handlers, not a
 * signal mask: tasks inherit masks, and handlers end at exec. */
struct signals *signals_open(struct loop *l, signals_fn *fn, void *arg,
                             struct ff_err *err);
void signals_close(struct signals *s); /* takes NULL; the defaults again */

#endif
