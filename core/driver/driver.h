/* driver/driver.h - finds, checks and opens drivers, and gives them their host.
 *
 * Never trusts the other side: file and directory before dlopen, magic before
 * sizes, sizes before fields, NULL before calls. Each refusal has its own
 * sentence. A library once loaded stays loaded. */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "config/config.h"
#include "loop/loop.h"
#include <flowforge/auth.h>
#include <flowforge/blob.h>
#include <flowforge/queue.h>
#include <flowforge/runtime.h>
#include <flowforge/store.h>

struct driver;          /* a loaded and checked shared object */
struct driver_instance; /* one set of options for it, ready to open sessions */

/* The checked copy of what the driver said about itself; fields that the driver is
 * too old to have are zero. */
struct driver_info {
    struct ff_driver d;
    const char *path;
    uint32_t kind;
};

/* `name` is "store-sqlite" (looked up as NAME.so in `dir`) or an absolute path.
 * kind: enum ff_kind it must have, or 0. Loading the same file twice gives the same
 * driver. */
struct driver *driver_load(const char *dir, const char *name, uint32_t kind,
                           struct ff_err *err);
const struct driver_info *driver_info(const struct driver *d);
/* "store", "queue" ... and the section of the config that its options come from. */
const char *driver_kind_name(uint32_t kind);
#define DRIVER_SECTION_TEXT 160
void driver_section(const struct driver_info *info, char out[DRIVER_SECTION_TEXT]);

/* The default driver directory: FLOWFORGE_DRIVER_DIR, else ../lib/flowforge beside
 * the running program. mem_free it. */
char *driver_default_dir(void);

/* Calls fn for each NAME.so in dir with the driver, or with NULL and why not. */
typedef void driver_list_fn(void *arg, const char *path, const struct driver *d,
                            const struct ff_err *err);
int driver_list(const char *dir, driver_list_fn *fn, void *arg, struct ff_err *err);

/* Options come from the section of the config named after the driver's kind and
 * name ("store-sqlite"; for PostgreSQL, Redis, Kubernetes and JWT "database", "redis",
 * "kubernetes", "auth"), then environment (see config.h). Unknown keys are errors that
 * name the nearest known one. config NULL: defaults. The instance keeps copies. `label`
 * names it in logs. */
struct driver_instance *driver_instance_new(struct driver *d, struct loop *l,
                                            const struct config *config,
                                            const char *label, struct ff_err *err);
/* The same for a filter in front of `inner`, which it takes over, also when it fails.
 */
struct driver_instance *driver_filter_new(struct driver *d,
                                          struct driver_instance *inner,
                                          const struct config *config,
                                          struct ff_err *err);
/* The driver `name` of dir with all its filters in front of it: `filters` are names
 * with commas, the outermost first; NULL or empty: none. */
struct driver_instance *driver_chain_new(const char *dir, const char *name,
                                         const char *filters, uint32_t kind,
                                         struct loop *l, const struct config *config,
                                         struct ff_err *err);
#define DRIVER_MAX_FILTERS 16
void driver_instance_free(struct driver_instance *i); /* sessions closed before; takes
                                                       * NULL */
/* Of the whole chain: caps and threads are those of all its layers together. */
const struct driver_info *driver_instance_info(const struct driver_instance *i);

/* A session: the driver's own open(). Only those of the right kind may be called. */
int driver_open_store(struct driver_instance *i, void **store, struct ff_err *err);
int driver_open_queue(struct driver_instance *i, void **queue, struct ff_err *err);
int driver_open_runtime(struct driver_instance *i, ff_run_event_fn *fn, void *arg,
                        void **runtime, struct ff_err *err);
int driver_open_auth(struct driver_instance *i, void **auth, struct ff_err *err);
int driver_open_blob(struct driver_instance *i, void **blob, struct ff_err *err);

/* Operation tables, full size: slots the driver is too old to have are NULL. */
const struct ff_store_ops *driver_store_ops(const struct driver_instance *i);
const struct ff_queue_ops *driver_queue_ops(const struct driver_instance *i);
const struct ff_runtime_ops *driver_runtime_ops(const struct driver_instance *i);
const struct ff_auth_ops *driver_auth_ops(const struct driver_instance *i);
const struct ff_blob_ops *driver_blob_ops(const struct driver_instance *i);

/* One asynchronous call: pass driver_op(...) where a slot wants a struct ff_op. Loop
 * thread. fn (may be NULL) runs once on the loop thread, never from inside the call;
 * err is NULL on success. What is still open when the instance is freed is
 * FF_CANCELLED there. */
typedef void driver_done_fn(void *arg, int code, const struct ff_err *err);
struct ff_op *driver_op(struct driver_instance *i, driver_done_fn *fn, void *arg);

/* Does a driver's misuse of its host, such as completing an operation twice, end the
 * process? It does in every build but the release, and in the conformance kit. */
extern bool driver_strict;

/* For tests and the simulator: an instance over ops that are linked in. */
struct driver *driver_from(const struct ff_driver *d, struct ff_err *err);

#endif
