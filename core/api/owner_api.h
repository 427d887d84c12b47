/* api/owner_api.h - what other processes of the same user ask of the owner of a data
 * directory, on its unix socket: look for new runs, cancel one, tell me of changes.
 *
 *     GET  /api/v1/owner             who it is
 *     POST /api/v1/wake              there are new rows: look
 *     POST /api/v1/runs/{id}/cancel  {"mode": "graceful" | "kill"}
 *     GET  /api/v1/runs/{id}/events  server-sent events, until the run is final; with
 *                                    ?inside=true also of runs of the same outermost
 * one GET  /api/v1/events            the same for all runs, without end
 *
 * An event is a hint, {"run", "seq", "state"}, after which the reader looks at the
 * committed rows itself; or, with the name "progress", {"run", "task", "progress",
 * "message"}, which is stored nowhere. A hint without "run" says: look at everything.
 * Loop thread only. */
#ifndef API_OWNER_API_H
#define API_OWNER_API_H

#include "http/http.h"
#include "node/node.h"

struct owner_api;

struct owner_api_setup {
    struct http_server *server;
    struct loop *loop;
    struct node *node;   /* is the owner; asked for its parts at each call */
    const char *version; /* of the program; lives as long */
};

/* Mounts the routes. Free it last: the server first, so that nobody asks a node that
 * has given the runs up; then the node disowns, which ends the calls that wait. */
struct owner_api *owner_api_new(const struct owner_api_setup *setup);
void owner_api_free(struct owner_api *api); /* takes NULL */

/* To be called by control_listener.changed and by exec_on_progress. */
void owner_api_changed(struct owner_api *api, const struct run_row *run);
void owner_api_progress(struct owner_api *api, const struct attempt_key *key);

/* How many runs have somebody who follows them, and so would lead them on. */
size_t owner_api_followed(const struct owner_api *api);

#endif
