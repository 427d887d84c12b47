/* auth-dev/auth_dev.h - what the two files of this driver share. */
#ifndef AUTH_DEV_AUTH_DEV_H
#define AUTH_DEV_AUTH_DEV_H

#include <flowforge/auth.h>

#define MIN_TOKEN_BYTES 16
#define MAX_TOKEN_BYTES 256

/* The token in the file; where there is no file, one with a new token is made that
 * nobody else can read. */
int token_file_read(const struct ff_host *host, const char *path,
                    char token[MAX_TOKEN_BYTES + 1], struct ff_err *err);

#endif
