/* kit/kit_machine.h - what checks do to the machine that a driver runs on. */
#ifndef KIT_KIT_MACHINE_H
#define KIT_KIT_MACHINE_H

#include "base/base.h"
#include "driver/driver.h"
#include "kit/kit.h"

#include <sys/resource.h>

/* driver_open_store, driver_open_blob */
typedef int kit_open_fn(struct driver_instance *i, void **session, struct ff_err *err);

/* In no impossible place anything can be opened, each refusal has its sentence, and
 * none says that another try would help. who: "a store is". Skips a driver that keeps
 * nothing in {dir}. */
void kit_expect_no_place(struct kit *k, kit_open_fn *open, const char *who);

/* How large a file may become; RLIM_INFINITY: as large as before. */
void kit_set_room(struct kit *k, rlim_t bytes);

#endif
