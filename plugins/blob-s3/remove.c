/* blob-s3/remove.c - deleting objects by their whole names, which tell when they were
 * put; and uploads that never ended. */
#include "s3.h"

#include <stdlib.h>
#include <string.h>

int s3_delete(struct s3 *s, const char *name, bool once, const char *what,
              struct ff_err *err)
{
    struct s3_request r = {.method = "DELETE", .name = name, .once = once};
    const int code = s3_do(s, &r, what, err);

    s3_request_done(&r);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

int s3_remove(void *blob, const struct ff_blob_id *id, int64_t before_us,
              struct ff_err *err)
{
    struct s3_objects found = {0};
    char name[S3_NAME_MAX];
    char what[160];
    int code = s3_check_id(id, err);

    if (code != FF_OK)
        return code;
    s3_what("removing", id, what);
    code = s3_find(blob, id, &found, what, err);
    if (code == FF_OK && found.n > 0 && found.items[found.n - 1].put_us >= before_us)
        code = ff_fail(err, FF_CONFLICT, 0, "blob %s/%.12s was put meanwhile",
                       id->space, id->hash);
    for (size_t i = 0; code == FF_OK && i < found.n; i++) {
        s3_name(blob, id, found.items[i].put_us, name);
        code = s3_delete(blob, name, false, what, err);
    }
    s3_objects_done(&found);
    return code;
}

/* --- uploads --- */

struct upload {
    char name[S3_NAME_MAX];
    char id[1100];
};

struct uploads {
    const struct s3 *s;
    struct upload *items; /* old enough */
    size_t n, cap;
    int64_t before_us;
    bool failed;
};

static void on_upload(void *arg, const char *name, const char *id)
{
    struct uploads *u = arg;
    struct s3_object o;

    if (strlen(name) >= S3_NAME_MAX || !s3_parse_name(u->s, name, &o) ||
        o.put_us >= u->before_us)
        return;
    if (u->n == u->cap) {
        const size_t cap = u->cap ? 2 * u->cap : 16;
        struct upload *items = realloc(u->items, cap * sizeof(*items));

        u->failed = !items;
        if (!items)
            return;
        u->items = items;
        u->cap = cap;
    }
    struct upload *item = &u->items[u->n++];
    snprintf(item->name, sizeof(item->name), "%s", name);
    snprintf(item->id, sizeof(item->id), "%s", id);
}

static int read_page(struct s3 *s, struct s3_seen *seen, const char *what,
                     struct ff_err *err)
{
    struct s3_text query = {0};
    int code = FF_NO_MEMORY;

    if (seen->next[0]) {
        s3_text_printf(&query, "key-marker=");
        s3_text_quote(&query, seen->next);
        s3_text_printf(&query, "&");
    }
    s3_text_printf(&query, "prefix=");
    s3_text_quote(&query, s->prefix);
    if (seen->next[0] && seen->next_upload[0]) {
        s3_text_printf(&query, "&upload-id-marker=");
        s3_text_quote(&query, seen->next_upload);
    }
    s3_text_printf(&query, "&uploads=");
    struct s3_request r = {.method = "GET", .query = query.s};

    if (!query.failed)
        code = s3_do(s, &r, what, err);
    if (code == FF_OK &&
        !s3_read_list(r.answer.s ? r.answer.s : "", r.answer.len, seen))
        code = ff_fail(err, FF_UNAVAILABLE, 0,
                       "%s at %.80s: the answer is no list of uploads that goes on",
                       what, s->where);
    s3_request_done(&r);
    s3_text_done(&query);
    return code;
}

static int abort_upload(struct s3 *s, const struct upload *u, const char *what,
                        struct ff_err *err)
{
    struct s3_text query = {0};
    int code = FF_NO_MEMORY;

    s3_text_printf(&query, "uploadId=");
    s3_text_quote(&query, u->id);
    struct s3_request r = {.method = "DELETE", .name = u->name, .query = query.s};

    if (!query.failed)
        code = s3_do(s, &r, what, err);
    s3_request_done(&r);
    s3_text_done(&query);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

int s3_tidy(void *blob, int64_t before_us, struct ff_err *err)
{
    static const char what[] = "tidying uploads";
    struct s3 *s = blob;
    struct uploads old = {.s = s, .before_us = before_us};
    struct s3_seen seen = {.upload = on_upload, .arg = &old};
    int code;

    do
        code = read_page(s, &seen, what, err);
    while (code == FF_OK && seen.more && seen.next[0]);
    for (size_t i = 0; code == FF_OK && i < old.n; i++)
        code = abort_upload(s, &old.items[i], what, err);
    free(old.items);
    if (code == FF_NO_MEMORY || old.failed)
        return ff_fail(err, FF_NO_MEMORY, 0, "%s: out of memory", what);
    return code;
}
