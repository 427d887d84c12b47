/* kit/kit_store_errors.c - checks of what a store does when the machine does not play
 * along: no such place, no room, and what it says of the time. */
#include "kit/kit_machine.h"
#include "kit/kit_store.h"

#include <signal.h>
#include <unistd.h>

/* --- places --- */

static void an_impossible_place_is_refused(struct kit *k)
{
    kit_expect_no_place(k, driver_open_store, "a store is");
}

/* --- no room --- */

#define ROOM_BYTES  ((rlim_t)2 << 20)
#define BLOB_BYTES  ((size_t)48 << 10)
#define MAX_COMMITS 400

/* One commit: a blob, and a pair that counts it. */
static int commit_blob(struct kit_store *s, const char *blob, int64_t n)
{
    struct kit_batch b = {0};
    const size_t i = kit_add(&b, &kit_event, FF_PUT, FF_ABSENT);

    b.values[i][EVENT_ID] = v_int(n);
    b.values[i][EVENT_RAW] = v_string(FF_BYTES, blob, BLOB_BYTES);
    kit_put(&b, 1, n, n, FF_ANY_VERSION);
    s->err = (struct ff_err){0};
    return s->ops->commit(s->session, b.changes, b.n, &s->failed, &s->err);
}

static void expect_blobs(struct kit_store *s, int64_t n, const char *when)
{
    const struct ff_query q = kit_query(&kit_event, -1);

    kit_expect_int(s->k, kit_count(s, &q), n, "blobs %s", when);
    kit_expect_int(s->k, kit_left(s, 1, NULL), n > 0 ? n : -1,
                   "the count of blobs that their commits keep, %s", when);
}

/* A store that keeps its files elsewhere, or needs no more of them, is not met by the
 * limit: then there is nothing to see. */
static void a_full_disk_is_told(struct kit *k)
{
    char *blob = mem_alloc(BLOB_BYTES);
    struct kit_store s;
    int64_t n = 0;
    int code = FF_OK;

    if (!kit_uses(k, "dir"))
        kit_skip(k, "no option holds {dir}");
    signal(SIGXFSZ, SIG_IGN);
    memset(blob, 0x5a, BLOB_BYTES);
    kit_open(k, &s, &kit_schema);
    kit_set_room(k, ROOM_BYTES);
    while (code == FF_OK && n < MAX_COMMITS) {
        code = commit_blob(&s, blob, n + 1);
        n += code == FF_OK;
    }
    if (code == FF_OK)
        kit_skip(k, "files that cannot grow do not stop it");
    kit_expect(k, code == FF_FULL || code == FF_FATAL,
               "a commit without room is FF_FULL, or FF_FATAL where a flush failed; it "
               "is %s: %s",
               kit_code_name(code), s.err.msg);
    kit_expect(k, s.err.msg[0], "the failure has no sentence");
    kit_set_room(k, RLIM_INFINITY);
    if (code == FF_FULL) {
        expect_blobs(&s, n, "after a commit that did not fit");
        kit_expect_code(k, commit_blob(&s, blob, n + 1), FF_OK, &s.err,
                        "a commit when there is room again");
        expect_blobs(&s, n + 1, "when there is room again");
    } else {
        kit_expect_code(k, s.ops->ping(s.session, &s.err), FF_FATAL, &s.err,
                        "a call after FF_FATAL");
    }
    kit_close(&s);
    mem_free(blob);
}

/* --- sessions --- */

#define N_SESSIONS 16

static void many_sessions_may_be_open(struct kit *k)
{
    struct kit_store s[N_SESSIONS];
    struct kit_batch b = {0};
    const struct ff_query q = kit_query(&kit_pair, -1);

    for (int i = 0; i < N_SESSIONS; i++)
        kit_open(k, &s[i], &kit_schema);
    for (int i = 0; i < N_SESSIONS; i++) {
        kit_put(&b, i, i, i, FF_ABSENT);
        kit_must_commit(&s[i], &b, "a commit of session %d", i);
    }
    for (int i = 0; i < N_SESSIONS; i += 2)
        kit_close(&s[i]);
    for (int i = 1; i < N_SESSIONS; i += 2) {
        kit_expect_int(k, kit_count(&s[i], &q), N_SESSIONS, "rows seen by session %d",
                       i);
        kit_expect_code(k, s[i].ops->ping(s[i].session, &s[i].err), FF_OK, &s[i].err,
                        "a ping of session %d, when half of them are closed", i);
        kit_close(&s[i]);
    }
}

static void closing_takes_null(struct kit *k)
{
    struct kit_store s;

    kit_open(k, &s, NULL);
    kit_expect_code(k, s.ops->ping(s.session, &s.err), FF_OK, &s.err,
                    "a ping before any setup");
    kit_close(&s);
    s.ops->close(NULL);
}

/* --- the clock --- */

#define N_CLOCKS 3
#define DAY_US   (INT64_C(86400) * UNITS_SECOND)

static int64_t now_of(struct kit_store *s)
{
    int64_t now_us = 0;

    kit_expect_code(s->k, s->ops->now(s->session, &now_us, &s->err), FF_OK, &s->err,
                    "now");
    return now_us;
}

static void the_clock_is_a_wall_clock(struct kit *k)
{
    struct kit_store s[2];
    int64_t last;
    int64_t here_us;

    for (int i = 0; i < 2; i++)
        kit_open(k, &s[i], &kit_schema);
    last = now_of(&s[0]);
    here_us = loop_wall_us(kit_loop(k));
    kit_expect(k, last > here_us - DAY_US && last < here_us + DAY_US,
               "now is %lld; this machine says %lld microseconds since 1970",
               (long long)last, (long long)here_us);
    for (int i = 0; i < 200; i++) {
        const int64_t now_us = now_of(&s[i % 2]);

        kit_expect(k, now_us >= last, "now went back from %lld to %lld",
                   (long long)last, (long long)now_us);
        last = now_us;
    }
    while (now_of(&s[1]) == last && kit_left_us(k) > UNITS_SECOND)
        usleep(1000);
    kit_expect(k, now_of(&s[1]) > last, "now stands still");
    for (int i = 0; i < 2; i++)
        kit_close(&s[i]);
}

static void tell_now(struct kit *k, void *arg)
{
    struct kit_store s;

    (void)arg;
    kit_open(k, &s, NULL);
    kit_tell(k, now_of(&s));
    kit_close(&s);
}

/* What one process reads before another is let go is not later than what that reads. */
static void processes_have_one_clock(struct kit *k)
{
    struct kit_child children[N_CLOCKS];
    struct kit_store s;

    for (int i = 0; i < N_CLOCKS; i++)
        kit_start(k, &children[i], tell_now, NULL);
    kit_open(k, &s, NULL);
    for (int i = 0; i < N_CLOCKS; i++) {
        const int64_t before = now_of(&s);
        int64_t theirs;

        kit_let_go(&children[i]);
        kit_expect(k, kit_hear(&children[i], &theirs),
                   "the other process has ended by itself");
        kit_expect(k, before <= theirs,
                   "now is %lld in one process, then %lld in another",
                   (long long)before, (long long)theirs);
        kit_expect(k, theirs <= now_of(&s),
                   "now is %lld in another process, then %lld in this one",
                   (long long)theirs, (long long)now_of(&s));
        kit_end(k, &children[i]);
    }
    kit_close(&s);
}

const struct kit_check kit_store_errors[] = {
    {.name = "errors/place",
     .what = "a place where no store can be is refused with a sentence",
     .run = an_impossible_place_is_refused},
    {.name = "errors/full",
     .what =
         "without room a commit is FF_FULL and writes nothing; with room it goes on",
     .run = a_full_disk_is_told},
    {.name = "errors/sessions",
     .what = "many sessions may be open, and one that closes leaves the others alone",
     .run = many_sessions_may_be_open},
    {.name = "errors/close",
     .what = "a session may be pinged and closed before any setup; close takes NULL",
     .run = closing_takes_null},
    {.name = "now/clock",
     .what = "now is a wall clock in microseconds, the same for every session",
     .run = the_clock_is_a_wall_clock},
    {.name = "now/processes",
     .what = "now is one clock for all processes that share the store",
     .run = processes_have_one_clock,
     .caps = FF_STORE_SHARED},
    {0},
};
