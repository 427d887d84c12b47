/* kit/kit_blob_crash.c - checks of what is left when a process is killed: all of what
 * was acknowledged, nothing by half. */
#include "kit/kit_blob.h"

#include <unistd.h>

#define N_ROUNDS    6
#define MAX_PUTS    8
#define LINGER_US   4000
#define BLOB_BYTES  ((size_t)1 << 20)
#define SLACK_BYTES (INT64_C(64) << 10)

/* --- closed and opened again --- */

static void blobs_survive_their_sessions(struct kit *k)
{
    struct kit_content c;
    struct kit_blobs b;

    kit_content_make(&c, 1, 100000);
    kit_blob_open(k, &b);
    kit_blob_must_put(&b, &c, "before the session is closed");
    kit_blob_close(&b);
    kit_drop(k);
    kit_blob_open(k, &b);
    kit_blob_must_get(&b, &c, "when opened again");
    kit_blob_close(&b);
    kit_content_done(&c);
}

/* --- killed while it puts --- */

/* Number i is told once it is acknowledged. */
static void put_for_ever(struct kit *k, void *arg)
{
    const int64_t *last = arg;
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (int64_t i = *last + 1;; i++) {
        struct kit_content c;

        kit_content_make(&c, (uint64_t)i, BLOB_BYTES);
        kit_blob_must_put(&b, &c, "until it is killed");
        kit_content_done(&c);
        kit_tell(k, i);
    }
}

struct left_over {
    int64_t last;
    bool tidied;
};

/* Whatever is listed is whole: get finds out, by the hash. */
static int drop_bytes(void *arg, const void *bytes, size_t len)
{
    uint64_t *n_bytes = arg;

    (void)bytes;
    *n_bytes += len;
    return 0;
}

static void expect_whole(struct kit_blobs *b)
{
    struct kit_listed l = {0};

    kit_blob_list_in(b, NULL, NULL, NULL, 0, &l);
    for (size_t i = 0; i < l.n; i++) {
        const struct ff_blob_id id = {l.items[i].space, l.items[i].hash};
        uint64_t n_bytes = 0;

        kit_expect_code(b->k,
                        b->ops->get(b->session, &id, drop_bytes, &n_bytes, &b->err),
                        FF_OK, &b->err, "a get of what is listed after a kill");
        kit_expect_int(b->k, n_bytes, l.items[i].size_bytes,
                       "bytes of a blob beside size_bytes of the list");
        kit_expect_int(b->k, n_bytes, BLOB_BYTES, "bytes of a blob after a kill");
    }
    kit_listed_done(&l);
}

static void read_what_is_left(struct kit *k, void *arg)
{
    const struct left_over *left = arg;
    struct kit_blobs b;

    kit_blob_open(k, &b);
    if (left->tidied)
        kit_expect_code(k, b.ops->tidy(b.session, INT64_MAX, &b.err), FF_OK, &b.err,
                        "a tidy after processes were killed");
    for (int64_t i = 1; i <= left->last; i++) {
        struct kit_content c;

        kit_content_make(&c, (uint64_t)i, BLOB_BYTES);
        kit_blob_must_get(&b, &c, "acknowledged before a kill");
        kit_content_done(&c);
    }
    expect_whole(&b);
    kit_blob_close(&b);
}

static void put_and_kill(struct kit *k, int64_t *last)
{
    const uint64_t n = rand_below(kit_rand(k), MAX_PUTS);
    const useconds_t linger_us = (useconds_t)rand_below(kit_rand(k), LINGER_US);
    struct kit_child writer;

    kit_start(k, &writer, put_for_ever, last);
    kit_let_go(&writer);
    for (uint64_t i = 0; i < n; i++)
        kit_expect(k, kit_hear(&writer, last),
                   "the process that puts has ended by itself");
    usleep(linger_us); /* into the middle of a put, or of none */
    kit_kill_hearing(&writer, last);
}

static void in_another_process(struct kit *k, kit_child_fn *fn, void *arg)
{
    struct kit_child child;

    kit_start(k, &child, fn, arg);
    kit_let_go(&child);
    kit_end(k, &child);
}

static void what_was_acknowledged_survives(struct kit *k)
{
    struct left_over left = {0};

    for (int round = 0; round < N_ROUNDS; round++) {
        put_and_kill(k, &left.last);
        in_another_process(k, read_what_is_left, &left);
    }
}

/* --- what a killed put leaves behind --- */

static void expect_little(struct kit *k, int64_t n_blobs)
{
    const int64_t bytes = file_tree_bytes(kit_dir(k));
    const int64_t wanted = n_blobs * (int64_t)BLOB_BYTES;

    kit_expect(k, bytes < wanted + SLACK_BYTES,
               "after a tidy %lld bytes lie below {dir}, for blobs of %lld",
               (long long)bytes, (long long)wanted);
}

static void count_blobs(struct kit *k, void *arg)
{
    struct kit_listed l = {0};
    struct kit_blobs b;

    (void)arg;
    kit_blob_open(k, &b);
    kit_blob_list_in(&b, NULL, NULL, NULL, 0, &l);
    kit_tell(k, (int64_t)l.n);
    kit_listed_done(&l);
    kit_blob_close(&b);
}

static int64_t number_of_blobs(struct kit *k)
{
    struct kit_child child;
    int64_t n = 0;

    kit_start(k, &child, count_blobs, NULL);
    kit_let_go(&child);
    kit_expect(k, kit_hear(&child, &n), "the process that counts has ended by itself");
    kit_end(k, &child);
    return n;
}

static void a_tidy_removes_the_rest(struct kit *k)
{
    struct left_over left = {.tidied = true};

    if (!kit_uses(k, "dir"))
        kit_skip(k, "no option holds {dir}");
    for (int round = 0; round < N_ROUNDS; round++) {
        put_and_kill(k, &left.last);
        in_another_process(k, read_what_is_left, &left);
        expect_little(k, number_of_blobs(k));
    }
}

const struct kit_check kit_blob_crash[] = {
    {.name = "crash/reopen",
     .what = "what was put is there when it is opened again",
     .run = blobs_survive_their_sessions,
     .caps = FF_BLOB_DURABLE},
    {.name = "crash/kill",
     .what = "when a process is killed, every acknowledged blob is there and none by "
             "half",
     .run = what_was_acknowledged_survives,
     .caps = FF_BLOB_DURABLE,
     .deadline_s = 90},
    {.name = "crash/tidy",
     .what = "tidy removes what killed puts have left, and nothing else",
     .run = a_tidy_removes_the_rest,
     .caps = FF_BLOB_DURABLE,
     .slot = KIT_SLOT(ff_blob_ops, tidy),
     .deadline_s = 90},
    {0},
};
