/* outcome.h - how an attempt ended, as the journal and the protocol carry it. */
#ifndef SUPERVISOR_OUTCOME_H
#define SUPERVISOR_OUTCOME_H

#include "wire.h"

#include <flowforge/runtime.h>

struct outcome {
    uint32_t state;  /* enum ff_run_state; 0 until it is known */
    uint32_t reason; /* enum ff_run_reason */
    int32_t exit_code;
    int32_t signal;
    int64_t started_us;
    int64_t ended_us;
    uint64_t log_chunks;
    uint64_t log_bytes;
    uint64_t log_dropped;
    char *message; /* owned; NULL for none */
};

#define OUTCOME_MESSAGE_MAX 240
#define OUTCOME_BYTES_MAX   (96 + OUTCOME_MESSAGE_MAX) /* besides the id */

/* Payload of RL_EVENT: id and outcome. */
void outcome_put(struct rl_out *out, const char *id, const struct outcome *outcome);

/* False when malformed. The id is borrowed from the payload; the message too. */
bool outcome_get(struct rl_in *in, const char **id, struct outcome *outcome);

/* Adds a sentence to the message; what does not fit is left out. */
void outcome_say(struct outcome *outcome, const char *fmt, ...) FF_PRINTF(2, 3);

#endif
