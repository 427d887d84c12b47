/* flowforge/base.h - result codes and the few words every driver shares.
 * Includes the C standard library only. */
#ifndef FLOWFORGE_BASE_H
#define FLOWFORGE_BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FF_ABI_MAJOR  1        /* differs: the driver is refused */
#define FF_ABI_MINOR  0        /* grows when a field or function is appended */
#define FF_ABI_STATUS "1.0-rc" /* freezes as 1.0 */

#define FF_EXPORT            __attribute__((visibility("default")))
#define FF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Structs that begin with struct_size, tables of functions and the driver's descriptor
 * grow at their end only. All others stand in arrays or are too plain: they never grow.
 *
 * True when `obj`, whose first field is struct_size, is new enough to have
 * `field`.  Use it before touching anything appended after ABI 1.0. */
#define FF_HAS(obj, field)                                                             \
    ((obj)->struct_size >=                                                             \
     (size_t)((const char *)(&(obj)->field + 1) - (const char *)(obj)))

/* What went wrong, as far as the caller's next step depends on it.
 * The core retries BUSY now and UNAVAILABLE later, reloads and re-decides on
 * CONFLICT and IN_DOUBT, refuses new work on FULL, stops the process on FATAL
 * and CORRUPT, and reports the rest to whoever asked. */
enum ff_code {
    FF_OK = 0,
    FF_INVALID = 1, /* the caller's mistake: never retried */
    FF_NOT_FOUND = 2,
    FF_CONFLICT = 3,    /* a guard did not hold; nothing was written */
    FF_BUSY = 4,        /* lost a lock race, nothing was written; try again now */
    FF_UNAVAILABLE = 5, /* the far side is down, nothing was written; try later */
    FF_IN_DOUBT = 6,    /* outcome unknown (link lost in commit): read again first */
    FF_CANCELLED = 7,
    FF_DENIED = 8,
    FF_UNSUPPORTED = 9,
    FF_NO_MEMORY = 10,
    FF_CORRUPT = 11, /* stored data is damaged */
    FF_INTERNAL = 12,
    FF_FULL = 13, /* no space or over a quota; nothing was written */
    FF_FATAL = 14 /* a flush failed: what is durable is unknown; never retried */
};

/* Filled by the callee on failure only; owned by the caller; no allocation,
 * so that running out of memory can be reported too. */
struct ff_err {
    int32_t code;  /* enum ff_code */
    int32_t sys;   /* errno, SQLite result, HTTP status...; 0 if none */
    char msg[248]; /* one sentence, no trailing newline or full stop */
};

/* Records the failure and returns its code: return ff_fail(err, ...); */
static inline int FF_PRINTF(4, 5)
    ff_fail(struct ff_err *err, int code, int sys, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        err->code = code;
        err->sys = sys;
        va_start(ap, fmt);
        vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
        va_end(ap);
    }
    return code;
}

#ifdef __cplusplus
}
#endif

#endif
