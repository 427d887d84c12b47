/* flowforge/driver.h - how a shared object introduces itself. */
#ifndef FLOWFORGE_DRIVER_H
#define FLOWFORGE_DRIVER_H

#include <flowforge/base.h>
#include <flowforge/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FF_DRIVER_MAGIC UINT32_C(0x31524446) /* "FDR1" read as bytes */

enum ff_kind { FF_STORE = 1, FF_QUEUE = 2, FF_RUNTIME = 3, FF_AUTH = 4, FF_BLOB = 5 };

/* How the core may call one open instance. */
enum ff_threads {
    FF_ONE_AT_A_TIME = 0, /* any thread, one call at a time: the safe default */
    FF_PARALLEL = 1,      /* any thread, calls may overlap */
    FF_ON_LOOP = 2        /* loop thread only; calls must not block */
};

/* What a driver is besides its kind. */
enum ff_driver_flags {
    FF_FILTER = 1 /* stands in front of another driver of its kind: see filter.h */
};

enum ff_opt_type {
    FF_OPT_TEXT = 1,
    FF_OPT_INT = 2,
    FF_OPT_BOOL = 3,
    FF_OPT_SECONDS = 4,
    FF_OPT_SIZE = 5,  /* 64KiB, 2MiB, 1GiB: arrives in bytes */
    FF_OPT_CHOICE = 6 /* one word of `choices`: arrives as its index */
};
enum ff_opt_flags { FF_OPT_REQUIRED = 1, FF_OPT_SECRET = 2 };

/* One key of the driver's section in config.yaml.  The core parses,
 * range-checks and stores the value at `offset` in the driver's config struct:
 * const char * for TEXT (NULL when unset), int64_t for the rest (SECONDS takes
 * 250ms, 30s, 10m, 2h and arrives in us). */
struct ff_opt {
    const char *name;
    const char *help;     /* one line, shown by `flowforge driver show` */
    const char *fallback; /* default in the file's own spelling, or NULL */
    uint32_t type;
    uint32_t flags;
    uint32_t offset;
    uint32_t reserved;
    int64_t min, max;           /* both 0: unbounded */
    const char *const *choices; /* FF_OPT_CHOICE: ends with NULL */
};

struct ff_store_ops;
struct ff_queue_ops;
struct ff_runtime_ops;
struct ff_auth_ops;
struct ff_blob_ops;

struct ff_driver {
    uint32_t magic;       /* FF_DRIVER_MAGIC */
    uint32_t abi_major;   /* FF_ABI_MAJOR the driver was compiled with */
    uint32_t struct_size; /* sizeof(struct ff_driver) then */
    uint32_t ops_size;    /* sizeof(*ops) then */
    uint32_t kind;        /* enum ff_kind */
    uint32_t threads;     /* enum ff_threads */
    uint64_t caps;        /* FF_STORE_CAN_... and so on */

    const char *name;    /* "postgres" */
    const char *version; /* the driver's own */
    const char *summary;

    const struct ff_opt *opts; /* ends with a NULL name */
    uint64_t config_size;      /* the core allocates and owns this much */

    union {
        const struct ff_store_ops *store;
        const struct ff_queue_ops *queue;
        const struct ff_runtime_ops *runtime;
        const struct ff_auth_ops *auth;
        const struct ff_blob_ops *blob;
    } ops;

    uint32_t flags; /* enum ff_driver_flags */
    uint32_t reserved;
    uint64_t adds; /* FF_FILTER: caps of the chain even where the next layer lacks them;
                    * caps are those that the filter lets through */
};

typedef const struct ff_driver *ff_driver_entry_fn(void);

/* The one symbol that a driver exports. */
#define FF_DRIVER_ENTRY "ff_driver_entry"

#define FF_DRIVER_HEAD(KIND, THREADS, OPS)                                             \
    .magic = FF_DRIVER_MAGIC, .abi_major = FF_ABI_MAJOR,                               \
    .struct_size = sizeof(struct ff_driver), .ops_size = sizeof(OPS), .kind = (KIND),  \
    .threads = (THREADS)

#define FF_REGISTER_DRIVER(driver)                                                     \
    FF_EXPORT const struct ff_driver *ff_driver_entry(void);                           \
    const struct ff_driver *ff_driver_entry(void)                                      \
    {                                                                                  \
        return &(driver);                                                              \
    }

#ifdef __cplusplus
}
#endif

#endif
