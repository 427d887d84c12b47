/* live.c - sources and the streams at them: who is told what, who reads for himself,
 * and when nothing is left to be told. */
#include "rest/live.h"

#include <string.h>

#define RETRY_US      (UNITS_SECOND / 10)
#define OWES_MAX      ((size_t)64 * 1024) /* unread bytes beyond which it takes none */
#define RETURNING_MAX 16                  /* pages that are read for them at a time */
#define TIPS_MAX      16                  /* the same for those at the tip */

static void pump(struct live_streams *all, struct live_source *s);
static void pump_returning(struct live_streams *all);

/* --- one stream --- */

static void free_stream(struct live *s)
{
    struct live_streams *all = s->all;
    struct live_source *source = s->source;

    list_del(&s->link);
    list_del(&s->turn);
    all->n_streams--;
    live_caller_put(all, s->caller);
    mem_free(s->filter);
    mem_free(s);
    live_source_put(all, source);
}

static bool is_gone(const struct live *s)
{
    return !s->sse && !s->ws;
}

/* Whoever reads for it frees it then. */
void live_let_go(struct live *s)
{
    s->sse = NULL;
    s->ws = NULL;
    if (!s->reading)
        free_stream(s);
}

void live_end(struct live *s, const char *why)
{
    if (is_gone(s))
        return;
    live_close(s, why);
    live_let_go(s);
}

/* Takes what is behind its place, up to where it owes too much. */
static void take_page(struct live *s, const struct live_read *r)
{
    for (size_t i = 0; i < r->page.n; i++) {
        const struct live_item *item = &r->page.items[i];
        const struct access_scope where = {r->about.tenant, item->project};

        if (!live_is_behind(s->at, item->place))
            continue;
        s->at = item->place;
        if (!live_wants(s->filter, item) ||
            !access_may(&s->caller->who, MAY_VIEW, where))
            continue;
        if (!live_send(s, item) || live_owes(s) > OWES_MAX) {
            s->state = LIVE_OWING;
            return;
        }
    }
    if (live_is_behind(s->at, r->last))
        s->at = r->last;
}

void live_return(struct live *s)
{
    s->state = LIVE_RETURNING;
    list_add_tail(&s->all->returning, &s->turn);
    pump_returning(s->all);
}

void live_drained(struct live *s)
{
    if (s->state == LIVE_OWING && !is_gone(s))
        live_return(s);
}

/* --- reading --- */

struct job {
    struct live_read read;
    struct live_streams *all;
    struct live_source *source;
    struct live *one; /* for it alone; NULL: for all at the tip */
    uint64_t n_wakes; /* before it began */
};

static void on_lane(void *arg, struct store_reader *reader)
{
    struct job *j = arg;
    struct live_read *r = &j->read;

    r->reader = reader;
    r->last = r->from;
    r->code = r->about.kind->read(r, &r->err);
}

static void on_retry(void *arg)
{
    struct live_streams *all = arg;
    void *source;

    for (size_t i = 0; map_next(&all->sources, &i, &source);)
        pump(all, source);
    pump_returning(all);
}

static void retry_later(struct live_streams *all)
{
    if (!all->retry)
        loop_timer_add(all->rest->setup.loop, RETRY_US, on_retry, all, &all->retry);
}

static void on_read(void *arg);

/* False: later. */
static bool begin(struct live_streams *all, struct live_source *s, struct live *one,
                  struct live_place from)
{
    struct rest *r = all->rest;
    struct job *j = mem_alloc(sizeof(*j));
    struct ff_err err;

    *j = (struct job){
        .all = all,
        .source = s,
        .one = one,
        .n_wakes = s->n_wakes,
        .read = {.rest = r, .about = s->about, .from = from, .store = r->store}};
    if (store_readers_do(r->readers, on_lane, on_read, j, &err) != FF_OK) {
        mem_free(j);
        retry_later(all);
        return false;
    }
    r->n_working++;
    work_note(r);
    s->n_reads++;
    return true;
}

static bool find_tip(const struct live_source *s, struct live_place *from)
{
    bool found = false;

    for (const struct list *l = s->streams.next; l != &s->streams; l = l->next) {
        const struct live *one = LIST_OF(l, struct live, link);

        if (one->state != LIVE_TIP || is_gone(one))
            continue;
        if (!found || live_is_behind(one->at, *from))
            *from = one->at;
        found = true;
    }
    return found;
}

/* Many sources may have something new at once, and requests wait for the same lanes. */
static void pump(struct live_streams *all, struct live_source *s)
{
    struct live_place from;

    if (!s->wanted || s->reading)
        return;
    if (all->n_tips >= TIPS_MAX) {
        if (list_empty(&s->turn))
            list_add_tail(&all->waiting, &s->turn);
        return;
    }
    list_del(&s->turn);
    s->wanted = false;
    if (!find_tip(s, &from))
        return;
    if (s->about.kind->files)
        live_files_watch(all, s, live_log_attempt(from));
    s->reading = begin(all, s, NULL, from);
    s->wanted = !s->reading;
    all->n_tips += s->reading;
}

static void pump_waiting(struct live_streams *all)
{
    struct list *link;

    while (all->n_tips < TIPS_MAX && (link = list_first(&all->waiting))) {
        list_del(link);
        pump(all, LIST_OF(link, struct live_source, turn));
    }
}

static void pump_returning(struct live_streams *all)
{
    struct list *link;

    while (all->n_returning < RETURNING_MAX && (link = list_first(&all->returning))) {
        struct live *s = LIST_OF(link, struct live, turn);

        if (!begin(all, s->source, s, s->at))
            return;
        list_del(link);
        s->reading = true;
        all->n_returning++;
    }
}

void live_wake(struct live_streams *all, struct live_source *s)
{
    s->n_wakes++;
    s->wanted = true;
    pump(all, s);
}

/* --- what was read --- */

/* At the tip; what came while it was read for is told to it, too. */
static void join_tip(struct live *s, const struct job *j)
{
    s->state = LIVE_TIP;
    if (j->source->n_wakes != j->n_wakes || j->source->about.kind->files)
        live_wake(s->all, s->source);
}

static void tell_one(const struct job *j)
{
    struct live *s = j->one;

    s->reading = false;
    j->all->n_returning--;
    if (is_gone(s)) {
        free_stream(s);
        return;
    }
    if (j->read.code == FF_OK)
        take_page(s, &j->read);
    if (s->state == LIVE_OWING)
        return;
    if (j->read.code != FF_OK || j->read.full)
        list_add_tail(&j->all->returning, &s->turn);
    else if (j->read.over)
        live_end(s, "over");
    else
        join_tip(s, j);
}

/* Who came to the tip from before what was read waits for the next page. */
static bool tell_tip(const struct job *j)
{
    bool all = true;

    for (struct list *l = j->source->streams.next, *next; l != &j->source->streams;
         l = next) {
        struct live *s = LIST_OF(l, struct live, link);

        next = l->next;
        if (s->state != LIVE_TIP || is_gone(s))
            continue;
        if (live_is_behind(s->at, j->read.from)) {
            all = false;
            continue;
        }
        take_page(s, &j->read);
        if (s->state == LIVE_TIP && j->read.over && !j->read.full)
            live_end(s, "over");
    }
    return all;
}

static void tell_all(const struct job *j)
{
    struct live_source *s = j->source;

    s->reading = false;
    j->all->n_tips--;
    if (j->read.code != FF_OK || !tell_tip(j) || j->read.full)
        s->wanted = true;
    if (s->about.kind->files &&
        live_files_watch(j->all, s, live_log_attempt(j->read.last)))
        s->wanted = true;
}

static void free_job(struct job *j)
{
    ARRAY_DONE(&j->read.page);
    arena_done(&j->read.arena);
    mem_free(j);
}

static void on_read(void *arg)
{
    struct job *j = arg;
    struct live_streams *all = j->all;
    struct live_source *s = j->source;
    const bool failed = j->read.code != FF_OK;

    all->rest->n_working--;
    work_note(all->rest);
    if (failed)
        log_warn("a live stream waits: %s", j->read.err.msg);
    if (j->one)
        tell_one(j);
    else
        tell_all(j);
    free_job(j);
    if (failed) {
        retry_later(all);
    } else {
        pump_waiting(all);
        pump(all, s);
        pump_returning(all);
    }
    s->n_reads--;
    live_source_put(all, s);
    rest_tell_stop(all->rest);
}

/* --- sources --- */

static void key_of(const struct live_about *a, char *out, size_t size)
{
    snprintf(out, size, "%s %lld %lld %lld %lld %d", a->kind->name,
             (long long)a->tenant.no, (long long)a->run, (long long)a->node,
             (long long)a->attempt, a->sdk);
}

struct live_source *live_source_get(struct live_streams *all,
                                    const struct live_about *about)
{
    char key[128];
    struct live_source *s;

    key_of(about, key, sizeof(key));
    s = map_get_text(&all->sources, key);
    if (s)
        return s;
    s = mem_alloc(sizeof(*s));
    *s = (struct live_source){.about = *about, .files = {.wd = -1}};
    list_init(&s->streams);
    list_init(&s->turn);
    map_set_text(&all->sources, key, s);
    if (about->run != 0) {
        s->next_of_run = map_get(&all->by_run, about->run);
        map_set(&all->by_run, about->run, s);
    }
    return s;
}

static void leave_run(struct live_streams *all, struct live_source *s)
{
    struct live_source *first = map_get(&all->by_run, s->about.run);
    struct live_source **at = &first;

    while (*at != s)
        at = &(*at)->next_of_run;
    *at = s->next_of_run;
    if (first)
        map_set(&all->by_run, s->about.run, first);
    else
        map_del(&all->by_run, s->about.run);
}

void live_source_put(struct live_streams *all, struct live_source *s)
{
    char key[128];

    if (!list_empty(&s->streams) || s->n_reads > 0)
        return;
    key_of(&s->about, key, sizeof(key));
    map_del_text(&all->sources, key);
    if (s->about.run != 0)
        leave_run(all, s);
    live_files_leave(all, s);
    list_del(&s->turn);
    mem_free(s);
}

/* --- what the store says --- */

void live_step(struct live_streams *all, struct tenant t, int64_t run)
{
    const struct live_about feed = {.kind = &live_events, .tenant = t};
    struct live_source *s;
    char key[128];

    if (all->n_streams == 0)
        return;
    key_of(&feed, key, sizeof(key));
    s = map_get_text(&all->sources, key);
    if (s)
        live_wake(all, s);
    for (s = map_get(&all->by_run, run); s; s = s->next_of_run)
        if (s->about.tenant.no == t.no)
            live_wake(all, s);
}

static void on_step(void *arg, struct tenant t, int64_t run)
{
    live_step(arg, t, run);
}

struct live_streams *live_streams_new(struct rest *r)
{
    struct live_streams *all = mem_alloc(sizeof(*all));

    *all = (struct live_streams){.rest = r};
    list_init(&all->returning);
    list_init(&all->waiting);
    store_on_step(r->store, on_step, all);
    return all;
}

void live_streams_end(struct live_streams *all)
{
    void *value;

    for (size_t i = 0; map_next(&all->sources, &i, &value);) {
        struct live_source *s = value;

        s->n_reads++; /* it is put below */
        for (struct list *l = s->streams.next, *next; l != &s->streams; l = next) {
            next = l->next;
            live_end(LIST_OF(l, struct live, link), "stopping");
        }
        s->n_reads--;
        live_source_put(all, s);
    }
}

void live_streams_free(struct live_streams *all)
{
    if (!all)
        return;
    store_on_step(all->rest->store, NULL, NULL);
    loop_timer_del(all->retry);
    loop_timer_del(all->check);
    live_files_free(all);
    live_follow_free(all);
    map_done(&all->sources);
    map_done(&all->by_run);
    map_done(&all->callers);
    mem_free(all);
}
