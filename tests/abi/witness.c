/* witness.c - every type of the driver ABI, reachable from one exported function each,
 * so that a tool can compare two versions of the headers by their debug information.
 * Never run. What is new in the headers is added here; a test sees that nothing is
 * left out. */
#include <flowforge/auth.h>
#include <flowforge/blob.h>
#include <flowforge/filter.h>
#include <flowforge/queue.h>
#include <flowforge/runtime.h>
#include <flowforge/store.h>

#define WITNESS(name, type)                                                            \
    FF_EXPORT void witness_##name(type seen);                                          \
    void witness_##name(type seen)                                                     \
    {                                                                                  \
        (void)seen;                                                                    \
    }

/* Numbers that no type holds. */
enum witness_constants {
    WITNESS_MAGIC = FF_DRIVER_MAGIC,
    WITNESS_ABI_MAJOR = FF_ABI_MAJOR,
    WITNESS_ANY_VERSION = FF_ANY_VERSION,
    WITNESS_ABSENT = FF_ABSENT,
    WITNESS_BLOB_SPACE_MAX = FF_BLOB_SPACE_MAX,
    WITNESS_BLOB_HASH_LEN = FF_BLOB_HASH_LEN,
    WITNESS_BLOB_RENEW_US = FF_BLOB_RENEW_US
};
WITNESS(constants, enum witness_constants)

WITNESS(code, enum ff_code)
WITNESS(err, struct ff_err *)

WITNESS(kind, enum ff_kind)
WITNESS(threads, enum ff_threads)
WITNESS(opt_type, enum ff_opt_type)
WITNESS(opt_flags, enum ff_opt_flags)
WITNESS(opt, struct ff_opt *)
WITNESS(driver_flags, enum ff_driver_flags)
WITNESS(driver, struct ff_driver *)
WITNESS(driver_entry, ff_driver_entry_fn *)

WITNESS(level, enum ff_level)
WITNESS(fd_events, enum ff_fd_events)
WITNESS(fd_fn, ff_fd_fn *)
WITNESS(call_fn, ff_call_fn *)
WITNESS(host, struct ff_host *)
WITNESS(next, struct ff_next *)

WITNESS(store_type, enum ff_type)
WITNESS(value, struct ff_value *)
WITNESS(column_flags, enum ff_column_flags)
WITNESS(column, struct ff_column *)
WITNESS(index, struct ff_index *)
WITNESS(record, struct ff_record *)
WITNESS(schema, struct ff_schema *)
WITNESS(change_kind, enum ff_change_kind)
WITNESS(change, struct ff_change *)
WITNESS(query, struct ff_query *)
WITNESS(query_flags, enum ff_query_flags)
WITNESS(row_fn, ff_row_fn *)
WITNESS(store_part, struct ff_store_part *)
WITNESS(store_part_flags, enum ff_store_part_flags)
WITNESS(store_part_fn, ff_store_part_fn *)
WITNESS(span, struct ff_span *)
WITNESS(span_fn, ff_span_fn *)
WITNESS(store_info, struct ff_store_info *)
WITNESS(store_caps, enum ff_store_caps)
WITNESS(store_ops, struct ff_store_ops *)

WITNESS(queue_caps, enum ff_queue_caps)
WITNESS(message, struct ff_message *)
WITNESS(deliver_fn, ff_deliver_fn *)
WITNESS(queue_ops, struct ff_queue_ops *)

WITNESS(runtime_caps, enum ff_runtime_caps)
WITNESS(run_state, enum ff_run_state)
WITNESS(run_reason, enum ff_run_reason)
WITNESS(run_spec, struct ff_run_spec *)
WITNESS(run_event, struct ff_run_event *)
WITNESS(run_event_fn, ff_run_event_fn *)
WITNESS(bytes_fn, ff_bytes_fn *)
WITNESS(runtime_ops, struct ff_runtime_ops *)

WITNESS(auth_caps, enum ff_auth_caps)
WITNESS(principal, struct ff_principal *)
WITNESS(principal_fn, ff_principal_fn *)
WITNESS(auth_ops, struct ff_auth_ops *)

WITNESS(blob_caps, enum ff_blob_caps)
WITNESS(blob_id, struct ff_blob_id *)
WITNESS(blob_info, struct ff_blob_info *)
WITNESS(blob_read_fn, ff_blob_read_fn *)
WITNESS(blob_bytes_fn, ff_blob_bytes_fn *)
WITNESS(blob_info_fn, ff_blob_info_fn *)
WITNESS(blob_ops, struct ff_blob_ops *)
