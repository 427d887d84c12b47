/* admit.c - see admit.h. What a key has to do is looked for only after something of it
 * changed: it stands in a list until there is nothing more to tell. */
#include "sched/admit.h"

#include <string.h>

struct group { /* the runs of one key of one tenant */
    struct admit *admit;
    struct list changed;
    char *name; /* "TENANT KEY" */
    const char *key;
    struct {
        struct admit_run **items; /* the oldest first */
        size_t n, cap;
    } runs;
};

struct admit_run {
    struct group *group;
    struct admit_want want;
    int64_t place; /* -1: it waits */
    bool told, stopping;
};

struct admit {
    struct map groups;
    struct list changed;
};

struct admit *admit_new(void)
{
    struct admit *a = mem_alloc(sizeof(*a));

    list_init(&a->changed);
    return a;
}

void admit_free(struct admit *a)
{
    if (!a)
        return;
    map_done(&a->groups);
    mem_free(a);
}

static void mark_changed(struct group *g)
{
    if (list_empty(&g->changed))
        list_add_tail(&g->admit->changed, &g->changed);
}

static struct group *group_of(struct admit *a, int64_t tenant, const char *key)
{
    struct buf name = {0};

    buf_printf(&name, "%lld %s", (long long)tenant, key);
    struct group *g = map_get_text(&a->groups, buf_text(&name));
    if (!g) {
        g = mem_alloc(sizeof(*g));
        g->admit = a;
        g->name = mem_text(buf_text(&name));
        g->key = strchr(g->name, ' ') + 1;
        list_init(&g->changed);
        map_set_text(&a->groups, g->name, g);
    }
    buf_done(&name);
    return g;
}

static void group_free(struct group *g)
{
    map_del_text(&g->admit->groups, g->name);
    list_del(&g->changed);
    ARRAY_DONE(&g->runs);
    mem_free(g->name);
    mem_free(g);
}

struct admit_run *admit_join(struct admit *a, const struct admit_want *want)
{
    struct admit_run *r = mem_alloc(sizeof(*r));
    struct group *g = group_of(a, want->tenant, want->key);
    size_t at = g->runs.n;

    r->group = g;
    r->want = *want;
    r->want.key = g->key;
    r->place = -1;
    ARRAY_ADD(&g->runs, r);
    for (; at > 0 && g->runs.items[at - 1]->want.order > want->order; at--)
        g->runs.items[at] = g->runs.items[at - 1];
    g->runs.items[at] = r;
    mark_changed(g);
    return r;
}

void admit_leave(struct admit_run *r)
{
    if (!r)
        return;
    struct group *g = r->group;
    size_t at = 0;

    while (g->runs.items[at] != r)
        at++;
    for (g->runs.n--; at < g->runs.n; at++)
        g->runs.items[at] = g->runs.items[at + 1];
    mem_free(r);
    if (g->runs.n == 0)
        group_free(g);
    else
        mark_changed(g);
}

void admit_holds(struct admit_run *r, int64_t place)
{
    r->place = place;
    r->told = true;
}

void admit_stopping(struct admit_run *r)
{
    if (!r || r->stopping)
        return;
    r->stopping = true;
    mark_changed(r->group);
}

/* --- who may begin --- */

static int64_t held(const struct group *g)
{
    int64_t n = 0;

    for (size_t i = 0; i < g->runs.n; i++)
        n += g->runs.items[i]->place >= 0;
    return n;
}

static bool is_taken(const struct group *g, int64_t place)
{
    for (size_t i = 0; i < g->runs.n; i++)
        if (g->runs.items[i]->place == place)
            return true;
    return false;
}

static int64_t lowest_free(const struct group *g)
{
    int64_t place = 0;

    while (is_taken(g, place))
        place++;
    return place;
}

static struct admit_run *first_waiting(const struct group *g)
{
    struct admit_run *first = NULL;

    for (size_t i = 0; i < g->runs.n; i++) {
        struct admit_run *r = g->runs.items[i];
        if (r->place < 0 && !r->stopping &&
            (!first || r->want.priority > first->want.priority))
            first = r;
    }
    return first;
}

/* --- what becomes of one that may not --- */

/* The runs before one that hold or wait and go on doing so. */
struct before {
    int64_t n;
    struct admit_run *oldest;
};

static bool tell(struct admit_run *r, enum admit_verdict verdict,
                 struct admit_answer *answer)
{
    *answer = (struct admit_answer){
        .owner = r->want.owner,
        .verdict = verdict,
        .overflow = r->want.overflow,
        .key = r->group->key,
        .place = r->place,
        .limit = r->want.limit,
    };
    return true;
}

static bool decide(struct admit_run *r, const struct before *before,
                   struct admit_answer *answer)
{
    const enum admit_overflow overflow = r->want.overflow;

    if (overflow == ADMIT_CANCEL_OLDEST && before->oldest &&
        before->n >= r->want.limit) {
        before->oldest->stopping = true;
        return tell(before->oldest, OUSTED, answer);
    }
    if (r->told)
        return false;
    r->told = true;
    if (overflow == ADMIT_QUEUE || overflow == ADMIT_CANCEL_OLDEST ||
        before->n < r->want.limit)
        return tell(r, WAITS, answer);
    r->stopping = true;
    return tell(r, DENIED, answer);
}

/* In one walk: thousands of runs may wait for one key. */
static bool decide_waiting(const struct group *g, struct admit_answer *answer)
{
    struct before before = {0};

    for (size_t i = 0; i < g->runs.n; i++) {
        struct admit_run *r = g->runs.items[i];
        if (r->stopping)
            continue;
        if (r->place < 0 && decide(r, &before, answer))
            return true;
        if (before.n++ == 0)
            before.oldest = r;
    }
    return false;
}

/* First whose turn it is and who must go, the oldest first; then who may begin; then
 * who is to hear that it waits. A newcomer that is denied never had a turn. */
static bool next_of(struct group *g, struct admit_answer *answer)
{
    struct admit_run *r = first_waiting(g);

    if (r && held(g) < r->want.limit) {
        r->place = lowest_free(g);
        r->told = true;
        return tell(r, ADMITTED, answer);
    }
    return decide_waiting(g, answer);
}

bool admit_next(struct admit *a, struct admit_answer *answer)
{
    struct list *link;

    while ((link = list_first(&a->changed))) {
        struct group *g = LIST_OF(link, struct group, changed);
        if (next_of(g, answer))
            return true;
        list_del(link);
    }
    return false;
}
