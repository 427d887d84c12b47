/* cmd_sim.c - a workflow in virtual time: its timeline, and what comes of it. */
#include "cli/author/author.h"
#include "cli/author/rehearse.h"
#include "cli/view/event_text.h"

#include <string.h>

/* --- what is printed --- */

static void add_value(struct buf *out, const json_t *value)
{
    MEM_AUTO char *text =
        json_is_string(value) ? mem_text(json_string_value(value)) : json_text(value);

    cli_add_clean(out, text, strlen(text));
}

/* "   31.000s  task.finished   fetch.3#2  state=failed exit_code=1" */
static void add_event(struct buf *out, const json_t *event)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)event);

    buf_printf(out, "%12.3fs  ", json_number_value(json_object_get(event, "at")));
    json_object_del(rest, "at");
    event_add_named(out, rest);
    json_decref(rest);
}

/* "  sign_off waits for an approval, Deploy?: a mock answers it, as ..." */
static void add_waits(struct buf *out, const json_t *list)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const json_t *message = json_object_get(one, "message");
        buf_add_text(out, "  ");
        add_value(out, json_object_get(one, "task"));
        buf_add_text(out, " waits for an ");
        add_value(out, json_object_get(one, "for"));
        if (message) {
            buf_add_text(out, ", ");
            add_value(out, message);
        }
        buf_add_text(out, ": ");
        add_value(out, json_object_get(one, "hint"));
        buf_add_char(out, '\n');
    }
}

static void add_end(struct buf *out, const struct cli *c, const json_t *result)
{
    const char *state = json_string_value(json_object_get(result, "state"));
    const json_t *duration = json_object_get(result, "duration");
    const json_t *outputs = json_object_get(result, "outputs");
    const json_t *message = json_object_get(result, "message");
    const char *name;
    json_t *value;

    if (json_is_true(json_object_get(result, "over"))) {
        cli_add_coloured(out, c->colour,
                         strcmp(state, "succeeded") == 0 ? CLI_GREEN : CLI_RED, state);
        buf_printf(out, " after %.3fs", json_number_value(duration));
    } else {
        buf_printf(out,
                   "%s when the time was over: give --until more, or a mock to what it "
                   "waits for",
                   state);
    }
    if (message) {
        buf_add_text(out, ": ");
        add_value(out, message);
    }
    buf_add_char(out, '\n');
    add_waits(out, json_object_get(result, "waits_for"));
    json_object_foreach((json_t *)(uintptr_t)outputs, name, value)
    {
        buf_printf(out, "%s: ", name);
        add_value(out, value);
        buf_add_char(out, '\n');
    }
}

static int print(const struct cli *c, const json_t *result)
{
    struct buf out = {0};
    json_t *event;
    size_t i;

    if (c->json) {
        json_add_to(&out, result);
        buf_add_char(&out, '\n');
        return cli_print(&out);
    }
    if (!c->quiet)
        json_array_foreach(json_object_get(result, "timeline"), i, event)
            add_event(&out, event);
    add_end(&out, c, result);
    return cli_print(&out);
}

static int exit_of(const json_t *result)
{
    const char *state = json_string_value(json_object_get(result, "state"));

    if (!json_is_true(json_object_get(result, "over")))
        return CLI_RUN_FAILED;
    for (int i = 0; run_state_names[i]; i++)
        if (strcmp(run_state_names[i], state) == 0)
            return (int)cli_exit_of_run(i);
    return CLI_INTERNAL;
}

/* --- what is asked for --- */

static int read_options(const struct cli *c, struct rehearsal *r)
{
    const char *until = cli_get(&c->args, "until");
    const char *start = cli_get(&c->args, "start");
    struct ff_err err = {0};

    if (cli_number(&c->args, "seed", 1, INT64_MAX, &r->seed, &err) != FF_OK ||
        cli_number(&c->args, "slots", REHEARSE_SLOTS, 10000, &r->slots, &err) != FF_OK)
        return cli_fail_err(&err);
    if (r->slots == 0)
        return cli_fail(CLI_USAGE, "--slots is 1 or more");
    r->until_us = REHEARSE_UNTIL;
    if (until && !units_duration(until, &r->until_us))
        return cli_fail(CLI_USAGE, "--until %.60s: a duration is 30s, 10m, 2h or 30d",
                        until);
    if (!units_time(start ? start : REHEARSE_START, &r->start_us))
        return cli_fail(CLI_USAGE, "--start %.60s: a time is " REHEARSE_START, start);
    return CLI_OK;
}

static int read_inputs(const struct cli *c, const struct flow_file *f, json_t **inputs)
{
    struct flow_problems problems = {0};
    struct buf out = {0};
    int code;
    json_t *given = cli_read_inputs(c, &code);

    if (code != CLI_OK)
        return code;
    *inputs = flow_inputs(f->flow, given, cli_has(&c->args, "input"), &problems);
    if (!*inputs) {
        flow_file_add_problems(f->path, &problems, &out);
        fputs(buf_text(&out), stderr);
        code = CLI_INVALID;
    }
    buf_done(&out);
    flow_problems_done(&problems);
    json_decref(given);
    return code;
}

static int rehearse_and_print(struct cli *c, const struct rehearsal *r)
{
    struct ff_err err = {0};
    int code;
    json_t *result = rehearse(c, r, &code, &err);

    if (!result)
        return cli_fail(code, "%s", err.msg);
    code = print(c, result);
    if (code == CLI_OK)
        code = exit_of(result);
    json_decref(result);
    return code;
}

int cmd_sim(struct cli *c)
{
    const char *mocks = cli_get(&c->args, "mocks");
    struct rehearsal r = {0};
    struct flow_file f = {0};
    int code = read_options(c, &r);

    /* The order in maps must not differ from one call to the next. */
    map_seed((uint64_t)r.seed, 0);
    if (code == CLI_OK)
        code = flow_file_read(&f, c->args.words.items[0]);
    if (code == CLI_INVALID && f.problems.n > 0) {
        struct buf out = {0};
        flow_file_add_problems(f.path, &f.problems, &out);
        fputs(buf_text(&out), stderr);
        buf_done(&out);
    }
    if (code == CLI_OK && mocks)
        r.mocks = rehearse_yaml(mocks, &code);
    if (code == CLI_OK)
        code = read_inputs(c, &f, &r.inputs);
    r.file = &f;
    if (code == CLI_OK)
        code = rehearse_and_print(c, &r);
    json_decref(r.inputs);
    json_decref(r.mocks);
    flow_file_done(&f);
    return code;
}
