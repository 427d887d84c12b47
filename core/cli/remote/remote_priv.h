/* cli/remote/remote_priv.h - one request to a server, for those who make it. */
#ifndef CLI_REMOTE_REMOTE_PRIV_H
#define CLI_REMOTE_REMOTE_PRIV_H

#include "cli/remote/curl.h"
#include "cli/remote/remote.h"

/* A GET of /api/v1PATH with its credential; `url` holds its address, buf_done it. */
struct curl_request remote_request_of(const struct remote *r, const char *path,
                                      struct buf *url);
/* Prints what the server says, which may be NULL. Exit code. */
int remote_refused(const struct remote *r, long status, const json_t *problem);

#endif
