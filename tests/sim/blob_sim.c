/* blob_sim.c - a blob driver with faults: blobs in memory, which outlive the processes
 * of the simulation. A put may fail, or fail and have been carried out; a get may fail,
 * or take seconds. */
#include "sim.h"

#include <string.h>

#define SECOND UNITS_SECOND

struct blob {
    size_t len;
    char bytes[];
};

static struct map blobs; /* "SPACE/HASH" -> struct blob */

struct key {
    char text[FF_BLOB_SPACE_MAX + FF_BLOB_HASH_LEN + 2];
};

static struct key key_of(const struct ff_blob_id *id)
{
    struct key key;

    snprintf(key.text, sizeof(key.text), "%s/%s", id->space, id->hash);
    return key;
}

bool blob_sim_has(struct tenant t, const char *hash)
{
    char space[24];

    snprintf(space, sizeof(space), "t%lld", (long long)t.no);
    return map_get_text(
        &blobs, key_of(&(struct ff_blob_id){.space = space, .hash = hash}).text);
}

static bool is_down(void)
{
    if (sim.faults && sim_chance(RAND_BLOB, sim.o.blob_slow)) {
        sim_seen(SEEN_BLOB_SLOW);
        sim_hold_up(sim_between(RAND_BLOB, 0, 5 * SECOND));
    }
    return sim.faults && sim_chance(RAND_BLOB, sim.o.blob_down);
}

static int down(struct ff_err *err)
{
    const uint64_t how = sim_rand(RAND_BLOB, 2);

    sim_seen(SEEN_BLOB_DOWN);
    return ff_fail(err, how ? FF_BUSY : FF_UNAVAILABLE, 0, "the blobs are away");
}

static int put(void *session, const struct ff_blob_id *id, uint64_t size,
               ff_blob_read_fn *read, void *arg, struct ff_err *err)
{
    struct blob *b;

    (void)session;
    if (is_down())
        return down(err);
    if (sim.faults && sim_chance(RAND_BLOB, sim.o.blob_full)) {
        sim_seen(SEEN_BLOB_FULL);
        return ff_fail(err, FF_FULL, 0, "no room for a blob");
    }
    if (map_get_text(&blobs, key_of(id).text))
        sim_seen(SEEN_BLOB_AGAIN);
    b = mem_alloc(sizeof(*b) + size);
    b->len = size;
    sim_check(read(arg, 0, b->bytes, size) == 0, "a file cannot be read");
    map_set_text(&blobs, key_of(id).text, b); /* what was there may be being read */
    sim_trace("blob %s", id->hash);
    if (!sim.faults || !sim_chance(RAND_BLOB, sim.o.blob_doubt))
        return FF_OK;
    sim_seen(SEEN_BLOB_DOUBT);
    return ff_fail(err, FF_UNAVAILABLE, 0, "the link broke behind a put");
}

static int get(void *session, const struct ff_blob_id *id, ff_blob_bytes_fn *fn,
               void *arg, struct ff_err *err)
{
    const struct blob *b = map_get_text(&blobs, key_of(id).text);

    (void)session;
    if (is_down())
        return down(err);
    if (!b)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no such blob");
    if (b->len > 0 && fn(arg, b->bytes, b->len) != 0)
        return ff_fail(err, FF_CANCELLED, 0, "nobody wants it");
    return FF_OK;
}

static int stat_blob(void *session, const struct ff_blob_id *id,
                     struct ff_blob_info *info, struct ff_err *err)
{
    const struct blob *b = map_get_text(&blobs, key_of(id).text);

    (void)session;
    if (!b)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no such blob");
    info->id = *id;
    info->size_bytes = b->len;
    return FF_OK;
}

/* Nobody removes or lists any in the simulation: that is retention's. */
static int no_remove(void *session, const struct ff_blob_id *id, int64_t before_us,
                     struct ff_err *err)
{
    (void)session;
    (void)id;
    (void)before_us;
    return ff_fail(err, FF_UNSUPPORTED, 0, "nothing is removed");
}

static int no_list(void *session, const char *space, const struct ff_blob_id *after,
                   uint32_t limit, ff_blob_info_fn *fn, void *arg, struct ff_err *err)
{
    (void)session;
    (void)space;
    (void)after;
    (void)limit;
    (void)fn;
    (void)arg;
    return ff_fail(err, FF_UNSUPPORTED, 0, "nothing is listed");
}

static int ping(void *session, struct ff_err *err)
{
    (void)session;
    (void)err;
    return FF_OK;
}

static int open_session(const struct ff_host *host, const void *config, void **session,
                        struct ff_err *err)
{
    (void)host;
    (void)config;
    (void)err;
    *session = &blobs;
    return FF_OK;
}

static void close_session(void *session)
{
    (void)session;
}

static const struct ff_blob_ops ops = {
    .open = open_session,
    .close = close_session,
    .put = put,
    .get = get,
    .stat = stat_blob,
    .remove = no_remove,
    .list = no_list,
    .ping = ping,
};

const struct ff_driver blob_sim_driver = {
    FF_DRIVER_HEAD(FF_BLOB, FF_PARALLEL, ops), .name = "sim",    .version = "1",
    .summary = "blobs in memory, with faults", .ops.blob = &ops,
};
