/* table.h - all attempts that the supervisor knows, by id, by process and in a row. */
#ifndef SUPERVISOR_TABLE_H
#define SUPERVISOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct attempt;

struct table {
    struct attempt **by_id;
    struct attempt **by_pid;
    size_t n_buckets; /* of each; a power of two */
    size_t n;
    struct attempt *first;
};

bool table_init(struct table *table);
bool table_add(struct table *table, struct attempt *attempt); /* false: no memory */
void table_del(struct table *table, struct attempt *attempt);
struct attempt *table_by_id(const struct table *table, const char *id);

/* By the name of its directories; slow where the name does not tell the id. */
struct attempt *table_by_dir(const struct table *table, const char *name);

/* An attempt is found by attempt->pid between these two calls. Of two with the same
 * number the younger is found. */
void table_add_pid(struct table *table, struct attempt *attempt);
void table_del_pid(struct table *table, struct attempt *attempt);
struct attempt *table_by_pid(const struct table *table, pid_t pid);

struct attempt *table_first(const struct table *table);
struct attempt *table_next(const struct table *table, const struct attempt *attempt);

#endif
