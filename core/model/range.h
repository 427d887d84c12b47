/* model/range.h - whose runs a shard has: those of the tenants whose hash lies in its
 * range. The ranges of all shards that have one are everybody, each tenant once.
 *
 * By tenants and not by runs, since what runs have in common is a tenant's: limits,
 * groups of which one may run, the cache, what is fair among projects, the order of
 * steps that a stream tells. So each of these has one owner at a time, as before. */
#ifndef MODEL_RANGE_H
#define MODEL_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct shard_row;
struct tenant;

#define RANGE_END (INT64_C(1) << 32) /* no hash is as large */

struct tenant_range {
    int64_t low, high; /* low <= hash < high */
};

extern const struct tenant_range range_all;

/* 0 .. RANGE_END - 1. Stored ranges rely on it: it never changes. */
int64_t range_hash(struct tenant t);

bool range_has(struct tenant_range r, struct tenant t);
bool range_is_empty(struct tenant_range r);
bool range_is_all(struct tenant_range r);

/* Of a row that says none: all. */
struct tenant_range range_of(const struct shard_row *row);
void range_write(struct shard_row *row, struct tenant_range r);

/* Could both be one? Which that is. */
bool range_touches(struct tenant_range a, struct tenant_range b);
struct tenant_range range_union(struct tenant_range a, struct tenant_range b);

#endif
