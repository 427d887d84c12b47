/* cmd_schedule_do.c - what people do to schedules: pause, pin, delete, start a run now,
 * fill in times of the past. */
#include "cli/catalog/catalog.h"
#include "cli/owner/engine_need.h"

#include <string.h>

#define PARALLEL 1

/* --- to each of those that the word means --- */

static const struct act {
    enum node_schedule_action action;
    const char *done;
} acts[] = {
    {NODE_SCHEDULE_PAUSE, "paused"},   {NODE_SCHEDULE_RESUME, "resumed"},
    {NODE_SCHEDULE_PIN, "pinned"},     {NODE_SCHEDULE_UNPIN, "unpinned"},
    {NODE_SCHEDULE_DELETE, "deleted"},
};

static int print_count(const struct cli *c, const char *what, int64_t n)
{
    struct buf out = {0};

    if (c->json)
        buf_printf(&out, "{\"%s\":%lld}\n", what, (long long)n);
    else if (!c->quiet)
        buf_printf(&out, "%lld schedule%s %s%s\n", (long long)n, n == 1 ? "" : "s",
                   what, n == 0 ? ": it was so before" : "");
    return cli_print(&out);
}

static int do_each(struct cli *c, enum node_schedule_action action)
{
    struct cli_session s;
    struct ff_err err = {0};
    int64_t n = 0;
    int code = cli_open(c, &s);

    if (code == CLI_OK &&
        node_schedule_do(s.node, TENANT_DEFAULT, c->args.words.items[0], action, &n,
                         &err) != FF_OK)
        code = cli_fail_err(&err);
    /* One that resumes wants somebody to lead it; of the others the owner hears. */
    if (code == CLI_OK && n > 0 &&
        (action == NODE_SCHEDULE_RESUME || engine_is_there(&s)) && !engine_wake(c, &s))
        code = CLI_UNAVAILABLE;
    if (code == CLI_OK)
        code = print_count(c, acts[action].done, n);
    cli_close(&s);
    return code;
}

int cmd_schedule_pause(struct cli *c)
{
    return do_each(c, NODE_SCHEDULE_PAUSE);
}

int cmd_schedule_resume(struct cli *c)
{
    return do_each(c, NODE_SCHEDULE_RESUME);
}

int cmd_schedule_pin(struct cli *c)
{
    return do_each(c, NODE_SCHEDULE_PIN);
}

int cmd_schedule_unpin(struct cli *c)
{
    return do_each(c, NODE_SCHEDULE_UNPIN);
}

int cmd_schedule_delete(struct cli *c)
{
    return do_each(c, NODE_SCHEDULE_DELETE);
}

/* --- now --- */

int cmd_schedule_trigger(struct cli *c)
{
    struct cli_session s;
    struct ff_err err = {0};
    struct buf out = {0};
    char id[ID_TEXT];
    int code = cli_open(c, &s);

    if (code == CLI_OK &&
        node_schedule_trigger(s.node, TENANT_DEFAULT, c->args.words.items[0], id,
                              &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code == CLI_OK && !engine_wake(c, &s))
        code = cli_fail(CLI_UNAVAILABLE, "run %s is stored, but nobody leads it", id);
    if (code == CLI_OK) {
        buf_printf(&out, c->json ? "{\"run\":\"%s\"}\n" : "%s\n", id);
        code = cli_print(&out);
    }
    cli_close(&s);
    return code;
}

/* --- backfill --- */

/* 2026-11-21 is that day's midnight in UTC. */
static int read_time(const struct cli *c, const char *name, int64_t *us)
{
    const char *given = cli_get(&c->args, name);
    struct buf text = {0};

    if (!given)
        return cli_fail(CLI_USAGE, "--%s is missing: --from and --to say which times",
                        name);
    buf_printf(&text, "%s%s", given, strlen(given) == 10 ? "T00:00:00Z" : "");
    const bool good = units_time(buf_text(&text), us);
    buf_done(&text);
    if (good)
        return CLI_OK;
    return cli_fail(CLI_USAGE,
                    "--%s: %s is no time: write 2026-11-21 or 2026-11-21T06:30:00Z",
                    name, given);
}

static int read_backfill(const struct cli *c, struct node_backfill *what)
{
    struct ff_err err = {0};
    int code = read_time(c, "from", &what->from_us);

    if (code == CLI_OK)
        code = read_time(c, "to", &what->below_us);
    if (code == CLI_OK &&
        cli_number(&c->args, "max-parallel", PARALLEL, SCHEDULE_PARALLEL_MAX,
                   &what->max_parallel, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code == CLI_OK && what->max_parallel == 0)
        code = cli_fail(CLI_USAGE, "--max-parallel is at least 1");
    what->schedule = c->args.words.items[0];
    what->dry = cli_has(&c->args, "dry-run");
    return code;
}

static int begin(struct cli *c, struct cli_session *s, const struct node_backfill *what)
{
    struct ff_err err = {0};
    struct buf out = {0};
    int64_t n_times = 0;
    int64_t no = 0;

    if (node_schedule_backfill(s->node, TENANT_DEFAULT, what, &no, &n_times, &err) !=
        FF_OK)
        return cli_fail_err(&err);
    if (no > 0 && !engine_wake(c, s))
        return CLI_UNAVAILABLE;
    if (c->json)
        buf_printf(&out, "{\"times\":%lld,\"started\":%s}\n", (long long)n_times,
                   no > 0 ? "true" : "false");
    else if (!c->quiet)
        buf_printf(&out, "%lld time%s %s\n", (long long)n_times,
                   n_times == 1 ? "" : "s", no > 0 ? "will be run" : "have no run yet");
    return cli_print(&out);
}

static int stop(struct cli *c, struct cli_session *s)
{
    struct ff_err err = {0};
    struct buf out = {0};
    int64_t n = 0;

    if (node_schedule_stop_backfills(s->node, TENANT_DEFAULT, c->args.words.items[0],
                                     &n, &err) != FF_OK)
        return cli_fail_err(&err);
    if (n > 0 && engine_is_there(s) && !engine_wake(c, s))
        return CLI_UNAVAILABLE;
    if (c->json)
        buf_printf(&out, "{\"stopped\":%lld}\n", (long long)n);
    else if (!c->quiet)
        buf_printf(&out, "%lld backfill%s stopped\n", (long long)n, n == 1 ? "" : "s");
    return cli_print(&out);
}

int cmd_schedule_backfill(struct cli *c)
{
    const bool stops = cli_has(&c->args, "stop");
    struct node_backfill what = {0};
    struct cli_session s = {0};
    int code = stops ? CLI_OK : read_backfill(c, &what);

    if (code != CLI_OK)
        return code;
    code = cli_open(c, &s);
    if (code == CLI_OK)
        code = stops ? stop(c, &s) : begin(c, &s, &what);
    cli_close(&s);
    return code;
}
