/* node/ranges.h - which row of the shards a process is to have, and what becomes of its
 * range: decided from all rows as they were read, without a clock and without I/O.
 *
 * Each process that leads has one row. Who may lead and has none takes one that nobody
 * has; where all may lead at once and there is none, an empty one. Who has a row adds
 * to its range what is next to it and nobody's, but leaves it for a while to those who
 * have nothing yet; and gives half of it to one whose range is empty. */
#ifndef NODE_RANGES_H
#define NODE_RANGES_H

#include "store/store.h"

/* Who leads looks so often, by renewing its lease. */
#define NODE_LOOK_US UNITS_SECOND

struct ranges_row {
    const struct shard_row *row;
    bool is_free;    /* nobody has it, or who had it was of this place */
    int64_t free_us; /* for how long nobody has had it, as far as it was seen */
};

struct ranges_gift {
    int64_t shard; /* whose range is empty, and gets one; below 0: none */
    int64_t at;    /* the hash from which on it is given away */
};

struct ranges_view {
    const struct ranges_row *rows;
    size_t n;
    const char *place;  /* of this process */
    bool joins;         /* it leads beside others */
    struct tenant whom; /* it leads nothing without this one; 0: whatever there is */
    struct ranges_gift gift;
};

enum ranges_act {
    RANGES_WAIT, /* there is nothing for this process */
    RANGES_TAKE, /* the row, as it is */
    RANGES_MAKE, /* the row, as another one */
};

struct ranges_plan {
    enum ranges_act act;
    int64_t shard;                 /* the row's number */
    const struct shard_row *row;   /* NULL: there is none yet */
    struct tenant_range range;     /* as the rest: of RANGES_MAKE */
    const struct shard_row *other; /* or NULL */
    struct tenant_range other_range;
    int64_t epoch; /* the highest that either has had */
    bool mixed;
};

struct ranges_plan ranges_plan(const struct ranges_view *v);

/* The row of this place, or NULL. */
const struct ranges_row *ranges_mine(const struct ranges_view *v);
/* One of another process that leads nobody, or NULL. */
const struct ranges_row *ranges_empty_one(const struct ranges_view *v);

#endif
