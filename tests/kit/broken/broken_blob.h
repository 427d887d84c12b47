/* What broken blob drivers share: they are a correct driver with some functions
 * replaced. */
#ifndef BROKEN_BLOB_H
#define BROKEN_BLOB_H

#include <flowforge/blob.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The driver that the file is made over, see kit.cmake. */
const struct ff_driver *correct(void);

#define good (correct()->ops.blob)

/* Each file has one: replaces what it breaks. */
static void break_it(struct ff_driver *d, struct ff_blob_ops *ops);

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
FF_EXPORT const struct ff_driver *ff_driver_entry(void)
{
    static struct ff_blob_ops ops;
    static struct ff_driver d;

    d = *correct();
    ops = *good;
    break_it(&d, &ops);
    d.ops.blob = &ops;
    return &d;
}

/* BREAK(put): one function is another one, of the same name. */
#define BREAK(FIELD)                                                                   \
    static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)                 \
    {                                                                                  \
        (void)d;                                                                       \
        ops->FIELD = FIELD##_it;                                                       \
    }

/* What the functions take. */
#define PUT                                                                            \
    static int put_it(void *blob, const struct ff_blob_id *id, uint64_t size_bytes,    \
                      ff_blob_read_fn *read_fn, void *arg, struct ff_err *err)
#define GET                                                                            \
    static int get_it(void *blob, const struct ff_blob_id *id, ff_blob_bytes_fn *fn,   \
                      void *arg, struct ff_err *err)
#define STAT                                                                           \
    static int stat_it(void *blob, const struct ff_blob_id *id,                        \
                       struct ff_blob_info *info, struct ff_err *err)
#define REMOVE                                                                         \
    static int remove_it(void *blob, const struct ff_blob_id *id, int64_t before_us,   \
                         struct ff_err *err)
#define LIST                                                                           \
    static int list_it(void *blob, const char *space, const struct ff_blob_id *after,  \
                       uint32_t limit, ff_blob_info_fn *fn, void *arg,                 \
                       struct ff_err *err)

/* Is it there? */
static inline bool is_there(void *blob, const struct ff_blob_id *id)
{
    struct ff_blob_info info = {.struct_size = sizeof(info)};
    struct ff_err ignored;

    return good->stat(blob, id, &info, &ignored) == FF_OK;
}

#endif
