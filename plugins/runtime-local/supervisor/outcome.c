/* outcome.c - see outcome.h. */
#include "outcome.h"

#include <stdarg.h>
#include <stdio.h>
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
    char *words = NULL;
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    const int said = vasprintf(&words, fmt, ap);
    va_end(ap);
    if (said < 0)
        return;
    if (outcome->message && asprintf(&text, "%s; %s", outcome->message, words) >= 0) {
        free(words);
        words = text;
    }
    if (strlen(words) >= OUTCOME_MESSAGE_MAX)
        words[OUTCOME_MESSAGE_MAX - 1] = '\0';
    free(outcome->message);
    outcome->message = words;
}
