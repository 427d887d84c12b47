/* artifact_sim.c - what processes of the simulation do with the folder of an attempt:
 * find in it what they are given, and leave what they hand on; and what the rows say of
 * both (I35). What a file holds names the attempt that wrote it. */
#include "sim.h"

#include <string.h>
#include <unistd.h>

#define MARK "mark" /* that the process was there */

static const struct flow_task *task_of(const struct mirror_run *r,
                                       const struct mirror_task *t)
{
    return &r->flow->tasks[NODE_TASK(t->row.node)];
}

/* --- files --- */

static void write_text(const char *dir, const char *name, const char *text)
{
    MEM_AUTO char *path = file_join(dir, name);
    FILE *f = fopen(path, "w");

    sim_check(f, "I35: %s cannot be written", path);
    fputs(text, f);
    fclose(f);
}

/* False: there is no such file. */
static bool read_text(const char *dir, const char *name, char out[64])
{
    MEM_AUTO char *path = file_join(dir, name);
    FILE *f = fopen(path, "r");

    if (!f)
        return false;
    out[fread(out, 1, 63, f)] = '\0';
    fclose(f);
    return true;
}

static bool there_is(const char *dir, const char *name)
{
    MEM_AUTO char *path = file_join(dir, name);

    return access(path, F_OK) == 0;
}

/* --- what it is given --- */

/* A process that was robbed of its shard begins what has begun, and makes its folder
 * anew: on one host there is none. Where it leads again later what it began without its
 * shard counts, and here that has no folder at all. */
static bool was_robbed(const char *id)
{
    return sim.seen[SEEN_STEAL] > 0 || runtime_sim_is_stray(id);
}

/* Does its row name what it handed on under this name? */
static bool names(const struct mirror_task *t, const char *name)
{
    struct ff_err err;
    json_t *o = t->outputs ? json_parse(t->outputs, strlen(t->outputs), &err) : NULL;
    const bool is = json_object_get(json_object_get(o, name), "sha256") != NULL;

    json_decref(o);
    return is;
}

/* What stands in the file that this task or item handed on; false: it did not. */
static bool content_of(const struct mirror_run *r, const struct mirror_task *t,
                       const char *name, struct buf *out)
{
    char id[160];

    if (!t || t->row.state != TASK_SUCCEEDED)
        return false;
    mirror_origin(r, t, id, sizeof(id));
    const bool left = runtime_sim_output(id, "a", out);
    const bool is = names(t, name);

    /* Of a folder it is what is in it. */
    sim_check(is || was_robbed(id) || (!left && strcmp(name, "a") == 0),
              "I35: %s has succeeded, and its row names no %s", id, name);
    return is;
}

static void check_file(const char *id, const char *dir, const char *path,
                       const struct buf *expected, bool has)
{
    char got[64];
    const bool is = read_text(dir, path, got);

    sim_check(is == has && (!is || strcmp(got, buf_text(expected)) == 0),
              "I35: %s is given %s in %s instead of %s", id, is ? got : "nothing", path,
              has ? buf_text(expected) : "nothing");
}

/* A folder is there also where the file is not. */
static void check_one(const char *id, const char *dir, const char *path,
                      const struct mirror_run *r, const struct mirror_task *of)
{
    const bool folder = strncmp(path, "dir_", 4) == 0;
    MEM_AUTO char *inside = file_join(path, "x");
    struct buf expected = {0};
    const bool has = content_of(r, of, folder ? "d" : "a", &expected);

    check_file(id, dir, folder ? inside : path, &expected, has);
    buf_done(&expected);
    if (!of || !has)
        return;
    sim_seen(folder ? SEEN_ARTIFACT_FOLDER : SEEN_ARTIFACT_GIVEN);
    if (of->from[0])
        sim_seen(SEEN_ARTIFACT_REUSED);
}

static void check_in(const struct mirror_run *r, const char *id, const char *dir,
                     const struct flow_artifact *in)
{
    const char *name = strchr(in->name, '_') + 1;
    const int64_t task = flow_task_index(r->flow, name);
    const struct mirror_task *t = mirror_task(r, NODE_OF(task, -1));

    if (!t || t->row.items == MODEL_NULL) {
        check_one(id, dir, in->path, r, t);
        return;
    }
    for (int64_t i = 0; t->row.state == TASK_SUCCEEDED && i < t->row.items; i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/%lld", in->path, (long long)i);
        check_one(id, dir, path, r, mirror_task(r, NODE_OF(task, i)));
        sim_seen(SEEN_ARTIFACT_LIST);
    }
}

static void check_given(const char *id, const char *dir)
{
    struct mirror_run *r;
    int64_t attempt;
    const struct mirror_task *t = mirror_find(id, &r, &attempt);
    const struct flow_artifacts *in = task_of(r, t)->work->artifacts;

    for (uint32_t i = 0; in && i < in->n; i++)
        check_in(r, id, dir, &in->items[i]);
}

char *artifact_sim_begin(const struct ff_run_spec *spec)
{
    const char *dir = NULL;

    for (size_t i = 0; spec->env[i]; i++)
        if (strncmp(spec->env[i], "FF_ARTIFACTS=", 13) == 0)
            dir = spec->env[i] + 13;
    if (!dir)
        return NULL;
    sim_check(!there_is(dir, MARK) && !there_is(dir, "a"),
              "I35: %s begins in a folder with what is not its own", spec->attempt_id);
    check_given(spec->attempt_id, dir);
    write_text(dir, MARK, spec->attempt_id);
    return mem_text(dir);
}

/* --- what it leaves --- */

/* Nobody waits for what it leaves. */
static bool may_be_lost(const char *id)
{
    struct mirror_run *r;
    int64_t attempt;
    const struct mirror_task *t = mirror_find(id, &r, &attempt);

    return was_robbed(id) || t->row.state != TASK_RUNNING || t->row.attempt != attempt;
}

void artifact_sim_end(const char *id, const char *dir)
{
    struct buf text = {0};
    char mark[64];

    if (!read_text(dir, MARK, mark)) {
        sim_check(may_be_lost(id), "I35: %s has lost its folder", id);
        return;
    }
    sim_check(strncmp(mark, id, strlen(mark)) == 0, "I35: %s has the folder of %s", id,
              mark);
    if (runtime_sim_output(id, "a", &text))
        write_text(dir, "a", buf_text(&text));
    MEM_AUTO char *deep = file_join(dir, "deep/d");
    sim_check(file_make_dirs(deep, 0700) == 0, "a folder cannot be made");
    write_text(deep, "x", buf_text(&text));
    write_text(deep, "y", id);
    buf_done(&text);
}

/* --- what is stored of it --- */

static struct {
    const struct ff_change **items;
    size_t n, cap;
} named; /* in this commit */

static void hash_of(const struct ff_change *c, char out[SHA256_TEXT])
{
    const struct ff_value *v = &c->values[COL_ARTIFACT_HASH];

    snprintf(out, SHA256_TEXT, "%.*s", (int)v->len, v->s);
}

static struct map of_cache; /* "TENANT/HASH" that the cache names */

struct cache_name {
    char text[SHA256_TEXT + 24];
};

static struct cache_name cache_name(struct tenant t, const char *hash)
{
    struct cache_name name;

    snprintf(name.text, sizeof(name.text), "%lld/%s", (long long)t.no, hash);
    return name;
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    while (text && (text = strstr(text, word))) {
        text += strlen(word);
        n++;
    }
    return n;
}

void artifact_check_cached(struct tenant t, const char *outputs,
                           const struct ff_value *artifacts)
{
    struct ff_err err;
    json_t *hashes =
        artifacts->type ? json_parse(artifacts->s, artifacts->len, &err) : NULL;

    for (size_t i = 0; i < json_array_size(hashes); i++) {
        const char *hash = json_string_value(json_array_get(hashes, i));
        sim_check(hash && map_get_text(&of_cache, cache_name(t, hash).text),
                  "I35: what is kept has blob %s, and the cache does not name it",
                  hash ? hash : "?");
        sim_seen(SEEN_ARTIFACT_CACHED);
    }
    sim_check(json_array_size(hashes) == count(outputs, "\"sha256\""),
              "I35: %s is kept, of which the cache names %zu blobs", outputs,
              json_array_size(hashes));
    json_decref(hashes);
}

void artifact_change(const struct ff_change *c)
{
    char hash[SHA256_TEXT];
    struct mirror_run *r = mirror_run(c->values[COL_ARTIFACT_RUN].i);

    if (c->kind == FF_CHECK)
        return;
    hash_of(c, hash);
    if (c->values[COL_ARTIFACT_RUN].i == ARTIFACT_OF_CACHE) {
        const struct tenant t = {c->values[COL_ARTIFACT_TENANT].i};
        sim_check(c->kind == FF_PUT && blob_sim_has(t, hash),
                  "I35: the cache names blob %s, which is not there", hash);
        map_set_text(&of_cache, cache_name(t, hash).text, &of_cache);
        return;
    }
    sim_check(c->kind == FF_PUT && r, "I35: a blob is named by no run");
    sim_check(blob_sim_has(r->tenant, hash),
              "I35: run %lld names blob %s, which is "
              "not there",
              (long long)r->no, hash);
    map_set_text(&r->artifacts, hash, r);
    ARRAY_ADD(&named, c);
}

/* What tasks gave in this commit. Notes of their own: one may begin again in the same
 * commit, and what an attempt left whose result was dropped for that is named by
 * nobody. */
static struct {
    struct gift {
        const struct mirror_run *run;
        char *outputs; /* NULL: of a task that repeats, whose rows do not say */
    } * items;
    size_t n, cap;
} gifts;

static bool repeats(const struct mirror_task *t)
{
    return t->row.state != TASK_WAITING &&
           ((t->row.state == TASK_RETRYING && strcmp(t->reason, "repeat") == 0) ||
            strcmp(t->reason, "repeat_max") == 0 || t->row.iteration > 0);
}

void artifact_note_task(const struct mirror_run *r, const struct mirror_task *t)
{
    const bool succeeded = t->row.state == TASK_SUCCEEDED && t->outputs;

    if (sim.o.artifacts > 0 && (succeeded || repeats(t)))
        ARRAY_ADD(&gifts, ((struct gift){r, succeeded ? mem_text(t->outputs) : NULL}));
}

static bool is_given(const struct mirror_run *r, const char *hash)
{
    for (size_t i = 0; i < gifts.n; i++) {
        const struct gift *g = &gifts.items[i];
        if (g->run == r && (!g->outputs || strstr(g->outputs, hash)))
            return true;
    }
    return false;
}

static void check_named(const struct ff_change *c)
{
    struct mirror_run *r = mirror_run(c->values[COL_ARTIFACT_RUN].i);
    char hash[SHA256_TEXT];

    hash_of(c, hash);
    sim_check(is_given(r, hash),
              "I35: run %lld names a blob that no task of it handed on",
              (long long)r->no);
    sim_seen(SEEN_ARTIFACT_NAMED);
}

void artifact_settle(void)
{
    for (size_t i = 0; i < named.n; i++)
        check_named(named.items[i]);
    for (size_t i = 0; i < gifts.n; i++)
        mem_free(gifts.items[i].outputs);
    named.n = gifts.n = 0;
}

/* Of a success: what it wrote is what its outputs name, and a row does, too. */
void artifact_check_outputs(const struct mirror_run *r, const struct mirror_task *t,
                            const struct flow_output *o, const json_t *v)
{
    const char *hash = json_string_value(json_object_get(v, "sha256"));
    const bool folder = strcmp(o->name, "d") == 0;
    struct buf text = {0};
    char expected[SHA256_TEXT], id[160];

    mirror_origin(r, t, id, sizeof(id));
    const bool has = folder || runtime_sim_output(id, "a", &text);
    sha256_text(text.data, text.len, expected);
    buf_done(&text);
    sim_check(has == (hash != NULL) || (!hash && was_robbed(id)),
              "I35: %s %s an artifact %s", id, has ? "lost" : "made up", o->name);
    if (!hash)
        return;
    if (strcmp(t->reason, "cached") == 0)
        sim_seen(SEEN_ARTIFACT_OF_CACHE);
    sim_check(folder || strcmp(hash, expected) == 0,
              "I35: %s handed on another file than it wrote", id);
    sim_check(map_get_text(&r->artifacts, hash) && blob_sim_has(r->tenant, hash),
              "I35: run %lld: artifact %s of %s is not kept", (long long)r->no, o->name,
              id);
}

/* Why an attempt failed for what it was given or left. */
bool artifact_check_reason(const char *id, const char *reason)
{
    struct buf text = {0};

    if (strncmp(reason, "artifact_", 9) != 0)
        return false;
    const bool has = runtime_sim_output(id, "a", &text);
    buf_done(&text);
    sim_check(strcmp(reason, "artifact_missing") == 0
                  ? !has || was_robbed(id)
                  : sim.o.blob_down || sim.o.blob_doubt || sim.o.blob_full,
              "I35: %s failed: %s", id, reason);
    sim_seen(SEEN_ARTIFACT_FAILED);
    return true;
}
