/* check_cache.c - what tasks with `cache` gave and what others are given of it (I34),
 * as the commits show it and without the engine: what a success gave is written in the
 * commit of that success and in no other; who is given something has the key of a task
 * that gave it, while that counted; and who could have been given something is not run.
 */
#include "sim.h"

#include <string.h>

#define SAME 256

/* What one success gave. Times are virtual, but for the last. */
struct entry {
    char same[SAME]; /* what makes another task the same */
    char from[160];  /* id of the attempt */
    char hash[SHA256_TEXT];
    char *outputs;
    int64_t tenant;
    bool repeated;           /* see is_repeated */
    int64_t put_at, gone_at; /* replaced or deleted then; INT64_MAX: it stands */
    int64_t expires_at;      /* wall time */
};

/* A row of the commit, which its task must fit. */
struct put {
    const struct ff_change *change;
    const struct mirror_run *run;
    int64_t node;
};

static struct {
    struct entry **items;
    size_t n, cap;
} entries;
static struct {
    struct put *items;
    size_t n, cap;
} written;
/* Of this commit, that are to be kept. Notes of their own: the task may begin again in
 * the same commit, and even run. */
struct success {
    const struct mirror_run *run;
    int64_t node;
    char from[160]; /* id of the attempt */
    char *outputs;
};
static struct {
    struct success *items;
    size_t n, cap;
} succeeded;

static const struct flow_task *task_of(const struct mirror_run *r, int64_t node)
{
    return &r->flow->tasks[NODE_TASK(node)];
}

/* --- which tasks are the same --- */

json_t *sim_word_lookup(void *arg, const char *name)
{
    return strcmp(name, "inputs") == 0 ? arg : NULL;
}

/* By the words of flow_cache.c. */
static void key_of(const struct flow_cache *cache, char out[16])
{
    json_t *word = json_pack("{ss}", "word", "magic");
    const json_t *constant = cache->key->constant;
    struct expr_err err;
    json_t *v =
        constant
            ? json_incref((json_t *)(uintptr_t)constant)
            : tmpl_eval(cache->key->tmpl,
                        &(struct expr_scope){.lookup = sim_word_lookup, .arg = word},
                        &err);

    sim_check(json_is_string(v), "a key of flow_cache.c gives no text");
    snprintf(out, 16, "%s", json_string_value(v));
    json_decref(v);
    json_decref(word);
}

static void same_of(const struct mirror_run *r, int64_t node, char out[SAME])
{
    const struct flow_task *ft = task_of(r, node);
    const struct flow_cache *cache = ft->policy->cache;
    const bool by_key = cache->scope == FLOW_CACHE_KEY;
    char key[16];

    key_of(cache, key);
    /* By key alone, those that use one workflow: each of them has one text. */
    const char *name = by_key ? "" : ft->name;
    if (by_key && ft->work->kind == FLOW_USES)
        name = ft->work->uses;
    snprintf(out, SAME, "%lld %.20s %s %lld %s %s %s", (long long)r->tenant.no,
             cache->definition, key, (long long)NODE_ITEM(node),
             by_key ? "" : r->flow->name,
             by_key || !r->flow->entry ? "" : r->flow->entry, name);
}

/* --- what is kept --- */

/* Is it inside a task that repeats? Then each iteration has keys of its own. */
static bool is_repeated(const struct mirror_run *r)
{
    const struct mirror_run *parent = mirror_parent(r);

    return parent &&
           (task_of(parent, r->row.parent_node)->work->repeat || is_repeated(parent));
}

static void add_put(const struct ff_change *c)
{
    char id[ID_TEXT], path[64], attempt[160];
    struct put put = {.change = c};
    struct mirror_run *r;
    int64_t ignored;

    change_text(c, COL_CACHE_RUN_ID, id, sizeof(id));
    change_text(c, COL_CACHE_TASK, path, sizeof(path));
    snprintf(attempt, sizeof(attempt), "%s/%s/0", id, path);
    const struct mirror_task *t = mirror_find(attempt, &r, &ignored);
    sim_check(t, "I34: %s is kept, and there is no such task", attempt);
    put.run = r;
    put.node = t->row.node;
    ARRAY_ADD(&written, put);
}

static void go(const char *hash, int64_t tenant)
{
    for (size_t i = 0; i < entries.n; i++) {
        struct entry *e = entries.items[i];
        if (e->gone_at == INT64_MAX && e->tenant == tenant &&
            strcmp(e->hash, hash) == 0)
            e->gone_at = sim.now;
    }
}

void cache_change(const struct ff_change *c)
{
    char hash[SHA256_TEXT];

    if (c->kind == FF_PUT) {
        add_put(c);
        return;
    }
    sim_check(c->kind == FF_DELETE, "I34: what is kept is changed");
    change_text(c, COL_CACHE_HASH, hash, sizeof(hash));
    snprintf(hash, sizeof(hash), "%.*s", (int)c->values[COL_CACHE_HASH].len,
             c->values[COL_CACHE_HASH].s);
    go(hash, c->values[COL_CACHE_TENANT].i);
    sim_seen(SEEN_CACHE_CLEARED);
}

void cache_success(const struct mirror_run *r, const struct mirror_task *t)
{
    struct success now = {.run = r, .node = t->row.node};

    if (t->row.state != TASK_SUCCEEDED || t->from[0] || large_is_large(t) ||
        !task_of(r, t->row.node)->policy->cache)
        return;
    mirror_attempt_id(r, t, now.from, sizeof(now.from));
    now.outputs = mem_text(t->outputs);
    ARRAY_ADD(&succeeded, now);
}

/* Each attempt ends in a commit of its own, so there is one at most. */
static const struct success *success_of(const struct put *put)
{
    for (size_t i = succeeded.n; i > 0; i--) {
        const struct success *s = &succeeded.items[i - 1];
        if (s->run == put->run && s->node == put->node)
            return s;
    }
    sim_fail("I34: task %lld of run %s is kept, and it has not succeeded just now",
             (long long)put->node, put->run->id);
}

static void check_put(const struct put *put, const struct success *of,
                      const struct entry *e)
{
    const struct flow_cache *cache = task_of(put->run, put->node)->policy->cache;
    const int64_t left = e->expires_at - SIM_EPOCH_US - sim.now;
    const int64_t created = put->change->values[COL_CACHE_CREATED_AT].i;

    sim_check((e->outputs && of->outputs) ? strcmp(e->outputs, of->outputs) == 0
                                          : !e->outputs && !of->outputs,
              "I34: of %s %s is kept, it gave %s", e->from,
              e->outputs ? e->outputs : "nothing",
              of->outputs ? of->outputs : "nothing");
    sim_check(e->expires_at == created + cache->ttl_us &&
                  left <= cache->ttl_us + sim.o.skew_us,
              "I34: %s is kept for %lld ms", e->from, (long long)(left / 1000));
}

static void keep(const struct put *put)
{
    const struct ff_change *c = put->change;
    const struct ff_value *outputs = &c->values[COL_CACHE_OUTPUTS];
    const struct success *of = success_of(put);
    struct entry *e = mem_alloc(sizeof(*e));
    char key[16], stored[16];

    memcpy(e->from, of->from, sizeof(e->from));
    change_text(c, COL_CACHE_HASH, e->hash, sizeof(e->hash));
    change_text(c, COL_CACHE_CACHE_KEY, stored, sizeof(stored));
    e->outputs = outputs->type ? mem_text_len(outputs->s, outputs->len) : NULL;
    e->tenant = c->values[COL_CACHE_TENANT].i;
    e->expires_at = c->values[COL_CACHE_EXPIRES_AT].i;
    e->repeated = is_repeated(put->run);
    e->put_at = sim.now;
    e->gone_at = INT64_MAX;
    check_put(put, of, e);
    same_of(put->run, put->node, e->same);
    key_of(task_of(put->run, put->node)->policy->cache, key);
    sim_check(e->tenant == put->run->tenant.no && strcmp(key, stored) == 0,
              "I34: %s is kept under %s for tenant %lld", e->from, stored,
              (long long)e->tenant);
    go(e->hash, e->tenant);
    ARRAY_ADD(&entries, e);
    artifact_check_cached(put->run->tenant, e->outputs,
                          &c->values[COL_CACHE_ARTIFACTS]);
    sim_seen(SEEN_CACHE_KEPT);
    if (is_inner(task_of(put->run, put->node)))
        sim_seen(SEEN_CACHE_KEPT_OF_INNER);
}

void cache_settle(void)
{
    sim_check(written.n == succeeded.n,
              "I34: %zu tasks succeeded whose outputs are to be kept, %zu are",
              succeeded.n, written.n);
    for (size_t i = 0; i < written.n; i++)
        keep(&written.items[i]);
    for (size_t i = 0; i < succeeded.n; i++)
        mem_free(succeeded.items[i].outputs);
    written.n = 0;
    succeeded.n = 0;
}

/* --- what is given --- */

/* Since when it has been waiting to begin: earlier nobody looked. */
static int64_t ready_at(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_task *ft = task_of(r, t->row.node);
    int64_t at = r->begun_at;

    for (uint32_t i = 0; i < ft->n_needs; i++) {
        const struct mirror_task *need = mirror_task(r, NODE_OF(ft->needs[i], -1));
        if (need && need->final_at > at)
            at = need->final_at;
    }
    if (NODE_ITEM(t->row.node) < 0)
        return at;
    const struct mirror_task *parent =
        mirror_task(r, NODE_OF(NODE_TASK(t->row.node), -1));
    return parent->expanded_at > at ? parent->expanded_at : at;
}

static bool same_outputs(const struct entry *e, const struct mirror_task *t)
{
    return e->outputs && t->outputs ? strcmp(e->outputs, t->outputs) == 0
                                    : !e->outputs && !t->outputs;
}

/* Clocks differ, and who looks is not whoever wrote it. */
static bool counted(const struct entry *e, int64_t at)
{
    return e->gone_at >= at && e->expires_at + 2 * sim.o.skew_us >= SIM_EPOCH_US + at;
}

bool cache_is_hit(const struct mirror_task *t)
{
    return t->row.state == TASK_SUCCEEDED && strcmp(t->reason, "cached") == 0;
}

void cache_hit(const struct mirror_run *r, const struct mirror_task *before,
               struct mirror_task *t)
{
    const struct flow_task *ft = task_of(r, t->row.node);
    const int64_t at = ready_at(r, t);
    const struct entry *found = NULL;
    char same[SAME];

    sim_check(ft->policy->cache && before->row.state == TASK_WAITING &&
                  t->row.attempt == before->row.attempt && !r->no_cache,
              "I34: run %lld: %s is given what it did not ask for", (long long)r->no,
              ft->name);
    same_of(r, t->row.node, same);
    for (size_t i = 0; i < entries.n && !found; i++) {
        const struct entry *e = entries.items[i];
        if (strcmp(e->same, same) == 0 && same_outputs(e, t) && counted(e, at))
            found = e;
    }
    sim_check(found, "I34: run %lld: %s is given %s, and none like it gave that",
              (long long)r->no, ft->name, t->outputs ? t->outputs : "nothing");
    snprintf(t->from, sizeof(t->from), "%s", found->from);
    sim_seen(SEEN_CACHED);
    if (is_inner(ft))
        sim_seen(SEEN_CACHED_INNER);
    if (NODE_ITEM(t->row.node) >= 0)
        sim_seen(SEEN_CACHED_ITEM);
    if (strncmp(found->from, r->id, strlen(r->id)) != 0)
        sim_seen(SEEN_CACHED_OF_ANOTHER);
    if (t->row.attempt > 0)
        sim_seen(SEEN_CACHED_AGAIN);
}

/* --- what is not given, and could be --- */

static bool may_be_unread(void)
{
    return sim.o.read_down || sim.o.store_doubt || sim.o.store_down;
}

void cache_miss(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t)
{
    const struct flow_task *ft = task_of(r, t->row.node);
    const int64_t at = ready_at(r, t);
    const int64_t until = SIM_EPOCH_US + sim.now + 2 * sim.o.skew_us;
    char same[SAME];

    if (!ft->policy->cache || before->row.state != TASK_WAITING)
        return;
    sim_seen(r->no_cache ? SEEN_CACHE_NOT_ASKED : SEEN_CACHE_MISS);
    if (r->no_cache || is_inner(ft) || is_repeated(r) || may_be_unread())
        return;
    same_of(r, t->row.node, same);
    for (size_t i = 0; i < entries.n; i++) {
        const struct entry *e = entries.items[i];
        sim_check(strcmp(e->same, same) != 0 || e->repeated || e->put_at >= at ||
                      e->gone_at < INT64_MAX || e->expires_at < until,
                  "I34: run %lld: %s runs, and %s gave what it needs", (long long)r->no,
                  ft->name, e->from);
        if (strcmp(e->same, same) == 0 && e->put_at < at && e->expires_at < until)
            sim_seen(SEEN_CACHE_EXPIRED);
    }
}
