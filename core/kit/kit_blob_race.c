/* kit/kit_blob_race.c - checks of threads and processes at once. */
#include "kit/kit_blob.h"

#include <string.h>
#include <unistd.h>

#define N_THREADS   4
#define N_PROCESSES 4
#define N_CALLS     40
#define N_ROUNDS    100

/* --- one session, many threads --- */

struct crowd {
    struct kit_blobs b;
    uint64_t next; /* a number for each thread */
};

static void use_session(struct kit *k, void *arg)
{
    struct crowd *crowd = arg;
    const uint64_t mine = __atomic_fetch_add(&crowd->next, 1, __ATOMIC_RELAXED);
    struct kit_blobs b = crowd->b;

    (void)k;
    for (uint64_t i = 0; i < N_CALLS; i++) {
        struct kit_content c;

        kit_content_make(&c, 1000 * (mine + 1) + i, 20000 + 1000 * mine);
        kit_blob_must_put(&b, &c, "others calling meanwhile");
        kit_blob_must_get(&b, &c, "others calling meanwhile");
        if (i % 4 == 0) {
            kit_blob_must_remove(&b, c.hash, "others calling meanwhile");
            kit_blob_must_lack(&b, c.hash, "of what was removed, others calling");
        }
        kit_content_done(&c);
    }
}

static void calls_may_overlap(struct kit *k)
{
    struct kit_thread *threads[N_THREADS];
    struct crowd crowd = {0};

    if (kit_info(k)->d.threads != FF_PARALLEL)
        kit_skip(k, "the driver does not declare FF_PARALLEL");
    kit_blob_open(k, &crowd.b);
    for (int i = 0; i < N_THREADS; i++)
        threads[i] = kit_thread(k, use_session, &crowd);
    for (int i = 0; i < N_THREADS; i++)
        kit_join(threads[i]);
    kit_blob_close(&crowd.b);
}

/* --- processes --- */

static void put_and_look(struct kit *k, void *arg)
{
    struct kit_blobs b;

    (void)arg;
    kit_blob_open(k, &b);
    for (uint64_t i = 0; i < N_CALLS; i++) {
        struct kit_content c;

        kit_content_make(&c, i, 50000);
        kit_blob_must_put(&b, &c, "other processes putting the same");
        kit_blob_must_get(&b, &c, "other processes putting the same");
        kit_content_done(&c);
    }
    kit_blob_close(&b);
}

static void the_same_may_be_put_at_once(struct kit *k)
{
    struct kit_child children[N_PROCESSES];
    struct kit_listed l = {0};
    struct kit_blobs b;

    for (int i = 0; i < N_PROCESSES; i++)
        kit_start(k, &children[i], put_and_look, NULL);
    for (int i = 0; i < N_PROCESSES; i++)
        kit_let_go(&children[i]);
    for (int i = 0; i < N_PROCESSES; i++)
        kit_end(k, &children[i]);
    kit_blob_open(k, &b);
    kit_blob_list_in(&b, NULL, NULL, NULL, 0, &l);
    kit_expect_int(k, l.n, N_CALLS, "blobs, each put by every process");
    kit_listed_done(&l);
    kit_blob_close(&b);
}

static void put_what_is_told(struct kit *k, void *arg)
{
    struct kit_blobs b;

    (void)arg;
    kit_blob_open(k, &b);
    for (int64_t i = 0; i < N_CALLS; i++) {
        struct kit_content c;

        kit_content_make(&c, (uint64_t)i, 3000);
        kit_blob_must_put(&b, &c, "in another process");
        kit_content_done(&c);
        kit_tell(k, i);
    }
    kit_blob_close(&b);
}

static void processes_see_it(struct kit *k)
{
    struct kit_child child;
    struct kit_blobs b;
    int64_t number;

    kit_start(k, &child, put_what_is_told, NULL);
    kit_blob_open(k, &b);
    kit_let_go(&child);
    for (int64_t i = 0; i < N_CALLS; i++) {
        struct kit_content c;

        kit_expect(k, kit_hear(&child, &number), "the other process has ended");
        kit_content_make(&c, (uint64_t)number, 3000);
        kit_blob_must_get(&b, &c, "put by another process");
        kit_content_done(&c);
    }
    kit_end(k, &child);
    kit_blob_close(&b);
}

/* --- a put and a remove of the same --- */

struct pair {
    struct kit_blobs b;
    const struct kit_content *c;
    int64_t before_us;
};

static void remove_old(struct kit *k, void *arg)
{
    struct pair *p = arg;
    const int code = kit_blob_remove_in(&p->b, KIT_SPACE, p->c->hash, p->before_us);

    if (code != FF_CONFLICT)
        kit_expect_code(k, code, FF_OK, &p->b.err, "a remove of an old blob");
}

static int64_t put_time(struct kit_blobs *b, const struct kit_content *c)
{
    struct ff_blob_info info;

    kit_expect_code(b->k, kit_blob_stat_in(b, KIT_SPACE, c->hash, &info), FF_OK,
                    &b->err, "a stat of what was put");
    return info.put_us;
}

/* A driver that lets the time of a young blob stand cannot be caught here: its blobs
 * would have to be an hour old. */
static void need_new_times(struct kit_blobs *b)
{
    struct kit_content c;
    int64_t first_us;

    kit_content_make(&c, 0, 100);
    kit_blob_must_put(b, &c, "the first time");
    first_us = put_time(b, &c);
    usleep(2000);
    kit_blob_must_put(b, &c, "the second time");
    if (put_time(b, &c) <= first_us)
        kit_skip(b->k, "the driver lets the time of a young blob stand");
    kit_content_done(&c);
}

static void a_put_wins_over_a_remove(struct kit *k)
{
    struct kit_blobs b;
    struct pair other;

    kit_blob_open(k, &b);
    kit_blob_open(k, &other.b);
    need_new_times(&b);
    for (uint64_t i = 1; i <= N_ROUNDS; i++) {
        struct kit_content c;
        struct kit_thread *remover;

        kit_content_make(&c, i, 100);
        kit_blob_must_put(&b, &c, "the first time");
        other.c = &c;
        other.before_us = put_time(&b, &c) + 1;
        usleep(10);
        remover = kit_thread(k, remove_old, &other);
        if (i % 2)
            usleep((useconds_t)rand_below(kit_rand(k), 200));
        kit_blob_must_put(&b, &c, "while an older one is removed");
        kit_join(remover);
        kit_blob_must_get(&b, &c, "put while an older one was removed");
        kit_content_done(&c);
    }
    kit_blob_close(&b);
    kit_blob_close(&other.b);
}

const struct kit_check kit_blob_race[] = {
    {.name = "race/parallel",
     .what = "with FF_PARALLEL calls of one session overlap and do not meet",
     .run = calls_may_overlap,
     .deadline_s = 60},
    {.name = "race/same",
     .what = "the same content may be put by several processes at once",
     .run = the_same_may_be_put_at_once,
     .caps = FF_BLOB_SHARED,
     .deadline_s = 60},
    {.name = "race/processes",
     .what = "what one process put the others see at once",
     .run = processes_see_it,
     .caps = FF_BLOB_SHARED},
    {.name = "race/remove",
     .what = "what a put has acknowledged no remove of an older one takes away",
     .run = a_put_wins_over_a_remove,
     .deadline_s = 60},
    {0},
};
