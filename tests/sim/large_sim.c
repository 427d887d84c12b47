/* large_sim.c - values that are too large for rows, in files named by their hash (I42):
 * what a row names is there, whole, whoever died before; and when all is over no file
 * is there but in the folder of a run that exists. Those of results that counted for
 * nothing are among them: they go with their run. */
#include "sim.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#define LARGE  66000 /* as a text; rows hold up to 64 KiB */
#define MARK   "{\"$value_at\":\""
#define HOLDER "\"run\":\""

void large_fill(struct buf *text)
{
    static const char pad[] = " and so on, and so on, and so on, and so on";

    while (text->len < LARGE)
        buf_add(text, pad, sizeof(pad) - 1);
}

bool large_is_large(const struct mirror_task *t)
{
    return t->outputs && strstr(t->outputs, MARK);
}

/* --- what is there --- */

struct named {
    char hash[SHA256_TEXT];
    char holder[ID_TEXT];
};

/* Behind a mark: HASH","size":N}, or HASH","size":N,"run":"ID"}. */
static struct named read_named(const struct mirror_run *r, const char *text)
{
    const char *end = strchr(text, '}');
    const char *holder = strstr(text, HOLDER);
    struct named named;

    snprintf(named.hash, sizeof(named.hash), "%.64s", text);
    snprintf(named.holder, sizeof(named.holder), "%s", r->id);
    if (end && holder && holder < end)
        snprintf(named.holder, sizeof(named.holder), "%.*s", ID_TEXT - 1,
                 holder + sizeof(HOLDER) - 1);
    return named;
}

static char *folder_of(const char *run_id)
{
    MEM_AUTO char *runs = file_join(sim.data_dir, "runs");
    MEM_AUTO char *run = file_join(runs, run_id);

    return file_join(run, "values");
}

static void check_file(const char *run_id, const char *hash)
{
    MEM_AUTO char *folder = folder_of(run_id);
    MEM_AUTO char *path = file_join(folder, hash);
    char seen[SHA256_TEXT];
    long long size = 0;
    const int sys = sha256_file(path, seen, &size);

    sim_check(sys == 0, "I42: value %s of run %s is not there", hash, run_id);
    sim_check(strcmp(seen, hash) == 0, "I42: value %s of run %s has %lld bytes of %s",
              hash, run_id, size, seen);
}

void large_check(const struct mirror_run *r, const char *column)
{
    if (sim.o.values == 0 || !column)
        return;
    sim_check(strlen(column) <= EXEC_INLINE_MAX,
              "I42: a row of run %lld holds %zu bytes", (long long)r->no,
              strlen(column));
    for (const char *at = column; (at = strstr(at, MARK)); at += sizeof(MARK) - 1) {
        const struct named named = read_named(r, at + sizeof(MARK) - 1);
        check_file(named.holder, named.hash);
        sim_seen(SEEN_LARGE_KEPT);
    }
}

/* --- when all is over --- */

static void check_run_files(const struct mirror_run *r)
{
    void *value;

    large_check(r, r->inputs);
    large_check(r, r->scope);
    large_check(r, r->outputs);
    for (size_t i = 0; map_next(&r->tasks, &i, &value);)
        large_check(r, ((const struct mirror_task *)value)->outputs);
}

static bool names(const char *column, const char *hash)
{
    return column && strstr(column, hash);
}

static bool is_named(const char *hash)
{
    void *run, *task;

    for (size_t i = 0; map_next(&mirror.runs, &i, &run);) {
        const struct mirror_run *r = run;
        if (names(r->inputs, hash) || names(r->scope, hash) || names(r->outputs, hash))
            return true;
        for (size_t k = 0; map_next(&r->tasks, &k, &task);)
            if (names(((const struct mirror_task *)task)->outputs, hash))
                return true;
    }
    return false;
}

/* Whole under its own name, also where no row names it. */
static void check_folder(const struct mirror_run *r)
{
    MEM_AUTO char *folder = folder_of(r->id);
    DIR *dir = opendir(folder);

    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        check_file(r->id, e->d_name);
        if (!is_named(e->d_name))
            sim_seen(SEEN_LARGE_UNNAMED);
    }
    closedir(dir);
}

static void check_holders(void)
{
    MEM_AUTO char *runs = file_join(sim.data_dir, "runs");
    DIR *dir = opendir(runs);

    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        const struct mirror_run *r = mirror_run_by_id(e->d_name, strlen(e->d_name));
        sim_check(r || e->d_name[0] == '.',
                  "I42: there are files of run %s, and there is no such run",
                  e->d_name);
        if (r)
            check_folder(r);
    }
    closedir(dir);
}

void large_check_end(void)
{
    void *value;

    if (sim.o.values == 0)
        return;
    for (size_t i = 0; map_next(&mirror.runs, &i, &value);)
        check_run_files(value);
    check_holders();
}

/* --- their values --- */

json_t *large_outputs(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct span stored = span_of(t->outputs);
    struct ff_err err = {0};
    json_t *o = t->outputs ? exec_resolve(sim.data_dir, r->id, stored, &err) : NULL;

    sim_check(o || !t->outputs, "I42: run %lld: outputs cannot be read: %s",
              (long long)r->no, err.msg);
    return o;
}

json_t *large_run_outputs(const struct mirror_run *r)
{
    struct ff_err err = {0};
    json_t *o = exec_resolve_run(sim.data_dir, r->id, span_of(r->outputs), &err);

    sim_check(o, "I42: run %lld: its outputs cannot be read: %s", (long long)r->no,
              err.msg);
    return o;
}
