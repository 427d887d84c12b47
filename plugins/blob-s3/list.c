/* blob-s3/list.c - what there is: the objects below a name, a page at a time, and blobs
 * as the newest object of each hash. */
#include "s3.h"

#include <stdlib.h>
#include <string.h>

/* --- objects --- */

struct walk {
    struct s3 *s;
    s3_object_fn *fn;
    void *arg;
    bool stopped;
};

static void on_object(void *arg, const char *name, uint64_t size_bytes)
{
    struct walk *w = arg;
    struct s3_object o;

    if (w->stopped || !s3_parse_name(w->s, name, &o))
        return;
    o.size_bytes = size_bytes;
    w->stopped = !w->fn(w->arg, &o);
}

/* Sorted by name, as signatures want them. */
static void page_query(struct s3_text *q, const char *next, const char *prefix,
                       const char *after)
{
    if (next[0]) {
        s3_text_printf(q, "continuation-token=");
        s3_text_quote(q, next);
        s3_text_printf(q, "&");
    }
    s3_text_printf(q, "list-type=2&prefix=");
    s3_text_quote(q, prefix);
    if (after[0] && !next[0]) {
        s3_text_printf(q, "&start-after=");
        s3_text_quote(q, after);
    }
}

static int walk_page(struct walk *w, struct s3_seen *seen, const char *prefix,
                     const char *after, const char *what, struct ff_err *err)
{
    struct s3_text query = {0};
    int code;

    page_query(&query, seen->next, prefix, after);
    if (query.failed) {
        s3_text_done(&query);
        return ff_fail(err, FF_NO_MEMORY, 0, "%s: out of memory for a request", what);
    }
    struct s3_request r = {.method = "GET", .query = query.s};

    code = s3_do(w->s, &r, what, err);
    if (code == FF_NOT_FOUND) /* there is always a list, where there is a bucket */
        code = err->code = FF_DENIED;
    if (code == FF_OK &&
        !s3_read_list(r.answer.s ? r.answer.s : "", r.answer.len, seen))
        code = ff_fail(err, FF_UNAVAILABLE, 0,
                       "%s at %.80s: the answer is no list of objects that goes on",
                       what, w->s->where);
    s3_request_done(&r);
    s3_text_done(&query);
    return code;
}

int s3_walk(struct s3 *s, const char *prefix, const char *after, s3_object_fn *fn,
            void *arg, const char *what, struct ff_err *err)
{
    struct walk w = {.s = s, .fn = fn, .arg = arg};
    struct s3_seen seen = {.object = on_object, .arg = &w};
    int code;

    do
        code = walk_page(&w, &seen, prefix, after, what, err);
    while (code == FF_OK && !w.stopped && seen.more && seen.next[0]);
    return code;
}

/* --- those of one blob --- */

static bool keep_object(void *arg, const struct s3_object *o)
{
    struct s3_objects *found = arg;

    if (found->n == found->cap) {
        const size_t cap = found->cap ? 2 * found->cap : 4;
        struct s3_object *items = realloc(found->items, cap * sizeof(*items));

        found->failed = !items;
        if (!items)
            return false;
        found->items = items;
        found->cap = cap;
    }
    found->items[found->n++] = *o;
    return true;
}

int s3_find(struct s3 *s, const struct ff_blob_id *id, struct s3_objects *found,
            const char *what, struct ff_err *err)
{
    struct s3_text prefix = {0};
    int code;

    found->n = 0;
    s3_text_printf(&prefix, "%s%s/%s.", s->prefix, id->space, id->hash);
    code = prefix.failed ? FF_NO_MEMORY
                         : s3_walk(s, prefix.s, "", keep_object, found, what, err);
    s3_text_done(&prefix);
    if (code == FF_NO_MEMORY || found->failed)
        return ff_fail(err, FF_NO_MEMORY, 0, "%s: out of memory for names", what);
    return code;
}

void s3_objects_done(struct s3_objects *o)
{
    free(o->items);
    *o = (struct s3_objects){0};
}

/* --- blobs --- */

struct listing {
    struct s3_object last; /* the newest object so far of the blob that is next */
    bool any, done;
    uint32_t left;
    ff_blob_info_fn *fn;
    void *arg;
};

static void tell(struct listing *l)
{
    const struct ff_blob_info info = {
        .struct_size = sizeof(info),
        .id = {.space = l->last.space, .hash = l->last.hash},
        .size_bytes = l->last.size_bytes,
        .put_us = l->last.put_us,
    };

    if (!l->any || l->done)
        return;
    l->any = false;
    l->done = l->fn(l->arg, &info) != 0 || --l->left == 0;
}

/* The names of one blob follow each other, by time. */
static bool add_object(void *arg, const struct s3_object *o)
{
    struct listing *l = arg;

    if (l->any &&
        (strcmp(l->last.space, o->space) != 0 || strcmp(l->last.hash, o->hash) != 0))
        tell(l);
    l->last = *o;
    l->any = true;
    return !l->done;
}

int s3_list(void *blob, const char *space, const struct ff_blob_id *after,
            uint32_t limit, ff_blob_info_fn *fn, void *arg, struct ff_err *err)
{
    struct s3 *s = blob;
    struct listing l = {.left = limit ? limit : UINT32_MAX, .fn = fn, .arg = arg};
    struct s3_text prefix = {0};
    struct s3_text from = {0};
    int code = FF_OK;

    if (after && s3_check_id(after, err) != FF_OK)
        return FF_INVALID;
    if (space && !s3_is_space(space))
        return ff_fail(err, FF_INVALID, 0,
                       "the space of a blob is not 1 to %d of a-z, 0-9 and '_'",
                       FF_BLOB_SPACE_MAX);
    s3_text_printf(&prefix, "%s%s%s", s->prefix, space ? space : "", space ? "/" : "");
    /* After every object of that hash: '/' comes after '.'. */
    s3_text_printf(&from, "%s%s%s%s%s", s->prefix, after ? after->space : "",
                   after ? "/" : "", after ? after->hash : "", after ? "/" : "");
    if (prefix.failed || from.failed)
        code = ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a list");
    if (code == FF_OK)
        code = s3_walk(s, prefix.s, after ? from.s : "", add_object, &l,
                       "listing blobs", err);
    if (code == FF_OK)
        tell(&l);
    s3_text_done(&prefix);
    s3_text_done(&from);
    return code;
}

int s3_stat(void *blob, const struct ff_blob_id *id, struct ff_blob_info *info,
            struct ff_err *err)
{
    struct s3_objects found = {0};
    char what[160];
    int code = s3_check_id(id, err);

    if (code != FF_OK)
        return code;
    s3_what("looking at", id, what);
    code = s3_find(blob, id, &found, what, err);
    if (code == FF_OK && found.n == 0)
        code = ff_fail(err, FF_NOT_FOUND, 0, "there is no blob %s/%.12s", id->space,
                       id->hash);
    if (code == FF_OK && found.n > 0) {
        info->id = *id;
        info->size_bytes = found.items[found.n - 1].size_bytes;
        info->put_us = found.items[found.n - 1].put_us;
    }
    s3_objects_done(&found);
    return code;
}
