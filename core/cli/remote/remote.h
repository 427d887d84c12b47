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
};

/* CLI_OK, also for this machine; else has printed why. remote_done in either case. */
int remote_choose(struct remote *r, const struct cli *c);
void remote_done(struct remote *r);
/* NULL: it may be a server; else why not. `token`: one would be sent. */
const char *remote_server_fault(const char *server, bool token);

/* Reads /api/v1PATH. *out: the answer, a new reference. Exit code; has printed why,
 * with what the server says. */
int remote_ask(const struct remote *r, const char *path, json_t **out);
/* The same with POST; body may be NULL. It takes effect once, or the exit code says
 * that it may not have been. */
int remote_tell(const struct remote *r, const char *path, const json_t *body,
                json_t **out);
/* The id that the word means, a new reference; NULL with an exit code, having printed
 * why. */
json_t *remote_find_run(const struct remote *r, const char *word, int *code);
/* Text as one part of a path. */
void remote_add_quoted(struct buf *path, const char *text);
/* Adds NAME=VALUE, quoted, to a path: "?" or "&" before it. NULL adds nothing. */
void remote_add_query(struct buf *path, const char *name, const char *value);

/* --- commands --- */

/* What these commands are where a server is meant. */
int remote_list(struct cli *c, const struct remote *r);
int remote_get(struct cli *c, const struct remote *r);
int remote_run(struct cli *c, const struct remote *r);
int remote_cancel(struct cli *c, const struct remote *r);

int cmd_context_list(struct cli *c);
int cmd_context_set(struct cli *c);
int cmd_context_use(struct cli *c);
int cmd_context_delete(struct cli *c);
int cmd_login(struct cli *c);
int cmd_token(struct cli *c);

#endif
