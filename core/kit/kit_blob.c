/* kit/kit_blob.c - the tables of checks for blob drivers, and what they share. */
#include "kit/kit_blob.h"

#include <string.h>
#include <unistd.h>

#define AGAIN_US     INT64_C(10000)
#define AGAIN_FOR_US INT64_C(10000000)

const struct kit_check *const kit_blob_checks[] = {
    kit_blob_put,  kit_blob_get,   kit_blob_remove, kit_blob_list, kit_blob_errors,
    kit_blob_race, kit_blob_crash, kit_blob_random, NULL,
};

/* --- content --- */

void kit_content_make(struct kit_content *c, uint64_t number, size_t len)
{
    struct rand r;

    rand_seed(&r, number);
    c->len = len;
    c->bytes = mem_alloc(len + 8);
    for (size_t at = 0; at < len; at += 8) {
        const uint64_t bits = rand_next(&r);

        memcpy(c->bytes + at, &bits, sizeof(bits));
    }
    sha256_text(c->bytes, len, c->hash);
}

void kit_content_done(struct kit_content *c)
{
    mem_free(c->bytes);
    c->bytes = NULL;
}

/* --- sessions --- */

void kit_blob_open_of(struct kit *k, struct driver_instance *i, struct kit_blobs *b)
{
    *b = (struct kit_blobs){.k = k, .ops = driver_blob_ops(i)};

    const int code = driver_open_blob(i, &b->session, &b->err);

    kit_expect_code(k, code, FF_OK, &b->err, "opening a session");
}

void kit_blob_open(struct kit *k, struct kit_blobs *b)
{
    kit_blob_open_of(k, kit_instance(k), b);
}

void kit_blob_close(struct kit_blobs *b)
{
    b->ops->close(b->session);
    b->session = NULL;
}

/* Time passes only where a driver says that it is busy. */
static bool try_again(int code, int64_t *waited_us)
{
    if ((code != FF_BUSY && code != FF_UNAVAILABLE) || *waited_us >= AGAIN_FOR_US)
        return false;
    usleep(AGAIN_US);
    *waited_us += AGAIN_US;
    return true;
}

/* --- names that do not outlive a call --- */

struct lent {
    struct ff_blob_id id;
    char *space, *hash;
};

static void lend(struct lent *l, const char *space, const char *hash)
{
    l->space = mem_text(space);
    l->hash = mem_text(hash);
    l->id = (struct ff_blob_id){.space = l->space, .hash = l->hash};
}

static void take_back(struct lent *l)
{
    memset(l->space, 'X', strlen(l->space));
    memset(l->hash, 'X', strlen(l->hash));
    mem_free(l->space);
    mem_free(l->hash);
}

/* --- put --- */

struct source {
    struct kit *k;
    const struct kit_content *c;
    uint64_t fails_at;
    pid_t thread;
    bool over;
};

static int read_source(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct source *s = arg;

    if (s->over)
        kit_fail(s->k, "read was called after put had returned");
    if (gettid() != s->thread)
        kit_fail(s->k, "read was called on another thread than put");
    if (offset > s->c->len || len > s->c->len - offset)
        kit_fail(s->k, "read was asked for %zu bytes at %llu of a content of %zu", len,
                 (unsigned long long)offset, s->c->len);
    if (offset + len > s->fails_at)
        return -1;
    memcpy(to, s->c->bytes + offset, len);
    return 0;
}

static int put_once(struct kit_blobs *b, const char *space, const char *hash,
                    struct source *s)
{
    struct lent lent;

    b->err = (struct ff_err){0};
    s->over = false;
    lend(&lent, space, hash);

    const int code =
        b->ops->put(b->session, &lent.id, s->c->len, read_source, s, &b->err);

    take_back(&lent);
    s->over = true;
    return code;
}

static int put_it(struct kit_blobs *b, const char *space, const char *hash,
                  struct source *s)
{
    int64_t waited_us = 0;
    int code;

    do
        code = put_once(b, space, hash, s);
    while (try_again(code, &waited_us));
    return code;
}

int kit_blob_put_in(struct kit_blobs *b, const char *space, const struct kit_content *c)
{
    struct source s = {.k = b->k, .c = c, .fails_at = UINT64_MAX, .thread = gettid()};

    return put_it(b, space, c->hash, &s);
}

int kit_blob_put_as(struct kit_blobs *b, const char *hash, const struct kit_content *c,
                    uint64_t fails_at)
{
    struct source s = {.k = b->k, .c = c, .fails_at = fails_at, .thread = gettid()};

    return put_it(b, KIT_SPACE, hash, &s);
}

/* --- get --- */

struct target {
    const struct kit_content *c;
    struct kit_got *got;
};

static int take_bytes(void *arg, const void *bytes, size_t len)
{
    const struct target *t = arg;
    const uint64_t at = t->got->n_bytes;

    t->got->n_bytes += len;
    if (t->got->n_bytes > t->c->len || memcmp(t->c->bytes + at, bytes, len) != 0)
        t->got->differs = true;
    return 0;
}

int kit_blob_get_in(struct kit_blobs *b, const char *space, const struct kit_content *c,
                    struct kit_got *got)
{
    struct target t = {.c = c, .got = got};
    int64_t waited_us = 0;
    struct lent lent;
    int code;

    lend(&lent, space, c->hash);
    do {
        *got = (struct kit_got){0};
        b->err = (struct ff_err){0};
        code = b->ops->get(b->session, &lent.id, take_bytes, &t, &b->err);
    } while (try_again(code, &waited_us));
    take_back(&lent);
    return code;
}

/* --- stat, remove --- */

int kit_blob_stat_in(struct kit_blobs *b, const char *space, const char *hash,
                     struct ff_blob_info *info)
{
    int64_t waited_us = 0;
    struct lent lent;
    int code;

    lend(&lent, space, hash);
    do {
        *info = (struct ff_blob_info){.struct_size = sizeof(*info)};
        b->err = (struct ff_err){0};
        code = b->ops->stat(b->session, &lent.id, info, &b->err);
    } while (try_again(code, &waited_us));
    take_back(&lent);
    return code;
}

int kit_blob_remove_in(struct kit_blobs *b, const char *space, const char *hash,
                       int64_t before_us)
{
    int64_t waited_us = 0;
    struct lent lent;
    int code;

    lend(&lent, space, hash);
    do {
        b->err = (struct ff_err){0};
        code = b->ops->remove(b->session, &lent.id, before_us, &b->err);
    } while (try_again(code, &waited_us));
    take_back(&lent);
    return code;
}

/* --- what must be so --- */

void kit_blob_must_put(struct kit_blobs *b, const struct kit_content *c,
                       const char *what)
{
    kit_expect_code(b->k, kit_blob_put_in(b, KIT_SPACE, c), FF_OK, &b->err,
                    "a put of %zu bytes, %s", c->len, what);
}

void kit_blob_must_get(struct kit_blobs *b, const struct kit_content *c,
                       const char *what)
{
    struct kit_got got;
    const int code = kit_blob_get_in(b, KIT_SPACE, c, &got);

    kit_expect_code(b->k, code, FF_OK, &b->err, "a get of %zu bytes, %s", c->len, what);
    kit_expect_int(b->k, got.n_bytes, c->len, "bytes of the content, %s", what);
    kit_expect(b->k, !got.differs, "the content of %zu bytes is another one, %s",
               c->len, what);
}

void kit_blob_must_remove(struct kit_blobs *b, const char *hash, const char *what)
{
    kit_expect_code(b->k, kit_blob_remove_in(b, KIT_SPACE, hash, INT64_MAX), FF_OK,
                    &b->err, "a remove, %s", what);
}

void kit_blob_must_lack(struct kit_blobs *b, const char *hash, const char *what)
{
    struct ff_blob_info info;

    kit_expect_code(b->k, kit_blob_stat_in(b, KIT_SPACE, hash, &info), FF_NOT_FOUND,
                    &b->err, "a stat, %s", what);
}

/* --- lists --- */

static int add_listed(void *arg, const struct ff_blob_info *info)
{
    struct kit_listed *l = arg;

    struct kit_listed_blob one = {.size_bytes = info->size_bytes};

    snprintf(one.space, sizeof(one.space), "%s", info->id.space);
    snprintf(one.hash, sizeof(one.hash), "%s", info->id.hash);
    ARRAY_ADD(l, one);
    return l->n == l->stop_at;
}

void kit_blob_list_in(struct kit_blobs *b, const char *space, const char *after_space,
                      const char *after_hash, uint32_t limit, struct kit_listed *out)
{
    const struct ff_blob_id after = {.space = after_space, .hash = after_hash};
    const size_t n_before = out->n;
    int64_t waited_us = 0;
    int code;

    do {
        out->n = n_before;
        b->err = (struct ff_err){0};
        code = b->ops->list(b->session, space, after_hash ? &after : NULL, limit,
                            add_listed, out, &b->err);
    } while (try_again(code, &waited_us));
    kit_expect_code(b->k, code, FF_OK, &b->err, "a list");
}

void kit_listed_done(struct kit_listed *l)
{
    ARRAY_DONE(l);
}

void kit_blob_fill(struct kit_blobs *b, const char *space, uint64_t first, size_t n)
{
    for (uint64_t i = first; i < first + n; i++) {
        struct kit_content c;

        kit_content_make(&c, i, 100 + i);
        kit_expect_code(b->k, kit_blob_put_in(b, space, &c), FF_OK, &b->err,
                        "a put in %s", space);
        kit_content_done(&c);
    }
}
