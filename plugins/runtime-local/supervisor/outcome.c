/* outcome.c - see outcome.h. */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

void outcome_put(struct rl_out *out, const char *id, const struct outcome *outcome)
{
    rl_put_str(out, id);
    rl_put_u32(out, outcome->state);
    rl_put_u32(out, outcome->reason);
    rl_put_i32(out, outcome->exit_code);
    rl_put_i32(out, outcome->signal);
    rl_put_i64(out, outcome->started_us);
    rl_put_i64(out, outcome->ended_us);
    rl_put_u64(out, outcome->log_chunks);
    rl_put_u64(out, outcome->log_bytes);
    rl_put_u64(out, outcome->log_dropped);
    rl_put_str(out, outcome->message);
}

bool outcome_get(struct rl_in *in, const char **id, struct outcome *outcome)
{
    *id = rl_get_str(in);
    outcome->state = rl_get_u32(in);
    outcome->reason = rl_get_u32(in);
    outcome->exit_code = rl_get_i32(in);
    outcome->signal = rl_get_i32(in);
    outcome->started_us = rl_get_i64(in);
    outcome->ended_us = rl_get_i64(in);
    outcome->log_chunks = rl_get_u64(in);
    outcome->log_bytes = rl_get_u64(in);
    outcome->log_dropped = rl_get_u64(in);
    outcome->message = (char *)rl_get_str(in);
    return !in->bad && *id;
}

void outcome_say(struct outcome *outcome, const char *fmt, ...)
{
    char more[OUTCOME_MESSAGE_MAX];
    char text[2 * OUTCOME_MESSAGE_MAX + 4];
    const char *before = outcome->message;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(more, sizeof(more), fmt, ap);
    va_end(ap);
    snprintf(text, sizeof(text), "%s%s%s", before ? before : "", before ? "; " : "",
             more);
    text[OUTCOME_MESSAGE_MAX - 1] = '\0';
    char *message = strdup(text);
    if (!message)
        return;
    free(outcome->message);
    outcome->message = message;
}
