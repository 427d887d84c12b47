/* kit/kit_store_race.c - checks of stores under several hands: threads with sessions of
 * their own, and processes where the store can be shared. */
#include "kit/kit_store.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define N_HANDS 4

/* --- counters: no update is lost --- */

#define N_INCREMENTS 60

static void increment(struct kit_store *s, struct kit_batch *b, int64_t counter)
{
    int64_t version;
    int code;

    do {
        const int64_t value = kit_left(s, counter, &version);

        kit_patch(b, counter, value + 1, version);
        code = kit_commit(s, b);
    } while (code == FF_CONFLICT && kit_left_us(s->k) > 0);
    kit_expect_code(s->k, code, FF_OK, &s->err, "a guarded increment");
}

static void increment_often(struct kit *k, void *arg)
{
    struct kit_batch b = {0};
    struct kit_store s;

    (void)arg;
    kit_open(k, &s, &kit_schema);
    for (int i = 0; i < N_INCREMENTS; i++)
        increment(&s, &b, i % 2);
    kit_close(&s);
}

static void make_counters(struct kit_store *s)
{
    struct kit_batch b = {0};

    kit_put(&b, 0, 0, 0, FF_ABSENT);
    kit_put(&b, 1, 0, 0, FF_ABSENT);
    kit_must_commit(s, &b, "two counters");
}

static void expect_counted(struct kit_store *s)
{
    const int64_t each = INT64_C(1) * N_HANDS * N_INCREMENTS / 2;
    char expected[64];

    snprintf(expected, sizeof(expected), "0:%lld,0 v%lld; 1:%lld,0 v%lld",
             (long long)each, (long long)each + 1, (long long)each,
             (long long)each + 1);
    kit_expect_pairs(s, expected, "counters after %d increments by %d at once",
                     N_HANDS * N_INCREMENTS, N_HANDS);
}

static void by_threads(struct kit *k, kit_child_fn *fn, void *arg)
{
    struct kit_thread *threads[N_HANDS];

    for (int i = 0; i < N_HANDS; i++)
        threads[i] = kit_thread(k, fn, arg);
    for (int i = 0; i < N_HANDS; i++)
        kit_join(threads[i]);
}

static void threads_lose_no_update(struct kit *k)
{
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    make_counters(&s);
    by_threads(k, increment_often, NULL);
    expect_counted(&s);
    kit_close(&s);
}

/* --- one session in several hands --- */

static void increment_in_session(struct kit *k, void *arg)
{
    struct kit_store s = *(const struct kit_store *)arg; /* the session is the same */
    struct kit_batch b = {0};

    s.k = k;
    for (int i = 0; i < N_INCREMENTS; i++)
        increment(&s, &b, i % 2);
}

static void calls_may_overlap(struct kit *k)
{
    struct kit_store s;

    if (kit_info(k)->d.threads != FF_PARALLEL)
        kit_skip(k, "the driver does not declare FF_PARALLEL");
    kit_open(k, &s, &kit_schema);
    make_counters(&s);
    by_threads(k, increment_in_session, &s);
    expect_counted(&s);
    kit_close(&s);
}

/* One after the other: what FF_ONE_AT_A_TIME promises, too. */
static void a_session_goes_from_thread_to_thread(struct kit *k)
{
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    make_counters(&s);
    for (int i = 0; i < N_HANDS; i++)
        kit_join(kit_thread(k, increment_in_session, &s));
    expect_counted(&s);
    kit_close(&s);
}

/* The processes are there before anything is open, and begin when the rows are. */
static void start_hands(struct kit *k, struct kit_child *children, kit_child_fn *fn,
                        void *arg)
{
    for (int i = 0; i < N_HANDS; i++)
        kit_start(k, &children[i], fn, arg);
}

static void let_hands_go(struct kit_child *children)
{
    for (int i = 0; i < N_HANDS; i++)
        kit_let_go(&children[i]);
}

static void processes_lose_no_update(struct kit *k)
{
    struct kit_child children[N_HANDS];
    struct kit_store s;

    start_hands(k, children, increment_often, NULL);
    kit_open(k, &s, &kit_schema);
    make_counters(&s);
    let_hands_go(children);
    for (int i = 0; i < N_HANDS; i++)
        kit_end(k, &children[i]);
    expect_counted(&s);
    kit_close(&s);
}

/* --- claims: each row goes to one --- */

#define N_ROWS 40

/* Claims what it can; tells each number that it was told it has, then -1. */
static void claim_rows(struct kit *k, void *arg)
{
    struct kit_batch b = {0};
    struct kit_store s;

    (void)arg;
    kit_open(k, &s, &kit_schema);
    for (int64_t row = 0; row < N_ROWS; row++) {
        kit_patch(&b, row, getpid(), 1);

        const int code = kit_commit(&s, &b);

        if (code == FF_OK)
            kit_tell(k, row);
        else
            kit_expect_code(k, code, FF_CONFLICT, &s.err, "a claim that came too late");
    }
    kit_close(&s);
    kit_tell(k, -1);
}

static void expect_claims(struct kit_store *s, struct kit_child *children)
{
    int64_t owners[N_ROWS] = {0};
    int64_t row;

    for (int i = 0; i < N_HANDS; i++) {
        while (kit_hear(&children[i], &row) && row >= 0) {
            kit_expect(s->k, owners[row] == 0, "row %lld was claimed by two processes",
                       (long long)row);
            owners[row] = children[i].pid;
        }
    }
    for (row = 0; row < N_ROWS; row++) {
        int64_t version;
        const int64_t owner = kit_left(s, row, &version);

        kit_expect_int(s->k, owner, owners[row],
                       "the process in row %lld beside the one that was told it has it",
                       (long long)row);
        kit_expect_int(s->k, version, 2, "the version of row %lld", (long long)row);
    }
}

static void a_row_is_claimed_once(struct kit *k)
{
    struct kit_child children[N_HANDS];
    struct kit_batch b = {0};
    struct kit_store s;

    start_hands(k, children, claim_rows, NULL);
    kit_open(k, &s, &kit_schema);
    for (int64_t row = 0; row < N_ROWS; row++)
        kit_put(&b, row, 0, 0, FF_ABSENT);
    kit_must_commit(&s, &b, "%d rows", N_ROWS);
    let_hands_go(children);
    expect_claims(&s, children);
    for (int i = 0; i < N_HANDS; i++)
        kit_end(k, &children[i]);
    kit_close(&s);
}

/* --- checks hold until the commit --- */

#define ROW_US   100
#define FENCE    INT64_C(1000)
#define N_RAISES 25

struct fencing {
    atomic_bool over;
    atomic_llong next; /* the next row's key */
};

/* Writes rows that say which version of the fence they were checked against. */
static void write_behind_fence(struct kit *k, void *arg)
{
    struct fencing *f = arg;
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    while (!atomic_load(&f->over) && kit_left_us(k) > 0) {
        int64_t version;
        int code;

        kit_left(&s, FENCE, &version);
        kit_check(&b, FENCE, version);
        kit_put(&b, FENCE + atomic_fetch_add(&f->next, 1), version, 0, FF_ABSENT);
        code = kit_commit(&s, &b);
        if (code != FF_CONFLICT)
            kit_expect_code(k, code, FF_OK, &s.err, "a row behind a check");
    }
    kit_close(&s);
}

struct tally {
    int64_t fence; /* rows of versions below it */
    uint64_t n;
};

static int tally_row(void *arg, const struct ff_value *row)
{
    struct tally *t = arg;

    t->n += row[PAIR_K].i > FENCE && row[PAIR_LEFT].i < t->fence;
    return 0;
}

static uint64_t rows_of_old_fences(struct kit_store *s, int64_t fence)
{
    const struct ff_query q = kit_query(&kit_pair, -1);
    struct tally t = {.fence = fence};

    kit_expect_code(s->k, s->ops->scan(s->session, &q, tally_row, &t, &s->err), FF_OK,
                    &s->err, "a scan of all rows");
    return t.n;
}

/* Once the fence was raised, nothing that was checked against the old one may appear.
 */
static void a_check_holds_until_the_commit(struct kit *k)
{
    struct fencing f = {.next = 1};
    struct kit_thread *threads[2];
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, FENCE, 0, 0, FF_ABSENT);
    kit_must_commit(&s, &b, "the fence");
    for (int i = 0; i < 2; i++)
        threads[i] = kit_thread(k, write_behind_fence, &f);
    for (int64_t fence = 2; fence < 2 + N_RAISES; fence++) {
        const int64_t begun = atomic_load(&f.next);

        kit_patch(&b, FENCE, fence, fence - 1);
        kit_must_commit(&s, &b, "raising the fence to %lld", (long long)fence);

        const uint64_t n = rows_of_old_fences(&s, fence);

        /* A few more tries of each, so that one that was under way comes to its end. */
        while (atomic_load(&f.next) < begun + 6 && kit_left_us(k) > 0)
            usleep(ROW_US);
        kit_expect_int(
            k, rows_of_old_fences(&s, fence), n,
            "rows checked against a fence below %lld, some time after it was "
            "raised",
            (long long)fence);
    }
    atomic_store(&f.over, true);
    for (int i = 0; i < 2; i++)
        kit_join(threads[i]);
    kit_close(&s);
}

/* --- one moment --- */

#define N_PURSES  60
#define MONEY     INT64_C(100)
#define N_MOVES   150
#define N_COUNTS  40
#define ROWS_EACH 8

struct moving {
    atomic_bool over;
    atomic_llong n_moves;
};

/* Moves money from purse to purse, and purses from key to key: the sum stays. */
static void move_money(struct kit *k, void *arg)
{
    struct moving *m = arg;
    int64_t money[N_PURSES * 2];
    struct kit_batch b = {0};
    struct kit_store s;

    for (int i = 0; i < N_PURSES * 2; i++)
        money[i] = i % 2 ? -1 : MONEY;
    kit_open(k, &s, &kit_schema);
    for (int64_t i = 0; !atomic_load(&m->over) && kit_left_us(k) > 0; i++) {
        const int64_t low = i * 7 % N_PURSES;
        const int64_t high = N_PURSES * 2 - 1 - low;
        const int64_t from = money[low] >= 0 ? low : high;
        const int64_t to = from == low ? high : low;

        if (money[to] < 0) {
            kit_delete(&b, from, FF_ANY_VERSION);
            kit_put(&b, to, money[from], 0, FF_ABSENT);
            money[to] = money[from];
            money[from] = -1;
        } else {
            kit_patch(&b, from, --money[from], FF_ANY_VERSION);
            kit_patch(&b, to, ++money[to], FF_ANY_VERSION);
        }
        kit_must_commit(&s, &b, "a move");
        atomic_fetch_add(&m->n_moves, 1);
    }
    kit_close(&s);
}

struct sum {
    int64_t money;
    size_t n;
};

static int add_purse(void *arg, const struct ff_value *row)
{
    struct sum *sum = arg;

    sum->money += row[PAIR_LEFT].i;
    if (++sum->n % ROWS_EACH == 0)
        usleep(ROW_US); /* a scan that is slow enough to be overtaken */
    return 0;
}

static void a_scan_sees_one_moment(struct kit *k)
{
    const struct ff_query q = kit_query(&kit_pair, -1);
    struct moving m = {0};
    struct kit_batch b = {0};
    struct kit_thread *thread;
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (int64_t i = 0; i < N_PURSES; i++)
        kit_put(&b, i * 2, MONEY, 0, FF_ABSENT);
    kit_must_commit(&s, &b, "%d purses", N_PURSES);
    thread = kit_thread(k, move_money, &m);
    for (int i = 0; i < N_COUNTS || atomic_load(&m.n_moves) < N_MOVES; i++) {
        struct sum sum = {0};

        kit_expect_code(k, s.ops->scan(s.session, &q, add_purse, &sum, &s.err), FF_OK,
                        &s.err, "a scan among writes");
        kit_expect_int(k, sum.n, N_PURSES, "purses in one scan");
        kit_expect_int(k, sum.money, N_PURSES * MONEY, "the money in them");
        sched_yield();
    }
    atomic_store(&m.over, true);
    kit_join(thread);
    kit_close(&s);
}

/* --- sessions see each other --- */

static void reads_see_what_has_returned(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s[3];
    char expected[32];

    for (int i = 0; i < 3; i++)
        kit_open(k, &s[i], &kit_schema);
    kit_put(&b, 1, 0, 0, FF_ABSENT);
    kit_must_commit(&s[0], &b, "a pair");
    for (int64_t i = 1; i <= 12; i++) {
        kit_patch(&b, 1, i, i);
        kit_must_commit(&s[i % 3], &b, "a patch of version %lld by session %lld",
                        (long long)i, (long long)i % 3);
        snprintf(expected, sizeof(expected), "1:%lld,0 v%lld", (long long)i,
                 (long long)i + 1);
        for (int r = 0; r < 3; r++)
            kit_expect_pairs(&s[r], expected, "what session %d sees at once", r);
    }
    for (int i = 0; i < 3; i++)
        kit_close(&s[i]);
}

const struct kit_check kit_store_race[] = {
    {.name = "race/sessions",
     .what = "reads see every commit that returned before, whichever session made it",
     .run = reads_see_what_has_returned},
    {.name = "race/updates",
     .what = "guarded updates by threads at once lose none",
     .run = threads_lose_no_update,
     .deadline_s = 90},
    {.name = "race/thread-to-thread",
     .what = "a session may be called by any thread, one call at a time",
     .run = a_session_goes_from_thread_to_thread,
     .deadline_s = 90},
    {.name = "race/one-session",
     .what = "calls of one session may overlap where the driver is FF_PARALLEL",
     .run = calls_may_overlap,
     .deadline_s = 90},
    {.name = "race/updates-processes",
     .what = "guarded updates by processes at once lose none",
     .run = processes_lose_no_update,
     .caps = FF_STORE_SHARED,
     .deadline_s = 90},
    {.name = "race/claims",
     .what = "of processes that change one version of a row one is told that it did",
     .run = a_row_is_claimed_once,
     .caps = FF_STORE_SHARED,
     .deadline_s = 90},
    {.name = "race/check",
     .what = "a row that a CHECK found unchanged is unchanged when the rest becomes "
             "visible",
     .run = a_check_holds_until_the_commit,
     .deadline_s = 90},
    {.name = "race/one-moment",
     .what = "one scan sees one moment, whatever is committed meanwhile",
     .run = a_scan_sees_one_moment,
     .deadline_s = 90},
    {0},
};
