/* driver/kinds.c - what each kind of driver has to offer. The SDK's headers say the
 * same in words. */
#include "driver/driver_priv.h"

#define SLOT(ops, name)                                                                \
    {                                                                                  \
#name, offsetof(struct ops, name), 0                                           \
    }
#define SLOT_IF(ops, name, cap)                                                        \
    {                                                                                  \
#name, offsetof(struct ops, name), cap                                         \
    }

static const struct driver_slot store_slots[] = {
    SLOT(ff_store_ops, open),
    SLOT(ff_store_ops, close),
    SLOT(ff_store_ops, setup),
    SLOT(ff_store_ops, commit),
    SLOT(ff_store_ops, scan),
    SLOT(ff_store_ops, count),
    SLOT(ff_store_ops, ping),
    SLOT(ff_store_ops, now),
    SLOT_IF(ff_store_ops, watch, FF_STORE_WATCH),
    {0},
};

static const struct driver_slot queue_slots[] = {
    SLOT(ff_queue_ops, open),
    SLOT(ff_queue_ops, close),
    SLOT(ff_queue_ops, publish),
    SLOT(ff_queue_ops, ack),
    SLOT(ff_queue_ops, nack),
    SLOT(ff_queue_ops, subscribe),
    SLOT(ff_queue_ops, unsubscribe),
    SLOT_IF(ff_queue_ops, broadcast, FF_QUEUE_BROADCAST),
    {0},
};

static const struct driver_slot runtime_slots[] = {
    SLOT(ff_runtime_ops, open),
    SLOT(ff_runtime_ops, close),
    SLOT(ff_runtime_ops, start),
    SLOT(ff_runtime_ops, cancel),
    SLOT(ff_runtime_ops, adopt),
    SLOT(ff_runtime_ops, release),
    SLOT(ff_runtime_ops, output),
    SLOT(ff_runtime_ops, take),
    {0},
};

static const struct driver_slot auth_slots[] = {
    SLOT(ff_auth_ops, open),
    SLOT(ff_auth_ops, close),
    SLOT(ff_auth_ops, verify),
    {0},
};

static const struct driver_slot blob_slots[] = {
    SLOT(ff_blob_ops, open), SLOT(ff_blob_ops, close), SLOT(ff_blob_ops, put),
    SLOT(ff_blob_ops, get),  SLOT(ff_blob_ops, stat),  SLOT(ff_blob_ops, remove),
    SLOT(ff_blob_ops, list), SLOT(ff_blob_ops, ping),  {0},
};

#define BLOCKING      (1U << FF_ONE_AT_A_TIME | 1U << FF_PARALLEL)
#define BLOCKING_TEXT "FF_ONE_AT_A_TIME or FF_PARALLEL, because its calls block"
#define LOOP          (1U << FF_ON_LOOP)
#define LOOP_TEXT     "FF_ON_LOOP, because it is called on the loop thread"

static const struct driver_kind kinds[] = {
    [FF_STORE] = {"store", store_slots, sizeof(struct ff_store_ops), BLOCKING,
                  BLOCKING_TEXT, FF_STORE_REMOTE},
    [FF_QUEUE] = {"queue", queue_slots, sizeof(struct ff_queue_ops), LOOP, LOOP_TEXT,
                  0},
    [FF_RUNTIME] = {"runtime", runtime_slots, sizeof(struct ff_runtime_ops), LOOP,
                    LOOP_TEXT, FF_RUNTIME_SHOWS_ENV},
    [FF_AUTH] = {"auth", auth_slots, sizeof(struct ff_auth_ops), BLOCKING,
                 BLOCKING_TEXT, FF_AUTH_LOOPBACK_ONLY},
    [FF_BLOB] = {"blob", blob_slots, sizeof(struct ff_blob_ops), BLOCKING,
                 BLOCKING_TEXT, 0},
};

const struct driver_kind *driver_kind(uint32_t kind)
{
    return kind < COUNT_OF(kinds) && kinds[kind].name ? &kinds[kind] : NULL;
}
