/* cli/remote/remote.h - commands as clients of a server: which one is meant, one
 * request to it, and the commands that can do without this machine's data directory.
 *
 * Which: --server URL, else --context NAME, else $FLOWFORGE_SERVER, else
 * $FLOWFORGE_CONTEXT, else the current context; `local` is this machine. A credential
 * is $FLOWFORGE_TOKEN, else that of the context; never an argument, which every user of
 * the machine can read. */
#ifndef CLI_REMOTE_REMOTE_H
#define CLI_REMOTE_REMOTE_H

#include "cli/frame/frame.h"

struct remote {
    char *server; /* NULL: this machine */
    char *token, *ca;
    char *context; /* its name, or NULL */
    /* What rows of tenants and members are about, where it is not the caller's own. */
    const char *tenant; /* or NULL */
    char *project;      /* of its context: where new runs belong; or NULL */
    const char *only;   /* runs of other projects are passed over; NULL: none are */
    bool platform;
};

/* CLI_OK, also for this machine; else has printed why. remote_done in either case. */
int remote_choose(struct remote *r, const struct cli *c);
void remote_done(struct remote *r);
/* NULL: it may be a server; else why not. `token`: one would be sent. */
const char *remote_server_fault(const char *server, bool token);

/* Asks a second, third ... time when nobody answers or it is told to come again.
 *
 * Reads /api/v1PATH. *out: the answer, a new reference. Exit code; has printed why,
 * with what the server says. */
int remote_ask(const struct remote *r, const char *path, json_t **out);
/* The same with an enum ff_code and a sentence instead, whose err.sys is the status of
 * the answer; body may be NULL. */
struct remote_request {
    const char *method, *path;
    const json_t *body;
};
int remote_call(const struct remote *r, const struct remote_request *what, json_t **out,
                struct ff_err *err);
/* Reads /api/v1PATH into an open file, from its beginning. Exit code; has printed why.
 */
int remote_fetch(const struct remote *r, const char *path, int fd);
/* A change, by PUT, POST, PATCH or DELETE; takes body over, which may be NULL. It takes
 * effect once, or the exit code says that it may not have been. *out: NULL where there
 * is no answer but that it was done; `out` may be NULL. */
int remote_tell(const struct remote *r, const char *method, const char *path,
                json_t *body, json_t **out);

/* The same with POST, for what makes a run: its id. */
int remote_make(const struct remote *r, const char *path, json_t *body,
                char id[ID_TEXT]);

/* "/limits/gpu" of ("limits", "gpu", NULL), each part quoted; mem_free it. */
char *remote_path(const char *first, ...) __attribute__((sentinel));
/* ?tenant=NAME or ?platform=true, where the remote says so. */
void remote_add_place(struct buf *path, const struct remote *r);

/* A store that reads the rows of this server, and writes nothing. There is one at a
 * time; r outlives it. NULL with a sentence. */
struct driver *remote_store(const struct remote *r, struct ff_err *err);

/* Text as one part of a path. */
void remote_add_quoted(struct buf *path, const char *text);
/* Adds NAME=VALUE, quoted, to a path: "?" or "&" before it. NULL adds nothing. */
void remote_add_query(struct buf *path, const char *name, const char *value);

/* --- commands --- */

int cmd_context_list(struct cli *c);
int cmd_context_set(struct cli *c);
int cmd_context_use(struct cli *c);
int cmd_context_delete(struct cli *c);
int cmd_login(struct cli *c);
int cmd_logout(struct cli *c);
int cmd_token(struct cli *c);

#endif
