/* cmd_fmt.c - writes workflow files in their canonical form. */
#include "author/author.h"
#include "cli/author/author.h"
#include "cli/read/flow_file.h"

#include <string.h>

enum fmt_mode { FMT_PRINT, FMT_CHECK, FMT_DIFF, FMT_WRITE };

static int use_result(const struct flow_file *f, const struct buf *made,
                      enum fmt_mode mode, struct buf *out)
{
    const bool same = made->len == f->source.len &&
                      memcmp(buf_text(made), buf_text(&f->source), made->len) == 0;

    if (mode == FMT_PRINT) {
        buf_add(out, buf_text(made), made->len);
        return CLI_OK;
    }
    if (same)
        return CLI_OK;
    if (mode == FMT_WRITE && strcmp(f->path, "-") != 0) {
        buf_printf(out, "%s\n", f->path);
        return flow_file_write(f->path, made);
    }
    if (mode == FMT_DIFF)
        author_diff(f->path, buf_text(&f->source), buf_text(made), out);
    else
        buf_printf(out, "%s\n", f->path);
    return CLI_INVALID;
}

static int format_one(const char *path, enum fmt_mode mode, struct buf *out)
{
    struct flow_problems problems = {0};
    struct flow_file f;
    struct buf made = {.max = FLOW_MAX_BYTES};
    struct ff_err err = {0};
    int code = flow_file_load(&f, path);

    if (code == CLI_OK) {
        const int rc =
            author_format(buf_text(&f.source), f.source.len, &made, &problems, &err);
        if (rc == FF_OK) {
            code = use_result(&f, &made, mode, out);
        } else if (problems.n > 0) {
            struct buf said = {0};
            flow_file_add_problems(path, &problems, &said);
            fputs(buf_text(&said), stderr);
            buf_done(&said);
            code = CLI_INVALID;
        } else {
            code = cli_fail(rc == FF_INTERNAL ? CLI_INTERNAL : CLI_INVALID, "%s: %s",
                            path, err.msg);
        }
    }
    flow_problems_done(&problems);
    buf_done(&made);
    flow_file_done(&f);
    return code;
}

int cmd_fmt(struct cli *c)
{
    const bool check = cli_has(&c->args, "check");
    const bool diff = cli_has(&c->args, "diff");
    const bool write = cli_has(&c->args, "write");
    struct buf out = {0};
    int worst = CLI_OK;

    if (check + diff + write > 1)
        return cli_fail(CLI_USAGE, "--check, --diff and --write exclude each other");
    for (size_t i = 0; i < c->args.words.n; i++) {
        const int code = format_one(c->args.words.items[i],
                                    check   ? FMT_CHECK
                                    : diff  ? FMT_DIFF
                                    : write ? FMT_WRITE
                                            : FMT_PRINT,
                                    &out);
        if (code > worst)
            worst = code;
    }
    if (c->quiet && !diff && (check || write))
        buf_clear(&out);
    const int printed = cli_print(&out);
    return worst != CLI_OK ? worst : printed;
}
