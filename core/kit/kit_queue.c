/* kit/kit_queue.c - the tables of checks for queue drivers. */
#include "kit/kit_queue.h"

const struct kit_check *const kit_queue_checks[] = {
    kit_queue_publish_checks,   kit_queue_credit_checks,
    kit_queue_receipt_checks,   kit_queue_leave_checks,
    kit_queue_broadcast_checks, kit_queue_shared_checks,
    kit_queue_random_checks,    NULL,
};
