/* s3.h - what the files of the driver share.
 *
 * PREFIX SPACE/HASH.TIME is an object: the content under its hash, put at TIME, 20
 * digits of microseconds. A put never replaces an object but writes another one beside
 * it, and a remove deletes objects by their whole names: so it cannot meet a put that
 * is on its way, without a condition that servers would have to know. The newest object
 * of a hash is the blob. */
#ifndef BLOB_S3_H
#define BLOB_S3_H

#include <curl/curl.h>
#include <flowforge/blob.h>
#include <pthread.h>
#include <sha2.h>
#include <stdbool.h>

#define S3_HASH_TEXT  (FF_BLOB_HASH_LEN + 1)
#define S3_PREFIX_MAX 200
#define S3_NAME_MAX   (S3_PREFIX_MAX + FF_BLOB_SPACE_MAX + FF_BLOB_HASH_LEN + 24)
#define S3_IDLE_MAX   16 /* connections that are kept */

enum s3_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_VIRTUAL };

struct s3_config {
    const char *bucket, *region, *endpoint, *prefix;
    const char *access_key, *secret_key, *session_token;
    const char *credentials_file, *profile, *ca_file;
    int64_t style, allow_http;
    int64_t part_bytes, tries, connect_timeout_us, stall_timeout_us;
};

struct s3 {
    const struct ff_host *host;
    char *base;  /* "https://bucket.host" or "https://host/bucket", no / at its end */
    char *where; /* the same without a scheme: for messages */
    char *prefix;
    char *user; /* "KEY:SECRET", as libcurl wants it */
    char *token;
    char *sign; /* "aws:amz:REGION:s3" */
    char *ca_file;
    size_t part_bytes;
    int64_t tries, connect_timeout_us, stall_timeout_us;
    pthread_mutex_t lock;
    CURL *idle[S3_IDLE_MAX];
    size_t n_idle;
};

/* --- text.c: text that grows --- */

struct s3_text {
    char *s; /* ends with NUL once there is anything */
    size_t len, cap;
    bool failed; /* out of memory: what was added is missing */
};
void s3_text_add(struct s3_text *t, const void *bytes, size_t len);
void __attribute__((format(printf, 2, 3)))
s3_text_printf(struct s3_text *t, const char *fmt, ...);
/* As one part of a query: all but letters, digits and -_.~ as %XX. */
void s3_text_quote(struct s3_text *t, const char *text);
void s3_text_done(struct s3_text *t);

void s3_hash(const void *bytes, size_t len, char out[S3_HASH_TEXT]);

/* --- request.c --- */

/* One request, until it has an answer that says something or all tries are used up. */
struct s3_request {
    const char *method;
    const char *name;  /* of an object, with the prefix; NULL: the bucket */
    const char *query; /* sorted by name and quoted, or NULL */
    const void *body;
    size_t len;
    /* Takes the body of a good answer, from its byte `*seen` on: what came before an
     * interruption is not given again. False: no more. NULL: it is kept in `answer`. */
    bool (*take)(void *arg, const void *bytes, size_t len);
    void *arg;
    bool once; /* no further try */

    /* The answer. */
    struct s3_text answer; /* the body; of an error what fits */
    char etag[128];
    long status;
    bool stopped; /* `take` wanted no more */
};
/* FF_OK, FF_NOT_FOUND (of an object), or another code with a sentence. `what` is what
 * is being done: "putting blob kit/0123". */
int s3_do(struct s3 *s, struct s3_request *r, const char *what, struct ff_err *err);
void s3_request_done(struct s3_request *r);

/* --- error.c --- */

/* What the status and the code in the body of an answer mean. again: it may be better
 * the next time. */
int s3_judge(long status, const char *word, bool *again);
int s3_judge_curl(CURLcode code, bool *again);
/* The text of an element of an answer that has it once; "" when there is none. */
void s3_element(const char *xml, size_t len, const char *name, char *out, size_t size);

/* --- names.c --- */

int s3_check_id(const struct ff_blob_id *id, struct ff_err *err);
bool s3_is_space(const char *space);
void s3_name(const struct s3 *s, const struct ff_blob_id *id, int64_t put_us,
             char out[S3_NAME_MAX]);
/* An object of ours, seen in a list. False: it is of somebody else. */
struct s3_object {
    char space[FF_BLOB_SPACE_MAX + 1];
    char hash[S3_HASH_TEXT];
    int64_t put_us;
    uint64_t size_bytes;
};
bool s3_parse_name(const struct s3 *s, const char *name, struct s3_object *o);
void s3_what(const char *doing, const struct ff_blob_id *id, char out[160]);

/* --- xml.c: lists that servers give --- */

struct s3_seen {
    void (*object)(void *arg, const char *name, uint64_t size_bytes);
    void (*upload)(void *arg, const char *name, const char *id);
    void *arg;
    bool more;
    char next[1100], next_upload[1100]; /* where the next page begins; zeros at first */
};
/* False: that is no such list, or its next page is this one. */
bool s3_read_list(const char *xml, size_t len, struct s3_seen *seen);

/* --- list.c --- */

/* Objects in the order of their names, those of which all of `prefix` is the beginning,
 * after `after` ("": from the beginning); false from fn stops. */
typedef bool s3_object_fn(void *arg, const struct s3_object *o);
int s3_walk(struct s3 *s, const char *prefix, const char *after, s3_object_fn *fn,
            void *arg, const char *what, struct ff_err *err);

/* All objects of a blob, the oldest first. */
struct s3_objects {
    struct s3_object *items;
    size_t n, cap;
    bool failed;
};
int s3_find(struct s3 *s, const struct ff_blob_id *id, struct s3_objects *found,
            const char *what, struct ff_err *err);
void s3_objects_done(struct s3_objects *o);

int s3_list(void *blob, const char *space, const struct ff_blob_id *after,
            uint32_t limit, ff_blob_info_fn *fn, void *arg, struct ff_err *err);
int s3_stat(void *blob, const struct ff_blob_id *id, struct ff_blob_info *info,
            struct ff_err *err);

/* --- get.c, put.c, parts.c, remove.c, credentials.c --- */

int s3_get(void *blob, const struct ff_blob_id *id, ff_blob_bytes_fn *fn, void *arg,
           struct ff_err *err);
int s3_put(void *blob, const struct ff_blob_id *id, uint64_t size_bytes,
           ff_blob_read_fn *read, void *arg, struct ff_err *err);
int s3_remove(void *blob, const struct ff_blob_id *id, int64_t before_us,
              struct ff_err *err);
int s3_delete(struct s3 *s, const char *name, bool once, const char *what,
              struct ff_err *err);
int s3_tidy(void *blob, int64_t before_us, struct ff_err *err);

/* A content on its way. */
struct s3_put {
    struct s3 *s;
    const struct ff_blob_id *id;
    uint64_t size_bytes;
    ff_blob_read_fn *read;
    void *arg;
    char name[S3_NAME_MAX];
    char what[160];
    struct ff_err *err;
};
int s3_put_parts(struct s3_put *p);
/* Reads size bytes from `at` on and hashes them. */
int s3_put_read(struct s3_put *p, uint64_t at, char *to, size_t len, SHA2_CTX *ctx);
int s3_put_check(struct s3_put *p, SHA2_CTX *ctx);

/* From a file as other programs have it: [profile] and aws_... = lines. */
struct s3_keys {
    char access[256], secret[256], token[4096];
};
int s3_read_keys(const char *path, const char *profile, struct s3_keys *keys,
                 struct ff_err *err);

#endif
