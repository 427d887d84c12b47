/* blobs.c - the blob driver of the settings, and deleting what no run names any more.
 *
 * A row `artifact` says that a run names a blob. It is written in the commit that names
 * it and deleted with the run; then the blob goes if no other run has such a row. What
 * that misses - a process died between a put and its commit, or before a delete - the
 * sweep finds, once a day: it goes through all blobs. Neither takes away what was put
 * within the grace time: somebody may be about to commit the row that names it. */
#include "node/node_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SWEEP_FILE     "blobs.swept"
#define SWEEP_EVERY_US (INT64_C(24) * 3600 * UNITS_SECOND)
#define SWEEP_PAGE     1000
#define SWEEP_PAGES    20 /* of one pass: an end of the program must not take for ever */

struct driver_instance *node_blob_driver(struct node *n, struct ff_err *err)
{
    if (!n->blob_driver)
        n->blob_driver = node_instance(n, FF_BLOB, err);
    return n->blob_driver;
}

struct blobs *node_open_blobs(struct node *n, struct ff_err *err)
{
    struct driver_instance *driver = n->blob_driver;

    /* On a lane it is as the loop's thread has left it. */
    if (!driver && !loop_is_thread(n->loop)) {
        ff_fail(err, FF_UNAVAILABLE, 0, "driver %.64s is not there", n->settings.blob);
        return NULL;
    }
    if (!driver)
        driver = node_blob_driver(n, err);
    return driver ? blobs_open(driver, err) : NULL;
}

/* --- is it named? --- */

static int note_row(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return 1;
}

static int is_named(struct node *n, struct tenant t, const char *hash, bool *named,
                    struct ff_err *err)
{
    const struct artifact_row like = {.tenant = t.no, .hash = span_of(hash)};
    const struct store_query query = {.record = &record_artifact,
                                      .index = "artifact_hash",
                                      .like = &like,
                                      .n_equal = 2,
                                      .limit = 1};

    *named = false;
    return store_scan(n->store, STORE_READER_CALLER, &query, note_row, named, err);
}

static int drop_one(struct node *n, struct blobs *b, struct tenant t, const char *hash,
                    struct ff_err *err)
{
    const int64_t before_us = loop_wall_us(n->loop) - n->settings.blob_grace_us;
    bool named;
    int fd;
    int code = is_named(n, t, hash, &named, err);

    if (code != FF_OK || named)
        return code;
    FAILPOINT("node.blobs.drop");
    code = node_deleting(n, &fd, err);
    if (code != FF_OK)
        return code;
    code = blobs_remove(b, t, hash, before_us, err);
    node_deleted(fd);
    return code == FF_CONFLICT ? FF_OK : code; /* young: the sweep comes again */
}

int node_drop_blobs(struct node *n, struct tenant t, const struct node_hashes *hashes,
                    struct ff_err *err)
{
    struct blobs *b = hashes->n > 0 ? node_open_blobs(n, err) : NULL;
    int code = b || hashes->n == 0 ? FF_OK : err->code;

    for (size_t i = 0; code == FF_OK && i < hashes->n; i++)
        code = drop_one(n, b, t, hashes->items[i], err);
    blobs_close(b);
    return code;
}

/* --- the sweep --- */

struct sweep {
    struct node *node;
    int64_t before_us;
    struct {
        struct candidate {
            struct tenant tenant;
            char hash[SHA256_TEXT];
        } * items;
        size_t n, cap;
    } old;
};

static void see(void *arg, struct tenant t, const char *hash, int64_t size,
                int64_t put_us)
{
    struct sweep *s = arg;
    struct candidate c = {.tenant = t};

    (void)size;
    if (put_us >= s->before_us)
        return;
    memcpy(c.hash, hash, SHA256_TEXT);
    ARRAY_ADD(&s->old, c);
}

static int sweep_page(struct sweep *s, struct blobs *b, struct blobs_at *at, bool *more,
                      struct ff_err *err)
{
    int code;

    s->old.n = 0;
    code = blobs_list(b, at, SWEEP_PAGE, see, s, more, err);
    for (size_t i = 0; code == FF_OK && i < s->old.n; i++)
        code = drop_one(s->node, b, s->old.items[i].tenant, s->old.items[i].hash, err);
    return code;
}

/* "1 HASH": where the last pass came to; empty: it came to the end. */
static void read_place(const char *path, struct blobs_at *at)
{
    struct buf text = {0};
    char *end;

    *at = (struct blobs_at){0};
    if (file_read(path, 128, &text) == 0 && text.len > 0) {
        at->tenant = strtoll(buf_text(&text), &end, 10);
        if (*end == ' ' && strlen(end + 1) == SHA256_TEXT - 1)
            memcpy(at->hash, end + 1, SHA256_TEXT);
    }
    buf_done(&text);
}

static void write_place(const char *path, const struct blobs_at *at, bool more)
{
    struct buf text = {0};

    if (more)
        buf_printf(&text, "%lld %s", (long long)at->tenant, at->hash);
    file_write_durable(path, buf_text(&text), text.len, 0600);
    buf_done(&text);
}

/* Unless the last one has come to the end within a day. The first begins a day after
 * the data directory was made: most have no blobs at all. */
static bool is_due(const struct node *n, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        const struct blobs_at none = {0};

        write_place(path, &none, false);
        return false;
    }
    return st.st_size > 0 ||
           (int64_t)st.st_mtim.tv_sec * UNITS_SECOND + SWEEP_EVERY_US <=
               loop_wall_us(n->loop);
}

static int sweep(struct node *n, const char *path, struct ff_err *err)
{
    struct sweep s = {.node = n,
                      .before_us = loop_wall_us(n->loop) - n->settings.blob_grace_us};
    struct blobs *b = node_open_blobs(n, err);
    struct blobs_at at;
    bool more = true;
    int code = b ? FF_OK : err->code;

    read_place(path, &at);
    if (code == FF_OK)
        code = blobs_tidy(b, s.before_us, err);
    for (int i = 0; code == FF_OK && more && i < SWEEP_PAGES; i++)
        code = sweep_page(&s, b, &at, &more, err);
    if (code == FF_OK)
        write_place(path, &at, more);
    blobs_close(b);
    ARRAY_DONE(&s.old);
    return code;
}

int node_sweep_blobs(struct node *n, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(n->files_dir, SWEEP_FILE);

    return is_due(n, path) ? sweep(n, path, err) : FF_OK;
}
