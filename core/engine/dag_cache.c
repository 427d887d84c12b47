/* dag_cache.c - tasks with `cache`: before one begins it is asked for what an earlier
 * success gave, and a success is written down for others. The key is made of the file,
 * the run's pins and values that stand; so it is the same before and after a restart.
 */
#include "engine/dag_kind.h"

#include <stdlib.h>
#include <string.h>

/* Larger outputs are for the run that made them: a look-up reads all of them. */
#define OUTPUTS_MAX ((size_t)1 << 20)

/* A value above it goes to the folder of its run before the row is committed, though it
 * is still whole here where no attempt gave it: core/exec's EXEC_INLINE_MAX. */
#define VALUE_MAX ((size_t)64 << 10)

static const struct flow_cache *cache_of(const struct run *r, int64_t node)
{
    return flow_of(r)->tasks[NODE_TASK(node)].policy->cache;
}

/* What the author wrote, as text; NULL with a sentence. */
static char *key_text(struct dag_scope *sc, const struct flow_cache *cache,
                      struct ff_err *err)
{
    struct ff_err why = {0};
    struct buf text = {0};
    json_t *v = dag_eval(sc, cache->key, &why);

    if (!v) {
        ff_fail(err, FF_INVALID, 0, "cache.key: %.190s", why.msg);
        return NULL;
    }
    if (json_typeof(v) == JSON_STRING)
        buf_add(&text, json_string_value(v), json_string_length(v));
    else
        json_add_to(&text, v);
    json_decref(v);
    if (text.len > 0 && text.len <= FLOW_MAX_CACHE_KEY)
        return buf_take(&text);
    ff_fail(err, FF_INVALID, 0, "cache.key: gives %zu bytes, must give 1 to %d",
            text.len, FLOW_MAX_CACHE_KEY);
    buf_done(&text);
    return NULL;
}

/* Each part with its length, so that two lists of parts never look alike. */
static void add_part(struct buf *all, const char *text, size_t len)
{
    buf_printf(all, "%zu:", len);
    buf_add(all, text, len);
}

static void add_json(struct buf *all, const json_t *value)
{
    MEM_AUTO char *text = json_text(value);

    add_part(all, text, strlen(text));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts of the workflows that it may use, whatever they are called. */
static void add_pins(struct buf *all, json_t *pins)
{
    const char **hashes = mem_array(json_object_size(pins) + 1, sizeof(*hashes));
    const char *key;
    json_t *pin;
    size_t n = 0;

    json_object_foreach(pins, key, pin)
    {
        const char *hash = json_string_value(json_object_get(pin, "hash"));
        if (hash)
            hashes[n++] = hash;
    }
    qsort(hashes, n, sizeof(*hashes), by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(hashes[i], hashes[i - 1]) != 0)
            add_part(all, hashes[i], strlen(hashes[i]));
    mem_free(hashes);
}

/* Where the task stands. */
static void add_place(struct buf *all, const struct run *r, const struct flow_task *t)
{
    const char *entry = flow_of(r)->entry ? flow_of(r)->entry : "";

    add_part(all, r->row.workflow.s, r->row.workflow.len);
    add_part(all, entry, strlen(entry));
    add_part(all, t->name, strlen(t->name));
    if (t->work->kind == FLOW_USES || t->work->kind == FLOW_GROUP)
        add_pins(all, r->pins);
}

/* What a used workflow gives is said by its text and not by the task. */
static void add_used(struct buf *all, const struct run *r, int64_t node)
{
    const char *hash =
        json_string_value(json_object_get(dag_uses_pin(r, node), "hash"));

    if (hash) /* else it will fail */
        add_part(all, hash, strlen(hash));
}

/* Items are always different, whatever the key says: all of a list would be given the
 * outputs of one. */
static void add_items(struct buf *all, struct dag_scope *sc)
{
    json_t *item = dag_scope_item(sc);

    json_object_del(item, "index");
    add_json(all, item);
    json_decref(item);
}

/* The hash, and with `text` what the author wrote; false with a sentence. */
static bool make_hash(struct run *r, int64_t node, char hash[SHA256_TEXT], char **text,
                      struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    const struct flow_cache *cache = t->policy->cache;
    struct buf all = {0};
    struct dag_scope sc;

    /* As for what an attempt is rendered from: the same whenever it is asked for. */
    dag_scope_init(&sc, r, t, NODE_ITEM(node), 0, r->row.started_at);
    char *key = key_text(&sc, cache, err);
    if (key) {
        add_part(&all, "1", 1); /* of what follows, should that ever be otherwise */
        add_part(&all, cache->definition, strlen(cache->definition));
        if (cache->scope == FLOW_CACHE_TASK)
            add_place(&all, r, t);
        else if (t->work->kind == FLOW_USES)
            add_used(&all, r, node);
        add_items(&all, &sc);
        add_part(&all, key, strlen(key));
        sha256_text(all.data, all.len, hash);
    }
    dag_scope_done(&sc);
    buf_done(&all);
    if (text)
        *text = key;
    else
        mem_free(key);
    return key != NULL;
}

bool dag_cache_ask(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);
    char hash[SHA256_TEXT];
    struct ff_err err;

    if (!make_hash(r, node, hash, NULL, &err)) {
        dag_fail_expression(r, s, node, &err);
        return true;
    }
    if (r->row.no_cache > 0)
        return false;
    u->state = TASK_QUEUED;
    u->flags |= UNIT_HELD | UNIT_ASKING;
    step_effect(
        s, (struct effect){.type = EFFECT_LOOK_UP,
                           .node = node,
                           .key = arena_text(&s->batch.arena, hash, strlen(hash))});
    return true;
}

void dag_cache_answer(struct run *r, struct step *s, const struct input *in)
{
    struct unit *u = dag_unit(dag_of(r), in->node);
    /* It may have been told since it asked to leave the cache alone. */
    const struct result *found = r->row.no_cache > 0 ? NULL : in->result;

    if (!u || u->state != TASK_QUEUED || !(u->flags & UNIT_ASKING))
        return; /* it was stopped, or has its answer */
    u->flags &= (uint8_t)~UNIT_ASKING;
    if (dag_reset_result(r, s, in->node))
        return;
    if (found) {
        const struct dag_end end = {.state = TASK_SUCCEEDED,
                                    .reason = "cached",
                                    .outputs = found->outputs,
                                    .stored = found->stored};
        dag_take_artifacts(r, s, in->node, found->outputs);
        dag_finish(r, s, in->node, &end);
        return;
    }
    if (dag_total_over(r, s, in->node))
        return;
    u->flags &= (uint8_t)~UNIT_HELD;
    dag_begin_units(r, s, in->node, 1);
}

/* A run inside hands on values and names no blobs of its own: only that run does. */
static bool hands_on_artifacts(const struct run *r, int64_t node, const json_t *outputs)
{
    return dag_kind_of(r, node) && dag_is_artifact_in(outputs);
}

/* Whether it stands in the run's folder by now or not: what an attempt gives and what a
 * run inside gives is kept or not alike. */
static bool is_large(const struct result *result, struct span outputs)
{
    const char *name;
    json_t *value;

    if (result->in_run || outputs.len <= VALUE_MAX)
        return result->in_run;
    json_object_foreach((json_t *)(uintptr_t)result->outputs, name, value)
    {
        MEM_AUTO char *text = json_text(value);
        if (strlen(text) > VALUE_MAX)
            return true;
    }
    return outputs.len > OUTPUTS_MAX;
}

void dag_cache_put(struct run *r, struct step *s, int64_t node,
                   const struct result *result, struct span outputs)
{
    const struct flow_cache *cache = cache_of(r, node);
    MEM_AUTO char *key = NULL;
    char hash[SHA256_TEXT];
    char path[96];
    struct ff_err err;

    /* What the key was made of stands, but for run.status. */
    if (!cache || is_large(result, outputs) ||
        hands_on_artifacts(r, node, result->outputs) ||
        !make_hash(r, node, hash, &key, &err))
        return;
    MEM_AUTO char *artifacts = dag_cache_artifacts(r, s, node, result->outputs);
    dag_node_path(r, node, path, sizeof(path));
    const struct cache_row row = {
        .tenant = r->row.tenant,
        .hash = span_of(hash),
        .workflow = r->row.workflow,
        .task = span_of(path),
        .cache_key = span_of(key),
        .outputs = outputs,
        .run_id = r->row.id,
        .created_at = s->now_us,
        .expires_at = s->now_us + cache->ttl_us,
        .artifacts = span_of(artifacts),
    };
    batch_put(&s->batch, &record_cache, &row, FF_ANY_VERSION);
}
