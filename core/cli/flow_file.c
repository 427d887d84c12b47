/* flow_file.c - see flow_file.h. */
#include "cli/flow_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <errno.h>

static int read_stdin(struct buf *out)
{
    char part[64 * 1024];
    ssize_t n;

    out->max = FLOW_MAX_BYTES;
    while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0 && !out->overflow)
        buf_add(out, part, (size_t)n);
    if (n < 0)
        return -errno;
    return out->overflow ? -EFBIG : 0;
}

int flow_file_load(struct flow_file *f, const char *path)
{
    *f = (struct flow_file){.path = path};
    const int code = strcmp(path, "-") == 0
                         ? read_stdin(&f->source)
                         : file_read(path, FLOW_MAX_BYTES, &f->source);
    if (code == -ENOENT)
        return cli_fail(CLI_NOT_FOUND, "there is no file %s", path);
    if (code == -EFBIG)
        return cli_fail(CLI_INVALID, "%s is larger than %u MiB", path,
                        FLOW_MAX_BYTES >> 20);
    if (code < 0)
        return cli_fail(code == -EACCES ? CLI_DENIED : CLI_IO, "%s: %s", path,
                        strerror(-code));
    return CLI_OK;
}

int flow_file_read(struct flow_file *f, const char *path)
{
    const int code = flow_file_load(f, path);

    if (code != CLI_OK)
        return code;
    f->flow = flow_parse(buf_text(&f->source), f->source.len, &f->problems);
    return f->flow ? CLI_OK : CLI_INVALID;
}

void flow_file_done(struct flow_file *f)
{
    flow_unref(f->flow);
    flow_problems_done(&f->problems);
    buf_done(&f->source);
}

static void add_problem(const char *path, const struct flow_problem *p, struct buf *out)
{
    buf_add_text(out, path);
    if (p->line > 0)
        buf_printf(out, ":%d:%d", p->line, p->column);
    buf_printf(out, ": FF%03d: ", p->code);
    cli_add_clean(out, p->msg, strlen(p->msg));
    if (p->hint[0]) {
        buf_add_text(out, " (");
        cli_add_clean(out, p->hint, strlen(p->hint));
        buf_add_char(out, ')');
    }
    buf_add_char(out, '\n');
}

void flow_file_add_problems(const char *path, const struct flow_problems *problems,
                            struct buf *out)
{
    for (size_t i = 0; i < problems->n; i++)
        add_problem(path, &problems->items[i], out);
    if (problems->n_more > 0)
        buf_printf(out, "%s: and %zu more\n", path, problems->n_more);
}

json_t *flow_file_problems_json(const struct flow_problems *problems)
{
    json_t *list = json_array();

    for (size_t i = 0; i < problems->n; i++) {
        const struct flow_problem *p = &problems->items[i];
        char code[16];
        snprintf(code, sizeof(code), "FF%03d", p->code);
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:s, s:s, s:s}", "code", code,
                                        "line", p->line, "column", p->column, "at",
                                        p->at, "message", p->msg, "hint", p->hint));
    }
    return list;
}
