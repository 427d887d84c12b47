/* store_around.h - what the store filters share: every call of a store, with a hook
 * before it and one after it. A filter is its options, its hooks and a state that all
 * sessions of one instance have in common. */
#ifndef FILTER_STORE_AROUND_H
#define FILTER_STORE_AROUND_H

#include <flowforge/filter.h>
#include <flowforge/store.h>

enum around_call {
    AROUND_SETUP,
    AROUND_COMMIT,
    AROUND_SCAN,
    AROUND_COUNT,
    AROUND_PING,
    AROUND_NOW,
    AROUND_BACKUP,
    AROUND_WATCH,
    AROUND_EXPIRE,
    AROUND_INFO,
    AROUND_CALLS
};
extern const char *const around_names[AROUND_CALLS + 1]; /* ends with NULL */

/* One call. items: changes of a commit, rows of a scan, rows counted or expired; bytes:
 * of their texts and bytes. Before the call those of a commit are known only, and
 * took_us is 0. */
struct around {
    enum around_call call;
    const char *record; /* what it is about; the first of a commit; NULL: none */
    uint64_t items, bytes;
    int64_t took_us;
};

/* Sessions are used on several threads at once: a hook locks what it needs. */
struct around_hooks {
    size_t state_size;
    /* Before the first session is opened; a failure is that of open. */
    int (*init)(void *state, const struct ff_host *host, const void *config,
                struct ff_err *err);
    /* After the last session was closed, or when init failed. */
    void (*done)(void *state);
    /* Anything but FF_OK is told instead of making the call. NULL: none. */
    int (*before)(void *state, const struct around *call, struct ff_err *err);
    /* `code` is what the call came to; what is returned is told. NULL: code. */
    int (*after)(void *state, const struct around *call, int code, struct ff_err *err);
};

extern const struct around_hooks around_hooks; /* the filter's */
extern const struct ff_store_ops around_ops;   /* for its descriptor */

/* All that a store can do is let through. */
#define AROUND_CAPS (FF_STORE_SHARED | FF_STORE_WATCH | FF_STORE_DURABLE)

/* "commit, scan" as bits 1 << enum around_call; "all" is all of them. Fails with a
 * sentence that names the option and the word. */
int around_parse_calls(const char *option, const char *text, uint32_t *calls,
                       struct ff_err *err);

#endif
