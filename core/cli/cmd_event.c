/* cmd_event.c - says that something has happened: schedules that wait for an event of
 * this name start their runs. */
#include "cli/engine_need.h"

#include <string.h>

#define DATA_MAX                                                                       \
    ((size_t)64 * 1024) /* it is kept in the row of each run that it starts */

static int read_data(const struct cli *c, json_t **data)
{
    const char *text = cli_get(&c->args, "data");
    struct ff_err err = {0};

    *data = NULL;
    if (!text)
        return CLI_OK;
    if (strlen(text) > DATA_MAX)
        return cli_fail(CLI_USAGE, "--data has at most %zu bytes", DATA_MAX);
    *data = json_parse(text, strlen(text), &err);
    if (*data)
        return CLI_OK;
    return cli_fail(CLI_USAGE, "--data is no JSON: %s", err.msg);
}

static int tell(struct cli *c, struct cli_session *s, const json_t *data)
{
    const char *name = c->args.words.items[0];
    struct ff_err err = {0};
    struct buf out = {0};
    int64_t n = 0;

    if (node_schedule_event(s->node, TENANT_DEFAULT, name, data, &n, &err) != FF_OK)
        return cli_fail_err(&err);
    if (n > 0 && !engine_wake(c, s))
        return CLI_UNAVAILABLE;
    if (c->json)
        buf_printf(&out, "{\"schedules\":%lld}\n", (long long)n);
    else if (!c->quiet)
        buf_printf(&out, "%lld schedule%s told\n", (long long)n, n == 1 ? "" : "s");
    return cli_print(&out);
}

int cmd_event(struct cli *c)
{
    struct cli_session s = {0};
    json_t *data;
    int code = read_data(c, &data);

    if (code == CLI_OK && !text_is_name(c->args.words.items[0], true))
        code = cli_fail(CLI_USAGE, "%s is no name of an event: a-z, 0-9, _ and -",
                        c->args.words.items[0]);
    if (code == CLI_OK)
        code = cli_open(c, &s);
    if (code == CLI_OK)
        code = tell(c, &s, data);
    json_decref(data);
    if (s.config)
        cli_close(&s);
    return code;
}
