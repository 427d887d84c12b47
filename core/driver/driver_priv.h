/* driver/driver_priv.h - what the files of this room share. */
#ifndef DRIVER_DRIVER_PRIV_H
#define DRIVER_DRIVER_PRIV_H

#include "driver/driver.h"
#include <flowforge/filter.h>

#include <stdatomic.h>

#define DRIVER_PATH_TEXT                                                               \
    112 /* of a long path the end: a sentence has 247 characters                       \
         */

union driver_table {
    struct ff_store_ops store;
    struct ff_queue_ops queue;
    struct ff_runtime_ops runtime;
    struct ff_auth_ops auth;
    struct ff_blob_ops blob;
};

struct driver {
    struct driver_info info; /* info.d.ops points to `ops` below */
    union driver_table ops;
    char *path;
};

/* The longest end of `path` that fits; for sentences. */
const char *driver_shown(const char *path, char out[DRIVER_PATH_TEXT]);

/* place.c: the file `name` means, resolved and safe to load. mem_free it. */
char *driver_find(const char *dir, const char *name, struct ff_err *err);

/* whole.c: is the file as long as what it says of itself? */
int driver_check_whole(const char *path, const char *subject, struct ff_err *err);

/* check.c: judges a descriptor of unknown size and fills d with what both sides know.
 * subject names it in sentences. */
int driver_check(struct driver *d, const struct ff_driver *theirs, const char *subject,
                 uint32_t kind, struct ff_err *err);

/* options.c */
int driver_check_options(const struct ff_driver *d, const char *subject,
                         struct ff_err *err);

/* kinds.c: what a driver of each kind has to offer. */
struct driver_slot {
    const char *name;
    size_t offset;
    uint64_t cap; /* 0: always required; else when the driver has this capability */
};

struct driver_kind {
    const char *name;
    const struct driver_slot *slots; /* ends with a NULL name */
    size_t ops_size;                 /* as we know it */
    uint32_t threads;                /* bit of each enum ff_threads that makes sense */
    const char *threads_text;
    uint64_t binding; /* capabilities that bind: of a chain if of one layer */
};

const struct driver_kind *driver_kind(uint32_t kind); /* NULL: unknown */

/* lanes.c: the worker threads behind host->work, shared by all instances of a loop. */
struct driver_lanes;
struct driver_lanes *driver_lanes_get(struct loop *l);
void driver_lanes_put(struct driver_lanes *lanes); /* loop thread; takes NULL */
/* Any thread. */
void driver_lanes_do(struct driver_lanes *lanes, ff_call_fn *fn, ff_call_fn *after,
                     void *arg);

/* ops.c: operations under way, by instance. */
struct op_chunk;

struct driver_ops {
    struct ff_op *free_first, *free_last; /* the longest unused is used first */
    size_t n_free;
    size_t n_pending;
    struct op_chunk *chunks;
    struct ff_op *batch; /* completed and taken, their turn not come yet */
    _Atomic(struct ff_op *) done;
};

void driver_complete(struct ff_core *self, struct ff_op *op, const struct ff_err *err);
void driver_ops_run(struct driver_instance *i);      /* all that are completed */
size_t driver_ops_cancel(struct driver_instance *i); /* the others; how many */
void driver_ops_done(struct driver_ops *ops);

/* The core as one instance sees it. */
struct ff_core {
    struct driver_instance *instance;
};

struct driver_instance {
    struct ff_core core;
    struct ff_host host;
    struct driver *driver;
    struct driver_info info;       /* of the chain from here down, like the table */
    union driver_table table;      /* info.d.ops points here */
    struct driver_instance *inner; /* what a filter stands in front of, its own */
    struct ff_next next;           /* the same, as the filter sees it */
    struct loop *loop;
    struct driver_lanes *lanes;
    char *label;
    void *config;      /* config_size bytes for the driver */
    struct arena text; /* the texts in it */
    struct driver_ops ops;
    atomic_bool posted; /* the loop will call us: memory must last until then */
    unsigned running;   /* continuations under way, one inside the other */
    bool dead;
    struct driver_instance *next_dead;
};

void driver_instance_settle(struct driver_instance *i); /* frees it if dead and alone */

/* filter.c: an instance that stands alone, and whether it may be opened so. */
void driver_stand_alone(struct driver_instance *i);
int driver_check_stand(const struct driver_instance *i, struct ff_err *err);

/* host.c */
void driver_host_init(struct driver_instance *i);

/* A driver broke the contract in a way that hurts it alone: the log says so, and where
 * `driver_strict` is set the process ends. */
void FF_PRINTF(2, 3)
    driver_misuse(const struct driver_instance *i, const char *fmt, ...);

#endif
