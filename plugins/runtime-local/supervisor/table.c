/* table.c - see table.h. Chained hashing; the row is a doubly linked list. */
#include "table.h"

#include "attempt.h"

#include <stdlib.h>
#include <string.h>

static size_t id_bucket(const struct table *table, const char *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32)) & (table->n_buckets - 1);
}

static size_t pid_bucket(const struct table *table, pid_t pid)
{
    return (size_t)pid & (table->n_buckets - 1);
}

static bool resize(struct table *table, size_t n_buckets)
{
    struct attempt **by_id = calloc(n_buckets, sizeof(struct attempt *));
    struct attempt **by_pid = calloc(n_buckets, sizeof(struct attempt *));

    if (!by_id || !by_pid) {
        free(by_id);
        free(by_pid);
        return false;
    }
    struct table grown = {.by_id = by_id, .by_pid = by_pid, .n_buckets = n_buckets};
    for (size_t i = 0; i < table->n_buckets; i++) {
        /* From the oldest on, so that the younger stays in front. */
        struct attempt *turned = NULL;
        while (table->by_pid[i]) {
            struct attempt *attempt = table->by_pid[i];
            table->by_pid[i] = attempt->next_by_pid;
            attempt->next_by_pid = turned;
            turned = attempt;
        }
        while (turned) {
            struct attempt *attempt = turned;
            turned = attempt->next_by_pid;
            table_add_pid(&grown, attempt);
        }
    }
    for (struct attempt *attempt = table->first; attempt; attempt = attempt->row_next) {
        struct attempt **bucket = &by_id[id_bucket(&grown, attempt->id)];
        attempt->next_by_id = *bucket;
        *bucket = attempt;
    }
    free(table->by_id);
    free(table->by_pid);
    grown.n = table->n;
    grown.first = table->first;
    *table = grown;
    return true;
}

bool table_init(struct table *table)
{
    *table = (struct table){0};
    return resize(table, 256);
}

bool table_add(struct table *table, struct attempt *attempt)
{
    if (table->n >= table->n_buckets && !resize(table, table->n_buckets * 2))
        return false;
    struct attempt **bucket = &table->by_id[id_bucket(table, attempt->id)];
    attempt->next_by_id = *bucket;
    *bucket = attempt;
    attempt->row_prev = NULL;
    attempt->row_next = table->first;
    if (table->first)
        table->first->row_prev = attempt;
    table->first = attempt;
    table->n++;
    return true;
}

void table_del(struct table *table, struct attempt *attempt)
{
    struct attempt **at = &table->by_id[id_bucket(table, attempt->id)];

    while (*at != attempt)
        at = &(*at)->next_by_id;
    *at = attempt->next_by_id;
    if (attempt->row_next)
        attempt->row_next->row_prev = attempt->row_prev;
    if (attempt->row_prev)
        attempt->row_prev->row_next = attempt->row_next;
    else
        table->first = attempt->row_next;
    table->n--;
}

struct attempt *table_by_id(const struct table *table, const char *id)
{
    struct attempt *attempt = table->by_id[id_bucket(table, id)];

    while (attempt && strcmp(attempt->id, id) != 0)
        attempt = attempt->next_by_id;
    return attempt;
}

struct attempt *table_by_dir(const struct table *table, const char *name)
{
    char id[RL_NAME_SIZE];
    char other[RL_NAME_SIZE];

    if (rl_dir_id(name, id))
        return table_by_id(table, id);
    for (struct attempt *attempt = table->first; attempt; attempt = attempt->row_next) {
        rl_dir_name(attempt->id, other);
        if (strcmp(name, other) == 0)
            return attempt;
    }
    return NULL;
}

void table_add_pid(struct table *table, struct attempt *attempt)
{
    struct attempt **bucket = &table->by_pid[pid_bucket(table, attempt->pid)];

    attempt->next_by_pid = *bucket;
    *bucket = attempt;
}

void table_del_pid(struct table *table, struct attempt *attempt)
{
    struct attempt **at = &table->by_pid[pid_bucket(table, attempt->pid)];

    while (*at && *at != attempt)
        at = &(*at)->next_by_pid;
    if (*at)
        *at = attempt->next_by_pid;
}

struct attempt *table_by_pid(const struct table *table, pid_t pid)
{
    struct attempt *attempt = table->by_pid[pid_bucket(table, pid)];

    while (attempt && attempt->pid != pid)
        attempt = attempt->next_by_pid;
    return attempt;
}

struct attempt *table_first(const struct table *table)
{
    return table->first;
}

struct attempt *table_next(const struct table *table, const struct attempt *attempt)
{
    (void)table;
    return attempt->row_next;
}
