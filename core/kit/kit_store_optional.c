/* kit/kit_store_optional.c - checks of what a store may have: backup, expire, watch,
 * info, moment. */
#include "kit/kit_store.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- backup --- */

/* The file of an option like path={dir}/store.db, in the current place; NULL: there is
 * none, so that nobody knows where a copy would have to lie to be opened. */
static char *file_of_options(struct kit *k)
{
    static const char prefix[] = "={dir}/";
    const char *at = NULL;

    for (size_t i = 0; i < kit_n_options(k) && !at; i++)
        at = strstr(kit_option(k, i), prefix);
    return at && !strchr(at, ',') ? file_join(kit_dir(k), at + sizeof(prefix) - 1)
                                  : NULL;
}

struct copying {
    atomic_bool over;
    atomic_llong n;
};

/* Both halves of a pair, and of two pairs, are always the same. */
static void write_pairs(struct kit *k, void *arg)
{
    struct copying *c = arg;
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (int64_t i = 1; !atomic_load(&c->over) && kit_left_us(k) > 0; i++) {
        kit_put(&b, 1, i, i, FF_ANY_VERSION);
        kit_put(&b, 2, i, i, FF_ANY_VERSION);
        kit_put(&b, 100 + i, i, i, FF_ABSENT);
        kit_must_commit(&s, &b, "a commit during a backup");
        atomic_store(&c->n, i);
    }
    kit_close(&s);
}

static void expect_whole_copy(struct kit_store *s, int64_t at_least)
{
    const struct ff_query q = kit_query(&kit_pair, -1);
    int64_t version;
    const int64_t first = kit_left(s, 1, &version);

    kit_expect(s->k, first >= at_least,
               "the copy is of commit %lld; %lld was there before", (long long)first,
               (long long)at_least);
    kit_expect_int(s->k, kit_left(s, 2, NULL), first,
                   "pair 2 of the copy beside pair 1");
    kit_expect_int(s->k, version, first, "the version of pair 1 in the copy");
    kit_expect_int(s->k, kit_count(s, &q), first + 2, "pairs in the copy");
}

/* The copy is opened in a place of its own, as the same driver's store. */
static void a_backup_is_one_moment(struct kit *k)
{
    struct copying c = {0};
    struct kit_thread *writer;
    struct kit_store s;
    struct stat st;
    int64_t before;

    kit_open(k, &s, &kit_schema);
    writer = kit_thread(k, write_pairs, &c);
    while (atomic_load(&c.n) < 20 && kit_left_us(k) > 0)
        usleep(1000);
    kit_new_place(k);
    MEM_AUTO char *to = file_of_options(k);

    if (!to)
        to = file_join(kit_dir(k), "copy");
    before = atomic_load(&c.n);
    kit_expect_code(k, s.ops->backup(s.session, to, &s.err), FF_OK, &s.err,
                    "a backup while others write");
    atomic_store(&c.over, true);
    kit_join(writer);
    kit_close(&s);
    kit_expect(k, stat(to, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0,
               "there is no file %s after the backup", to);
    kit_drop(k);
    if (!kit_uses(k, "dir"))
        return;
    kit_open(k, &s, &kit_schema);
    expect_whole_copy(&s, before);
    kit_close(&s);
}

static void a_backup_replaces_nothing(struct kit *k)
{
    MEM_AUTO char *to = file_join(kit_dir(k), "copy");
    struct buf text = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_expect_int(k, file_write_durable(to, "mine", 4, 0600), 0, "making a file");
    kit_expect_code(k, s.ops->backup(s.session, to, &s.err), FF_INVALID, &s.err,
                    "a backup to a file that is there");
    kit_expect_int(k, file_read(to, 100, &text), 0, "reading the file");
    kit_expect_text(k, buf_text(&text), "mine", "the file that was there");
    buf_done(&text);
    MEM_AUTO char *nowhere = file_join(kit_dir(k), "no/such/directory/copy");
    const int code = s.ops->backup(s.session, nowhere, &s.err);

    kit_expect(k, code != FF_OK && s.err.msg[0],
               "a backup to a directory that is not there is %s", kit_code_name(code));
    kit_close(&s);
}

/* --- expire --- */

static void put_event(struct kit_batch *b, int64_t id, struct ff_value seen,
                      struct ff_value at)
{
    const size_t i = kit_add(b, &kit_event, FF_PUT, FF_ABSENT);

    b->values[i][EVENT_ID] = v_int(id);
    b->values[i][EVENT_SEEN] = seen;
    b->values[i][EVENT_AT] = at;
}

static void expire_deletes_what_is_older(struct kit *k)
{
    struct ff_query q = kit_query(&kit_event, -1);
    struct kit_batch b = {0};
    struct kit_store s;
    uint64_t n = 99;

    kit_open(k, &s, &kit_schema);
    for (int64_t i = 1; i <= 6; i++)
        put_event(&b, i, v_number(FF_TIME, 0), v_number(FF_TIME, i * 100));
    put_event(&b, 7, v_number(FF_TIME, 0), v_null());
    put_event(&b, 8, v_null(), v_number(FF_TIME, -5));
    kit_put(&b, 1, 1, 1, FF_ABSENT);
    kit_must_commit(&s, &b, "events");
    kit_expect_code(k, s.ops->expire(s.session, &kit_event, 300, &n, &s.err), FF_OK,
                    &s.err, "expire");
    kit_expect_int(k, n, 3, "rows that expire says it deleted");
    q.want = UINT64_C(1) << EVENT_ID;
    kit_expect_text(k, kit_rows(&s, &q), "id=3; id=4; id=5; id=6; id=7",
                    "events that are left: those at 300 and later, and without a time");
    q.index = EVENT_BY_AT;
    kit_expect_int(k, kit_count(&s, &q), 5, "events that are left, by the index");
    kit_expect_code(k, s.ops->expire(s.session, &kit_event, 300, &n, &s.err), FF_OK,
                    &s.err, "expire again");
    kit_expect_int(k, n, 0, "rows that a second expire says it deleted");
    kit_expect_pairs(&s, "1:1,1 v1", "rows of another record");
    kit_close(&s);
}

/* --- watch --- */

#define WATCH_US      (10 * UNITS_SECOND)
#define CLOCK_ROUNDS  20
#define CLOCK_STEP_US (2 * UNITS_SECOND) /* between two questions */

static void commit_a_pair(struct kit *k, void *arg)
{
    struct kit_batch b = {0};
    struct kit_store s;

    (void)arg;
    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 1, 1, FF_ANY_VERSION);
    kit_must_commit(&s, &b, "a commit of another process");
    kit_close(&s);
}

static void note(void *arg)
{
    atomic_fetch_add((atomic_llong *)arg, 1);
}

static bool is_noted(void *arg)
{
    return atomic_load((atomic_llong *)arg) > 0;
}

static void a_commit_elsewhere_is_told(struct kit *k)
{
    static atomic_llong n_calls; /* the driver may call until the session is closed */
    struct kit_child children[3];
    struct kit_store s;

    for (int i = 0; i < 3; i++)
        kit_start(k, &children[i], commit_a_pair, NULL);
    kit_open(k, &s, &kit_schema);
    kit_expect_code(k, s.ops->watch(s.session, &kit_pair, note, &n_calls, &s.err),
                    FF_OK, &s.err, "watch");
    for (int i = 0; i < 3; i++) {
        atomic_store(&n_calls, 0);
        kit_let_go(&children[i]);
        kit_end(k, &children[i]);
        kit_expect(k, kit_loop_until(k, is_noted, &n_calls, WATCH_US),
                   "ten seconds after commit %d of another process fn was not called",
                   i + 1);
    }
    kit_close(&s);
}

/* --- info --- */

struct told {
    struct kit *k;
    int64_t n_parts, rows; /* of kit_pair; -1: it was not told */
    bool about;
};

static int note_part(void *arg, const struct ff_store_part *part)
{
    struct told *t = arg;

    t->n_parts++;
    kit_expect(t->k, part->name && part->name[0], "a part without a name");
    kit_expect(t->k, part->index_bytes <= part->bytes,
               "%s: %lld bytes, and %lld of these are indexes", part->name,
               (long long)part->bytes, (long long)part->index_bytes);
    if (strcmp(part->name, kit_pair.name) == 0) {
        t->rows = part->rows;
        t->about = part->flags & FF_PART_ABOUT;
    }
    return 0;
}

static int stop_at_once(void *arg, const struct ff_store_part *part)
{
    (void)part;
    ++*(int64_t *)arg;
    return 1;
}

static void info_tells_what_is_there(struct kit *k)
{
    struct ff_store_info info = {.struct_size = sizeof(info)};
    struct told t = {.k = k, .rows = -1};
    struct kit_batch b = {0};
    struct kit_store s;
    int64_t n = 0;

    kit_open(k, &s, &kit_schema);
    for (int64_t i = 1; i <= 3; i++)
        kit_put(&b, i, i, i, FF_ABSENT);
    kit_must_commit(&s, &b, "three pairs");
    kit_expect_code(k, s.ops->info(s.session, &info, note_part, &t, &s.err), FF_OK,
                    &s.err, "info");
    kit_expect_int(k, info.schema_version, kit_schema.version, "the schema's version");
    kit_expect(k, info.engine[0] != '\0', "it does not say what it is");
    if (!t.about)
        kit_expect_int(k, t.rows, 3, "rows of kit_pair");
    kit_expect_code(k, s.ops->info(s.session, &info, stop_at_once, &n, &s.err), FF_OK,
                    &s.err, "info that is stopped");
    kit_expect_int(k, n, 1, "parts told after the first one was enough");
    kit_close(&s);
}

/* --- moment --- */

struct moment {
    uint64_t words[FF_MOMENT_WORDS];
};

/* Who commits meanwhile may be asked again. */
static struct moment moment_of(struct kit_store *s)
{
    struct moment m = {{0}};
    int code = FF_BUSY;

    while (code == FF_BUSY && kit_left_us(s->k) > 0)
        code = s->ops->moment(s->session, m.words, &s->err);
    kit_expect_code(s->k, code, FF_OK, &s->err, "moment");
    return m;
}

static bool is_same(const struct moment *a, const struct moment *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* s looks, and which of the two commits is told by i. */
static void commit_between_looks(struct kit_store *s, struct kit_store *other,
                                 int64_t i)
{
    const struct moment before = moment_of(s);
    const struct moment again = moment_of(s);
    struct kit_batch b = {0};

    kit_expect(s->k, is_same(&before, &again),
               "the moment is another one though nothing was committed");
    kit_put(&b, i, i, i, FF_ANY_VERSION);
    kit_must_commit(i % 2 ? other : s, &b, "a commit");

    const struct moment after = moment_of(s);

    kit_expect(s->k, !is_same(&before, &after),
               "the moment is the same after commit %lld, which was of %s session",
               (long long)i, i % 2 ? "another" : "this");
}

static void a_commit_makes_another_moment(struct kit *k)
{
    struct kit_store s;
    struct kit_store other;

    kit_open(k, &s, &kit_schema);
    kit_open(k, &other, &kit_schema);
    for (int64_t i = 1; i <= 20; i++)
        commit_between_looks(&s, &other, i);
    kit_close(&other);
    kit_close(&s);
}

static void a_moment_is_of_all_processes(struct kit *k)
{
    struct kit_child child;
    struct kit_store s;

    kit_start(k, &child, commit_a_pair, NULL);
    kit_open(k, &s, &kit_schema);
    const struct moment before = moment_of(&s);

    kit_let_go(&child);
    kit_end(k, &child);
    const struct moment after = moment_of(&s);

    kit_expect(k, !is_same(&before, &after),
               "the moment is the same after a commit of another process");
    kit_close(&s);
}

/* --- remote --- */

static int64_t ask_time(struct kit *k, struct kit_store *s)
{
    int64_t now_us = 0;

    kit_expect_code(k, s->ops->now(s->session, &now_us, &s->err), FF_OK, &s->err,
                    "now");
    return now_us;
}

/* One after the other, so that a clock of a session's own is found out; that of a host
 * is not, where there is only one. */
static void all_sessions_have_one_clock(struct kit *k)
{
    struct kit_store a;
    struct kit_store b;
    int64_t before;

    kit_open(k, &a, &kit_schema);
    kit_open(k, &b, &kit_schema);
    before = ask_time(k, &a);
    for (int i = 0; i < CLOCK_ROUNDS; i++) {
        struct kit_store *s = i % 2 ? &a : &b;
        const int64_t now_us = ask_time(k, s);

        kit_expect(k, now_us >= before && now_us - before < CLOCK_STEP_US,
                   "one session says %lld, another one before it said %lld",
                   (long long)now_us, (long long)before);
        before = now_us;
    }
    kit_close(&b);
    kit_close(&a);
}

const struct kit_check kit_store_optional[] = {
    {.name = "backup/moment",
     .what = "a backup is a store of one moment, complete, while others write",
     .run = a_backup_is_one_moment,
     .slot = KIT_SLOT(ff_store_ops, backup)},
    {.name = "backup/replaces-nothing",
     .what = "a backup to a file that is there is FF_INVALID and leaves it alone",
     .run = a_backup_replaces_nothing,
     .slot = KIT_SLOT(ff_store_ops, backup)},
    {.name = "expire/older",
     .what =
         "expire deletes the rows whose first indexed time is below, and counts them",
     .run = expire_deletes_what_is_older,
     .slot = KIT_SLOT(ff_store_ops, expire)},
    {.name = "info/told",
     .what = "info tells the schema's version and the rows of each record, until fn "
             "has enough",
     .run = info_tells_what_is_there,
     .slot = KIT_SLOT(ff_store_ops, info)},
    {.name = "watch/other-process",
     .what = "watch calls fn when another process has committed to the record",
     .run = a_commit_elsewhere_is_told,
     .caps = FF_STORE_WATCH | FF_STORE_SHARED,
     .slot = KIT_SLOT(ff_store_ops, watch)},
    {.name = "moment/commit",
     .what = "moment stays as it is until somebody commits, and is another one then",
     .run = a_commit_makes_another_moment,
     .slot = KIT_SLOT(ff_store_ops, moment)},
    {.name = "moment/other-process",
     .what = "moment is another one when another process has committed",
     .run = a_moment_is_of_all_processes,
     .caps = FF_STORE_SHARED,
     .slot = KIT_SLOT(ff_store_ops, moment)},
    {.name = "remote/one-clock",
     .what = "now is one clock for all sessions",
     .run = all_sessions_have_one_clock,
     .caps = FF_STORE_REMOTE},
    {0},
};
