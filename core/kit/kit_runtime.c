/* kit/kit_runtime.c - the tables of checks for runtime drivers. */
#include "kit/kit_runtime.h"

const struct kit_check *const kit_runtime_checks[] = {
    kit_runtime_start_checks,  kit_runtime_input_checks,
    kit_runtime_event_checks,  kit_runtime_adopt_checks,
    kit_runtime_cancel_checks, kit_runtime_log_checks,
    kit_runtime_output_checks, NULL,
};
