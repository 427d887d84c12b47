/* flowforge/filter.h - a driver that stands in front of another one of its kind.
 *
 * A filter sets FF_FILTER in its descriptor's flags and fills the same table as any
 * driver of its kind. Its open() finds the next layer in host->next and opens a session
 * of it; its close() closes that session last. In between each of its functions does
 * what it likes with the call and the answer: passes them on, changes, delays, counts
 * or refuses them. The next layer may be a filter, too, and cannot tell.
 *
 * What the chain can do is what both can do: a capability counts where the filter's
 * caps let it through and the next layer has it, or where the filter adds it (what only
 * forbids, as FF_AUTH_LOOPBACK_ONLY does, counts where one of them says it); an
 * optional function is there where both have it. It is as parallel as the less
 * parallel of the two. Every promise of the contract holds for the chain as for one
 * driver, and the filter MUST NOT break what the next layer keeps - unless breaking
 * something is what it is for.
 *
 * An operation (struct ff_op) may be passed on to the next layer, which then completes
 * it, or completed here, but not both. */
#ifndef FLOWFORGE_FILTER_H
#define FLOWFORGE_FILTER_H

#include <flowforge/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The next layer, ready to be opened: its functions are called with sessions that its
 * own open() gave, and open() with these two:
 *
 *   next->ops.store->open(next->host, next->config, &session, err)
 *
 * Outlives the instance. Slots that the next layer does not have are NULL. */
struct ff_next {
    uint32_t struct_size;
    uint32_t kind;    /* enum ff_kind: the filter's own */
    uint32_t threads; /* enum ff_threads, of all that is below */
    uint32_t reserved;
    uint64_t caps;    /* of all that is below */
    const char *name; /* "store-sqlite", for sentences */
    const struct ff_host *host;
    const void *config;
    union {
        const struct ff_store_ops *store;
        const struct ff_queue_ops *queue;
        const struct ff_runtime_ops *runtime;
        const struct ff_auth_ops *auth;
    } ops;
};

/* The next layer, or NULL with a sentence where the core is too old to know filters. */
static inline const struct ff_next *ff_next_of(const struct ff_host *host,
                                               struct ff_err *err)
{
    if (FF_HAS(host, next) && host->next)
        return host->next;
    ff_fail(err, FF_UNSUPPORTED, 0, "this FlowForge is too old to know filters");
    return NULL;
}

#ifdef __cplusplus
}
#endif

#endif
