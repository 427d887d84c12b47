/* logs_pick.c - see logs_pick.h. */
#include "cli/logs/logs_pick.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

int logs_pick_read(struct logs_pick *p, const struct cli *c, const char *word)
{
    const char *stream = cli_get(&c->args, "stream");
    struct ff_err err = {0};

    *p = (struct logs_pick){.item = -1, .attempt = -1, .only = -1};
    for (int i = 0; stream && i < LOG_STREAMS; i++)
        if (strcmp(log_stream_names[i], stream) == 0)
            p->only = i;
    if (cli_number(&c->args, "attempt", -1, INT32_MAX, &p->attempt, &err) != FF_OK)
        return cli_fail_err(&err);
    if (!word)
        return CLI_OK;
    const size_t len = strcspn(word, ".");
    if (word[len]) {
        char *end;
        p->item = strtoll(word + len + 1, &end, 10);
        if (*end || end == word + len + 1 || p->item < 0)
            return cli_fail(CLI_USAGE, "%.60s is not TASK or TASK.ITEM", word);
    }
    p->task = mem_text_len(word, len);
    return CLI_OK;
}

void logs_pick_done(struct logs_pick *p)
{
    mem_free(p->task);
    p->task = NULL;
}

bool logs_pick_wants(const struct logs_pick *p, const struct log_source *s)
{
    if (p->task && strcmp(p->task, s->task) != 0)
        return false;
    if (p->item >= 0 && p->item != s->item)
        return false;
    return p->attempt <= 0 || p->attempt == s->attempt;
}

static void add_one(const struct logs_pick *p, struct log_sources *to, const char *dir,
                    bool sdk)
{
    struct log_source *s = log_source_new(dir, sdk);

    if (s && logs_pick_wants(p, s))
        ARRAY_ADD(to, s);
    else
        log_source_free(s);
}

void logs_pick_add(const struct logs_pick *p, struct log_sources *to, const char *dir)
{
    if (p->only != LOG_SDK)
        add_one(p, to, dir, false);
    if (p->only == LOG_SDK || p->only < 0)
        add_one(p, to, dir, true);
}

static int by_path_and_attempt(const void *a, const void *b)
{
    const struct log_source *x = *(const struct log_source *const *)a;
    const struct log_source *y = *(const struct log_source *const *)b;
    int order = strcmp(x->task, y->task);

    if (order == 0)
        order = x->item < y->item ? -1 : x->item > y->item;
    if (order == 0)
        order = x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
    return order ? order : (int)x->sdk - (int)y->sdk;
}

/* Sorted: of each path only the sources of its highest attempt stay. */
static void keep_last_attempts(struct log_sources *sources)
{
    size_t n = 0;

    for (size_t i = 0; i < sources->n; i++) {
        struct log_source *s = sources->items[i];
        const struct log_source *later = NULL;
        for (size_t k = i + 1; k < sources->n && !later; k++) {
            if (strcmp(sources->items[k]->path, s->path) != 0)
                break;
            if (sources->items[k]->attempt > s->attempt)
                later = sources->items[k];
        }
        if (later)
            log_source_free(s);
        else
            sources->items[n++] = s;
    }
    sources->n = n;
}

void logs_pick_scan(const struct logs_pick *p, struct log_sources *to,
                    const char *logs_dir)
{
    DIR *dir = file_open_dir(logs_dir);

    if (!dir)
        return; /* nothing was written yet */
    for (const struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        MEM_AUTO char *path = file_join(logs_dir, e->d_name);
        logs_pick_add(p, to, path);
    }
    closedir(dir);
    logs_pick_sort(p, to);
}

void logs_pick_sort(const struct logs_pick *p, struct log_sources *to)
{
    if (to->n > 1)
        qsort(to->items, to->n, sizeof(struct log_source *), by_path_and_attempt);
    if (p->attempt == 0)
        keep_last_attempts(to);
}

void logs_pick_free(struct log_sources *sources)
{
    for (size_t i = 0; i < sources->n; i++)
        log_source_free(sources->items[i]);
    ARRAY_DONE(sources);
}
