/* cli/owner/owner_link.h - hears from the owner of the data directory what happens to
 * runs. A thread of its own reads the event stream; what it hears comes to the loop
 * through a pipe, so there is nothing to lock and nothing left over when the link is
 * freed. */
#ifndef CLI_OWNER_OWNER_LINK_H
#define CLI_OWNER_OWNER_LINK_H

#include "cli/frame/frame.h"
#include "loop/loop.h"
#include <jansson.h>

struct owner_link;

struct owner_link_setup {
    struct loop *loop;
    const char *socket; /* path; copied */
    const char *run;    /* id; NULL: all runs; copied */
    bool inside;        /* also of the runs inside that run */
    /* Loop thread. data is borrowed; see api/owner_api.h for what is in it. */
    void (*event)(void *arg, const json_t *data);
    /* The stream has ended, for whatever reason; the link is still to be freed. */
    void (*ended)(void *arg, const struct ff_err *err);
    void *arg;
};

struct owner_link *owner_link_new(const struct owner_link_setup *setup,
                                  struct ff_err *err);
/* Waits for the thread. Not from inside `event`. Takes NULL. */
void owner_link_free(struct owner_link *link);

/* Calls the owner and waits for its answer, 5 s at most. FF_UNAVAILABLE: nobody is
 * there. out may be NULL. */
int owner_call(const char *socket, const char *method, const char *path,
               const json_t *body, json_t **out, struct ff_err *err);
/* Tells whoever leads runs that there is something new. False: nobody heard it; then
 * who leads them next finds the rows. A server hears of what it was asked anyway. */
bool owner_wake(const struct cli_session *s);
int owner_call_cancel(const char *socket, const char *run, bool kill,
                      struct ff_err *err);

#endif
