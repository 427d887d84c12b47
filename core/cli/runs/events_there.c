/* events_there.c - see events_there.h. The server's stream has each step once, in the
 * order in which they became durable; nothing is read beside it. */
#include "cli/runs/events_there.h"

#include "cli/remote/stream.h"
#include "cli/view/event_text.h"

#include <string.h>

struct following {
    struct cli *c;
    struct loop *loop;
    json_t *only; /* {"run", "workflow"} of --run; NULL: steps say whose they are */
    struct buf out;
    int code;
};

static void stop(struct following *f, int code)
{
    f->code = code;
    loop_stop(f->loop, 0);
}

static char *clean_text(const json_t *value)
{
    struct buf clean = {0};
    const char *text = json_string_value(value);

    cli_add_clean(&clean, text ? text : "", text ? strlen(text) : 0);
    return buf_take(&clean);
}

static void add_step(struct following *f, const json_t *step,
                     const struct event_row *row)
{
    MEM_AUTO char *run = clean_text(json_object_get(step, "run"));
    MEM_AUTO char *workflow = clean_text(json_object_get(step, "workflow"));
    struct buf prefix = {0};
    json_t *named = f->only ? json_incref(f->only)
                            : json_pack("{ss ss}", "run", run, "workflow", workflow);

    if (!f->only)
        buf_printf(&prefix, "%.8s  %s  ", run, workflow);
    const struct event_look look = {f->c->json, named, buf_text(&prefix)};
    event_add_step(&f->out, &look, row, json_object_get(step, "events"));
    json_decref(named);
    buf_done(&prefix);
}

static void on_step(void *arg, const json_t *step)
{
    struct following *f = arg;
    const char *at = json_string_value(json_object_get(step, "at"));
    struct event_row row = {.seq = json_integer_value(json_object_get(step, "seq"))};

    if (!at || !units_time(at, &row.at))
        return;
    add_step(f, step, &row);
    const int code = cli_print(&f->out);
    if (code != CLI_OK)
        stop(f, code);
}

static void on_ended(void *arg, int code)
{
    stop(arg, code);
}

/* The path of its stream; NULL with a code. */
static char *begin_one(struct following *f, const struct cli_session *s,
                       const char *word, int *code)
{
    struct arena arena = {0};
    struct run_row run;
    char *path = NULL;

    *code = cli_find_run(s, word, &arena, &run);
    if (*code == CLI_OK) {
        MEM_AUTO char *id = mem_text_len(run.id.s, run.id.len);
        MEM_AUTO char *workflow = mem_text_len(run.workflow.s, run.workflow.len);

        f->only = json_pack("{ss ss}", "run", id, "workflow", workflow);
        path = remote_path("runs", id, "history", (char *)NULL);
    }
    arena_done(&arena);
    return path;
}

int events_there_follow(struct cli *c, struct cli_session *s, const char *word)
{
    struct following f = {.c = c, .loop = s->loop};
    struct ff_err err = {0};
    int code = CLI_OK;
    MEM_AUTO char *path =
        word ? begin_one(&f, s, word, &code) : remote_path("events", (char *)NULL);

    if (code != CLI_OK)
        return code;
    const struct remote_stream_setup setup = {.c = c,
                                              .loop = s->loop,
                                              .remote = s->remote,
                                              .path = path,
                                              .event = on_step,
                                              .ended = on_ended,
                                              .arg = &f};
    struct remote_stream *stream = remote_stream_open(&setup, &err);
    if (stream)
        loop_run(s->loop);
    else
        f.code = cli_fail_err(&err);
    remote_stream_close(stream);
    json_decref(f.only);
    buf_done(&f.out);
    return f.code;
}
