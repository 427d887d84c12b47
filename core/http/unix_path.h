/* http/unix_path.h - addresses of unix sockets whose path is longer than the 107 bytes
 * that the kernel takes: reached through a descriptor of their directory. */
#ifndef HTTP_UNIX_PATH_H
#define HTTP_UNIX_PATH_H

#include "base/base.h"
#include <sys/un.h>

struct unix_path {
    struct sockaddr_un address;
    int dir; /* -1: not needed */
};

/* Close it after bind or connect. */
int unix_path_open(struct unix_path *p, const char *path, struct ff_err *err);
void unix_path_close(struct unix_path *p);

#endif
