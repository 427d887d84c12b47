/* cmd_schedule_do.c - what people do to schedules: pause, pin, delete, start a run now,
 * fill in times of the past. */
#include "cli/catalog/catalog.h"
#include "cli/owner/engine_need.h"
#include "cli/remote/remote.h"

#include <string.h>

#define PARALLEL 1

/* --- to each of those that the word means --- */

static const struct act {
    enum node_schedule_action action;
    const char *done;
    const char *word; /* of the server's route; NULL: DELETE */
} acts[] = {
    {NODE_SCHEDULE_PAUSE, "paused", "pause"},
    {NODE_SCHEDULE_RESUME, "resumed", "resume"},
    {NODE_SCHEDULE_PIN, "pinned", "pin"},
    {NODE_SCHEDULE_UNPIN, "unpinned", "unpin"},
    {NODE_SCHEDULE_DELETE, "deleted", NULL},
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

struct named {
    const char **items; /* in the arena */
    size_t n, cap;
    struct arena arena;
    enum node_schedule_action action;
};

/* Those that are not so already. */
static void take_name(void *arg, const struct schedule_row *row)
{
    struct named *named = arg;
    const bool is[] = {[NODE_SCHEDULE_PAUSE] = row->paused_at != MODEL_NULL,
                       [NODE_SCHEDULE_RESUME] = row->paused_at == MODEL_NULL,
                       [NODE_SCHEDULE_PIN] = row->pinned == 1,
                       [NODE_SCHEDULE_UNPIN] = row->pinned != 1,
                       [NODE_SCHEDULE_DELETE] = false};

    if (!is[named->action])
        ARRAY_ADD(named, arena_text(&named->arena, row->name.s, row->name.len));
}

/* A server is asked for one schedule at a time. */
static int ask_each(const struct cli_session *s, const char *word,
                    enum node_schedule_action action, int64_t *n)
{
    struct named named = {.action = action};
    struct ff_err err = {0};
    int code = CLI_OK;

    if (node_schedules(s->node, STORE_READER_CALLER, TENANT_DEFAULT, word, take_name,
                       &named, &err) != FF_OK)
        code = cli_fail_err(&err);
    for (size_t i = 0; code == CLI_OK && i < named.n; i++) {
        MEM_AUTO char *path =
            remote_path("schedules", named.items[i], acts[action].word, (char *)NULL);
        code = remote_tell(s->remote, acts[action].word ? "POST" : "DELETE", path, NULL,
                           NULL);
        *n += code == CLI_OK;
    }
    ARRAY_DONE(&named);
    arena_done(&named.arena);
    return code;
}

static int do_each(struct cli *c, enum node_schedule_action action)
{
    const char *word = c->args.words.items[0];
    struct cli_session s;
    struct ff_err err = {0};
    int64_t n = 0;
    int code = cli_open(c, &s);

    if (code == CLI_OK && s.remote)
        code = ask_each(&s, word, action, &n);
    else if (code == CLI_OK &&
             node_schedule_do(s.node, TENANT_DEFAULT, word, action, &n, &err) != FF_OK)
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

/* A workflow stands for its schedule, where it has one: the path of what is asked of
 * it, mem_free it. NULL with an exit code. */
static char *path_there(const struct cli_session *s, const char *word, const char *what,
                        int *code)
{
    struct named named = {.action = NODE_SCHEDULE_DELETE};
    struct ff_err err = {0};
    char *path = NULL;

    *code = CLI_OK;
    if (node_schedules(s->node, STORE_READER_CALLER, TENANT_DEFAULT, word, take_name,
                       &named, &err) != FF_OK)
        *code = cli_fail_err(&err);
    else if (named.n > 1)
        *code = cli_fail(CLI_USAGE, "%.63s has %zu schedules: say which one, as in %s",
                         word, named.n, named.items[0]);
    else
        path = remote_path("schedules", named.items[0], what, (char *)NULL);
    ARRAY_DONE(&named);
    arena_done(&named.arena);
    return path;
}

static int trigger_there(const struct cli_session *s, const char *word,
                         char id[ID_TEXT])
{
    int code;
    MEM_AUTO char *path = path_there(s, word, "trigger", &code);

    return path ? remote_make(s->remote, path, NULL, id) : code;
}

static int trigger(const struct cli_session *s, const char *word, char id[ID_TEXT])
{
    struct ff_err err = {0};

    if (s->remote)
        return trigger_there(s, word, id);
    if (node_schedule_trigger(s->node, TENANT_DEFAULT, word, id, &err) != FF_OK)
        return cli_fail_err(&err);
    return CLI_OK;
}

int cmd_schedule_trigger(struct cli *c)
{
    struct cli_session s;
    struct buf out = {0};
    char id[ID_TEXT];
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = trigger(&s, c->args.words.items[0], id);
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

/* What of it is done is in the answer: `no`, which backfills have from 1 on. */
static int begin_there(const struct cli_session *s, const struct node_backfill *what,
                       int64_t *no, int64_t *n_times)
{
    char from[UNITS_TEXT];
    char to[UNITS_TEXT];
    json_t *answer = NULL;
    int code;
    MEM_AUTO char *path = path_there(s, what->schedule, "backfills", &code);

    if (!path)
        return code;
    units_time_text(what->from_us, from);
    units_time_text(what->below_us, to);
    code =
        remote_tell(s->remote, "POST", path,
                    json_pack("{ss ss sI sb}", "from", from, "to", to, "max_parallel",
                              (json_int_t)what->max_parallel, "dry_run", what->dry),
                    &answer);
    *no = json_integer_value(json_object_get(answer, "no"));
    *n_times = json_integer_value(json_object_get(answer, "times"));
    json_decref(answer);
    return code;
}

static int begin(struct cli *c, struct cli_session *s, const struct node_backfill *what)
{
    struct ff_err err = {0};
    struct buf out = {0};
    int64_t n_times = 0;
    int64_t no = 0;
    int code = CLI_OK;

    if (s->remote)
        code = begin_there(s, what, &no, &n_times);
    else if (node_schedule_backfill(s->node, TENANT_DEFAULT, what, &no, &n_times,
                                    &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code != CLI_OK)
        return code;
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

static int stop_there(const struct cli_session *s, const char *word, int64_t *n)
{
    json_t *answer = NULL;
    int code;
    MEM_AUTO char *path = path_there(s, word, "backfills", &code);
    struct buf whole = {0};

    if (!path)
        return code;
    buf_printf(&whole, "%s/stop", path);
    code = remote_tell(s->remote, "POST", buf_text(&whole), NULL, &answer);
    *n = json_integer_value(json_object_get(answer, "stopped"));
    json_decref(answer);
    buf_done(&whole);
    return code;
}

static int stop(struct cli *c, struct cli_session *s)
{
    const char *word = c->args.words.items[0];
    struct ff_err err = {0};
    struct buf out = {0};
    int64_t n = 0;
    int code = CLI_OK;

    if (s->remote)
        code = stop_there(s, word, &n);
    else if (node_schedule_stop_backfills(s->node, TENANT_DEFAULT, word, &n, &err) !=
             FF_OK)
        code = cli_fail_err(&err);
    if (code != CLI_OK)
        return code;
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
