/* cli/remote/stream.h - what a server tells as it happens: one request that stays open,
 * on the loop. Where it breaks it is made again with the id of the last event, so each
 * event comes once, over restarts of the server too; see docs/api.md, "Live". */
#ifndef CLI_REMOTE_STREAM_H
#define CLI_REMOTE_STREAM_H

#include "cli/remote/remote.h"

struct remote_stream;

/* Loop thread, never inside remote_stream_open; may close any stream. */
struct remote_stream_setup {
    const struct cli *c; /* notes for people */
    struct loop *loop;
    const struct remote *remote;
    const char *path; /* under /api/v1; used before it returns */
    /* From now on nothing is missed. Once; may be NULL. */
    void (*opened)(void *arg);
    void (*event)(void *arg, const json_t *data);
    /* The way to the server is lost, for which reason: at each try. NULL: it is there
     * again. Without this a note says that it is lost. Not before `opened`, but of a
     * server that is known. */
    void (*lost)(void *arg, const char *why);
    bool known; /* it is there: if not now it is waited for, as if it had broken off */
    /* The server has no room for another stream: the last call. NULL: it is waited for,
     * as if the way were lost. */
    void (*crowded)(void *arg);
    /* The last call. CLI_OK: there will never be more; else it has printed why. */
    void (*ended)(void *arg, int code);
    void *arg;
};
/* NULL with a sentence. */
struct remote_stream *remote_stream_open(const struct remote_stream_setup *setup,
                                         struct ff_err *err);
void remote_stream_close(struct remote_stream *s); /* takes NULL */

#endif
