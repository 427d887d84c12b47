/* cli/serve/reload.h - what a server reads again when it is told to: the log's level
 * and form, the certificate, keys that verify tokens, the credential of executors. What
 * else stands in the file in another way than it is in use needs a restart, and is
 * named in the log. */
#ifndef CLI_SERVE_RELOAD_H
#define CLI_SERVE_RELOAD_H

#include "cli/serve/executors.h"

/* What is in use. */
struct reload_log {
    int64_t level, format;
};

struct reload {
    const struct cli *c;
    struct config *config; /* what all settings in use stand in */
    struct reload_log *log;
    bool has_certificate;
    struct http_server *http; /* NULL, as rest: no API is served */
    struct rest *rest;
    struct executors *executors; /* NULL: attempts run on this host, or it follows */
};

/* What cannot be read stays as it was. Loop thread. */
void reload(const struct reload *r);

#endif
