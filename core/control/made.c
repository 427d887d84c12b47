/* made.c - runs that were just made by a commit of this process. Their rows are known
 * and nobody else may have changed them since, so they are made in memory at once: no
 * lane reads again what was just written. Should somebody have changed one after all,
 * its first step conflicts, and it is loaded as any other is.
 *
 * What a run needs beside its rows - the plan, and what its tenant and its project are
 * called - is kept of those that were loaded: the first run of a file always is. */
#include "control/control_priv.h"

#include <string.h>

#define KNOWN_MAX 64
/* It happens on the loop, others wait meanwhile. */
#define SOURCE_MAX ((size_t)64 << 10)
#define INPUTS_MAX ((size_t)4 << 10)

struct known {
    struct plan *plan;
    struct run_names names;
};

static void known_free(struct known *k)
{
    plan_unref(k->plan);
    control_names_done(&k->names);
    mem_free(k);
}

void control_known_free(struct control *c)
{
    void *value;

    for (size_t i = 0; map_next(&c->known, &i, &value);)
        known_free(value);
    map_done(&c->known);
    c->known = (struct map){0};
}

/* Two tenants may have the same file. */
static char *key_of(const struct run_row *row)
{
    struct buf key = {0};

    buf_printf(&key, "%lld %lld %.*s", (long long)row->tenant, (long long)row->project,
               (int)row->hash.len, row->hash.s);
    return buf_take(&key);
}

static struct run_names copy_names(const struct run_names *names)
{
    return (struct run_names){.tenant = mem_text(names->tenant),
                              .project = mem_text(names->project)};
}

/* A part of a file is a run inside another. */
void control_know(const struct live *l)
{
    struct control *c = l->control;
    const struct run_row *row = &l->run->row;

    if (row->entry.s || l->run->plan->source_len > SOURCE_MAX)
        return;
    MEM_AUTO char *key = key_of(row);
    if (map_get_text(&c->known, key))
        return;
    if (c->known.n >= KNOWN_MAX)
        control_known_free(c);
    struct known *k = mem_alloc(sizeof(*k));

    k->plan = plan_ref(l->run->plan);
    k->names = copy_names(&l->names);
    map_set_text(&c->known, key, k);
}

/* Inputs that are files are read on a lane. */
static bool is_plain(const struct run_row *row)
{
    return !run_is_child(row) && !row->entry.s && !row->scope.s &&
           row->inputs.len <= INPUTS_MAX && !control_may_refer(row->inputs);
}

static const struct known *find_known(struct control *c, const struct run_row *row)
{
    MEM_AUTO char *key = key_of(row);
    const struct known *k = map_get_text(&c->known, key);

    return k && span_is(row->kind, k->plan->kind->name) ? k : NULL;
}

bool control_take_up(struct live *l, const struct run_row *row)
{
    struct control *c = l->control;
    const struct known *k = is_plain(row) ? find_known(c, row) : NULL;
    struct ff_err err;

    if (!k)
        return false;
    struct run *run = engine_run_new(k->plan, row, c->setup.shard, &err);

    if (!run)
        return false;
    if (run->kind->loaded(run, &err) != FF_OK) {
        engine_run_free(run);
        return false;
    }
    l->run = run;
    l->names = copy_names(&k->names);
    l->root = l->no;
    l->loaded_seq++;
    control_loaded(l, &(struct loaded_slots){0});
    return true;
}
