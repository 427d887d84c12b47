/* support.h - a server that says what a test wrote down, one answer a request, and
 * keeps what it was asked; and the driver against it. */
#ifndef TESTS_BLOB_S3_SUPPORT_H
#define TESTS_BLOB_S3_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "s3.h"

#define N_MAX 64

struct answer {
    int status;          /* 0: the connection is closed without a word */
    const char *headers; /* whole lines, or NULL */
    const char *body;    /* or NULL */
    size_t cut;          /* of the body, so many bytes come; 0: all */
    bool stalls;         /* after what comes, nothing more does */
};

struct asked {
    char line[400]; /* "PUT /bucket/..." without HTTP/1.1 */
    char range[40];
    char *body;
    size_t len;
    bool signed_; /* it has the headers of a signature */
};

struct world {
    struct answer answers[N_MAX];
    struct asked asked[N_MAX];
    size_t n_answers, n_asked;
    int listener, port;
    pthread_t thread;
    struct ff_host host;
    int64_t now_us;
    struct s3 *s3; /* tries 4; parts of 10 bytes */
    struct ff_err err;
};

void world_begin(struct world *w);
void world_end(struct world *w); /* every answer was fetched */
void world_says(struct world *w, int status, const char *body);
void world_answers(struct world *w, struct answer a);
/* A list of objects: HASH.TIME and sizes as they are written. */
void world_lists(struct world *w, const char *hash, const int64_t *times,
                 const size_t *sizes, size_t n);
#define world_lists_nothing(w) world_lists(w, NULL, NULL, NULL, 0)

extern const struct ff_driver *ff_driver_entry(void);

struct content {
    const char *bytes;
    size_t len, fails_at; /* 0: never */
    struct ff_blob_id id;
    char hash[S3_HASH_TEXT];
};
struct content content_of(const char *bytes);
int put(struct world *w, struct content *c);
struct got {
    char bytes[256];
    size_t len, stop_at; /* 0: takes all */
};
int get(struct world *w, struct content *c, struct got *got);

#endif
