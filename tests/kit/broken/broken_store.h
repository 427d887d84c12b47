/* What broken stores share: they are a correct driver with some functions replaced. */
#ifndef BROKEN_STORE_H
#define BROKEN_STORE_H

#include <flowforge/store.h>

#include <stdlib.h>
#include <string.h>

/* The driver that the file is made over, see kit.cmake. */
const struct ff_driver *correct(void);

#define good (correct()->ops.store)

/* Each file has one: replaces what it breaks. */
static void break_it(struct ff_driver *d, struct ff_store_ops *ops);

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
FF_EXPORT const struct ff_driver *ff_driver_entry(void)
{
    static struct ff_store_ops ops;
    static struct ff_driver d;

    d = *correct();
    ops = *good;
    break_it(&d, &ops);
    d.ops.store = &ops;
    return &d;
}

#endif
