/* kit/kit_store_crash.c - checks of what is left when a process is killed: all of what
 * was acknowledged, nothing by half. */
#include "kit/kit_store.h"

#include <unistd.h>

#define N_ROUNDS  5
#define N_ROWS    3 /* of each commit */
#define MAX_ACKS  40
#define LINGER_US 3000

/* --- a process that commits until it is killed --- */

/* Commit i leaves i in N_ROWS pairs, and one pair of its own; told once acknowledged.
 */
static void commit_for_ever(struct kit *k, void *arg)
{
    struct kit_batch b = {0};
    struct kit_store s;

    (void)arg;
    kit_open(k, &s, &kit_schema);

    const int64_t last = kit_left(&s, 0, NULL);

    for (int64_t i = last < 0 ? 1 : last + 1;; i++) {
        for (int64_t row = 0; row < N_ROWS; row++)
            kit_put(&b, row, i, i, FF_ANY_VERSION);
        kit_put(&b, 1000 + i, i, i, FF_ABSENT);
        kit_must_commit(&s, &b, "commit %lld", (long long)i);
        kit_tell(k, i);
    }
}

/* --- a process that reads what is there --- */

struct left_over {
    struct kit *k;
    int64_t last;
    int64_t n_own;
};

static int look(void *arg, const struct ff_value *row)
{
    struct left_over *left = arg;
    const int64_t key = row[PAIR_K].i;

    if (key == 0)
        left->last = row[PAIR_LEFT].i;
    if (key < N_ROWS)
        kit_expect_int(left->k, row[PAIR_LEFT].i, left->last,
                       "pair %lld, of a commit that was half written", (long long)key);
    else
        left->n_own++;
    kit_expect_int(left->k, row[PAIR_RIGHT].i, row[PAIR_LEFT].i,
                   "the right of pair %lld beside its left", (long long)key);
    return 0;
}

static void read_what_is_left(struct kit *k, void *arg)
{
    const int64_t *acknowledged = arg;
    const struct ff_query q = kit_query(&kit_pair, -1);
    struct left_over left = {.k = k, .last = 0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_expect_code(k, s.ops->scan(s.session, &q, look, &left, &s.err), FF_OK, &s.err,
                    "a scan after a process was killed");
    kit_expect_int(k, left.n_own, left.last,
                   "rows of their own beside the last commit");
    kit_expect(k, left.last >= *acknowledged,
               "commit %lld was acknowledged, but the last one there is %lld",
               (long long)*acknowledged, (long long)left.last);
    kit_close(&s);
}

static int64_t commit_and_kill(struct kit *k, int64_t acknowledged)
{
    const uint64_t n_acks = 1 + rand_below(kit_rand(k), MAX_ACKS);
    const useconds_t linger_us = (useconds_t)rand_below(kit_rand(k), LINGER_US);
    struct kit_child writer;

    kit_start(k, &writer, commit_for_ever, NULL);
    kit_let_go(&writer);
    for (uint64_t i = 0; i < n_acks; i++)
        kit_expect(k, kit_hear(&writer, &acknowledged),
                   "the process that commits has ended by itself");
    usleep(linger_us); /* into the middle of a commit, or of none */
    kit_kill_hearing(&writer, &acknowledged);
    return acknowledged;
}

static void what_was_acknowledged_survives(struct kit *k)
{
    int64_t acknowledged = 0;

    for (int round = 0; round < N_ROUNDS; round++) {
        struct kit_child reader;

        acknowledged = commit_and_kill(k, acknowledged);
        kit_start(k, &reader, read_what_is_left, &acknowledged);
        kit_let_go(&reader);
        kit_end(k, &reader);
    }
}

/* --- others go on --- */

static void the_others_go_on(struct kit *k)
{
    struct kit_child writers[N_ROUNDS];
    struct kit_batch b = {0};
    struct kit_store s;
    int64_t acknowledged = 0;

    for (int i = 0; i < N_ROUNDS; i++)
        kit_start(k, &writers[i], commit_for_ever, NULL);
    kit_open(k, &s, &kit_schema);
    for (int i = 0; i < N_ROUNDS; i++) {
        const useconds_t linger_us = (useconds_t)rand_below(kit_rand(k), LINGER_US);
        int64_t last;

        kit_let_go(&writers[i]);
        kit_expect(k, kit_hear(&writers[i], &acknowledged),
                   "the process that commits has ended by itself");
        usleep(linger_us);
        kit_kill_hearing(&writers[i], &acknowledged);
        last = kit_left(&s, 0, NULL);
        kit_expect(
            k, last >= acknowledged,
            "commit %lld was acknowledged to a process that was killed then, but "
            "the last one there is %lld",
            (long long)acknowledged, (long long)last);
        kit_put(&b, 500 + i, i, i, FF_ABSENT);
        kit_must_commit(&s, &b, "a commit after another process was killed in one");
    }
    kit_close(&s);
}

/* --- killed while it sets up --- */

/* Tells when it begins and when it is done. */
static void set_up_for_ever(struct kit *k, void *arg)
{
    struct kit_store s;

    (void)arg;
    kit_tell(k, 0);
    kit_open(k, &s, &kit_schema);
    kit_tell(k, 1);
    pause();
}

/* How long it takes here, so that the kills come into the middle of it. */
static int64_t time_of_setup(struct kit *k)
{
    struct kit_child child;
    int64_t left_us;
    int64_t number;

    kit_start(k, &child, set_up_for_ever, NULL);
    kit_let_go(&child);
    kit_expect(k, kit_hear(&child, &number), "the process has ended by itself");
    left_us = kit_left_us(k);
    kit_expect(k, kit_hear(&child, &number), "the process has ended by itself");
    left_us -= kit_left_us(k);
    kit_kill(&child);
    return left_us;
}

static void write_after_all(struct kit *k, void *arg)
{
    struct kit_batch b = {0};
    struct kit_store s;

    (void)arg;
    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 10, 11, FF_ANY_VERSION);
    kit_put_thing(&b, 1, "x", FF_ANY_VERSION);
    kit_must_commit(&s, &b, "a commit after setups that were killed");
    kit_close(&s);
}

static void a_killed_setup_is_begun_again(struct kit *k)
{
    const int64_t setup_us = time_of_setup(k);

    for (int round = 0; round < N_ROUNDS; round++) {
        struct kit_child child;
        int64_t number;

        kit_new_place(k);
        for (int again = 0; again < 2; again++) {
            const uint64_t linger_us = rand_below(kit_rand(k), (uint64_t)setup_us + 1);

            kit_start(k, &child, set_up_for_ever, NULL);
            kit_let_go(&child);
            kit_expect(k, kit_hear(&child, &number), "the process has ended by itself");
            usleep((useconds_t)linger_us);
            kit_kill(&child);
        }
        kit_start(k, &child, write_after_all, NULL);
        kit_let_go(&child);
        kit_end(k, &child);
    }
}

/* --- closed and opened again --- */

static void rows_survive_their_sessions(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    for (int64_t i = 1; i <= 3; i++) {
        kit_open(k, &s, &kit_schema);
        if (i > 1)
            kit_expect_int(k, kit_left(&s, 1, NULL), i - 1,
                           "the pair when opened again");
        kit_put(&b, 1, i, i, FF_ANY_VERSION);
        kit_must_commit(&s, &b, "a commit");
        kit_close(&s);
        kit_drop(k);
    }
}

const struct kit_check kit_store_crash[] = {
    {.name = "crash/reopen",
     .what = "what was committed is there when the store is opened again",
     .run = rows_survive_their_sessions,
     .caps = FF_STORE_DURABLE},
    {.name = "crash/kill",
     .what = "when a process is killed, every acknowledged commit is there and none by "
             "half",
     .run = what_was_acknowledged_survives,
     .caps = FF_STORE_DURABLE,
     .deadline_s = 90},
    {.name = "crash/others",
     .what = "when a process is killed in a commit, the others go on",
     .run = the_others_go_on,
     .caps = FF_STORE_DURABLE | FF_STORE_SHARED,
     .deadline_s = 60},
    {.name = "crash/setup",
     .what = "a setup that was killed is completed by the next one",
     .run = a_killed_setup_is_begun_again,
     .caps = FF_STORE_DURABLE,
     .deadline_s = 90},
    {0},
};
