/* api/task_logs.c - batches of log lines: checks them, drops what was there before,
 * says what is missing. */
#include "api/task_priv.h"
#include <string.h>

enum { LINES_MAX = 100 * 1000, SOURCE_MAX = 32 };

struct batch {
    struct task_api_line *items;
    size_t n, cap;
    char lost[64];
};

static const char *known_level(const char *level)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (level && strcmp(levels[i], level) == 0)
            return levels[i];
    return NULL;
}

static int read_line(const json_t *item, size_t i, struct task_api_line *line,
                     struct ff_err *err)
{
    const json_t *text = json_object_get(item, "text");
    const char *time = json_string_value(json_object_get(item, "time"));
    const char *level = json_string_value(json_object_get(item, "level"));

    *line = (struct task_api_line){.text = json_string_value(text),
                                   .len = json_string_length(text),
                                   .level = known_level(level ? level : "info")};
    if (!line->text)
        return ff_fail(err, FF_INVALID, 0, "lines[%zu]: text is missing", i);
    if (strpbrk(line->text, "\r\n"))
        return ff_fail(err, FF_INVALID, 0, "lines[%zu]: the text has a line break", i);
    if (!line->level)
        return ff_fail(err, FF_INVALID, 0,
                       "lines[%zu]: level is none of debug, info, warn, error", i);
    if (!time || !units_time(time, &line->time_us))
        return ff_fail(err, FF_INVALID, 0, "lines[%zu]: time is not RFC 3339", i);
    return FF_OK;
}

static void declare_lost(struct batch *batch, int64_t lost, int64_t time_us)
{
    snprintf(batch->lost, sizeof(batch->lost), "[%lld log batches were lost here]",
             (long long)lost);
    struct task_api_line line = {.time_us = time_us,
                                 .level = "warn",
                                 .text = batch->lost,
                                 .len = strlen(batch->lost)};
    ARRAY_ADD(batch, line);
}

static int read_lines(const json_t *lines, struct batch *batch, int64_t lost,
                      struct ff_err *err)
{
    struct task_api_line line;
    const json_t *item;
    size_t i;

    if (!json_is_array(lines) || json_array_size(lines) > LINES_MAX)
        return ff_fail(err, FF_INVALID, 0, "lines is not an array of up to %d lines",
                       LINES_MAX);
    json_array_foreach(lines, i, item)
    {
        if (read_line(item, i, &line, err) != FF_OK)
            return FF_INVALID;
        if (i == 0 && lost > 0)
            declare_lost(batch, lost, line.time_us);
        ARRAY_ADD(batch, line);
    }
    return FF_OK;
}

/* Whose numbers these are: each process of an attempt counts for itself. */
static int read_writer(const struct task_call *call, char *writer, size_t room,
                       struct ff_err *err)
{
    const json_t *source = json_object_get(call->body, "source");
    const char *text = source ? json_string_value(source) : "";

    if (!text || strlen(text) > SOURCE_MAX)
        return ff_fail(err, FF_INVALID, 0, "source is not a text of up to %d bytes",
                       SOURCE_MAX);
    snprintf(writer, room, "%s/%s", call->who.attempt_id, text);
    return FF_OK;
}

/* Batches between the last one and this that are neither here nor, as the writer says,
 * in its spool file. */
static int64_t lost_before(const json_t *body, int64_t last, int64_t seq)
{
    int64_t spooled = json_integer_value(json_object_get(body, "spooled"));

    return last < 0 || spooled < 0 || spooled > seq ? 0 : seq - last - 1 - spooled;
}

static int store_batch(struct task_api *api, struct task_call *call, const char *writer,
                       int64_t seq)
{
    int64_t last = task_seq_last(&api->seq, writer);
    struct batch batch = {0};

    if (seq <= last)
        return FF_OK;
    int code = read_lines(json_object_get(call->body, "lines"), &batch,
                          lost_before(call->body, last, seq), &call->err);
    if (code == FF_OK && batch.n > 0)
        code =
            api->ops->log(api->arg, &call->who, seq, batch.items, batch.n, &call->err);
    if (code == FF_OK)
        task_seq_set(&api->seq, writer, seq);
    ARRAY_DONE(&batch);
    return code;
}

int task_put_logs(struct task_api *api, struct task_call *call, json_t **answer)
{
    const json_t *seq = json_object_get(call->body, "seq");
    char writer[sizeof(call->who.attempt_id) + SOURCE_MAX + 2];

    if (!json_is_integer(seq) || json_integer_value(seq) < 1)
        return ff_fail(&call->err, FF_INVALID, 0, "seq is not a number from 1 on");
    int code = read_writer(call, writer, sizeof(writer), &call->err);
    if (code == FF_OK)
        code = store_batch(api, call, writer, json_integer_value(seq));
    if (code == FF_OK)
        *answer = json_pack("{s:I}", "acked", json_integer_value(seq));
    return code;
}
