/* cli/serve/executors.h - the server's end of the executors: what they ask, beside the
 * routes that their tasks ask, on an address of its own. */
#ifndef CLI_SERVE_EXECUTORS_H
#define CLI_SERVE_EXECUTORS_H

#include "cli/frame/frame.h"
#include "fleet/fleet.h"
#include "rest/rest.h"

struct executors;

/* Before the process leads: its attempts go to executors from then on. settings live as
 * long. NULL with a sentence. */
struct executors *executors_new(struct loop *l, struct node *n,
                                const struct rest_settings *settings,
                                const char *token_file, const struct rest_listen *place,
                                struct ff_err *err);
/* Once it leads, before its loop goes on: those that the one before had are waited for.
 * FF_CONFLICT: another process listens there. */
int executors_listen(struct executors *e, struct ff_err *err);
uint16_t executors_port(const struct executors *e);
struct fleet *executors_fleet(const struct executors *e); /* takes NULL */
/* Nothing where nobody listens: it is read when somebody does. */
int executors_reload_certificate(const struct executors *e, struct ff_err *err);
void executors_close(struct executors *e); /* nobody is answered any more; takes NULL */
void executors_free(struct executors *e);  /* when it leads no more; takes NULL */

#endif
