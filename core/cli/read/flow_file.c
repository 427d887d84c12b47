/* flow_file.c - see flow_file.h. */
#include "cli/read/flow_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORED_WORD "workflow:"

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
    if (code == -EISDIR)
        return cli_fail(CLI_IO,
                        "%s is a directory: name a file in it, as in %s%s*.yaml", path,
                        path, path[strlen(path) - 1] == '/' ? "" : "/");
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

int flow_file_write(const char *path, const struct buf *text)
{
    MEM_AUTO char *real = file_real(path);
    struct stat st;

    if (!real || stat(real, &st) != 0)
        return cli_fail(CLI_IO, "%s: %s", path, strerror(errno));
    const int code =
        file_write_durable(real, buf_text(text), text->len, st.st_mode & 07777);
    if (code < 0)
        return cli_fail(code == -EACCES ? CLI_DENIED : CLI_IO, "%s: %s", path,
                        strerror(-code));
    return CLI_OK;
}

void flow_file_done(struct flow_file *f)
{
    flow_unref(f->flow);
    flow_problems_done(&f->problems);
    buf_done(&f->source);
    mem_free(f->dir);
    f->dir = NULL;
}

char *flow_file_dir(const char *path, const char *given, int *code)
{
    const char *slash = strrchr(path, '/');
    MEM_AUTO char *folder =
        slash ? mem_text_len(path, slash == path ? 1 : (size_t)(slash - path))
              : mem_text(".");
    char *dir = file_real(given ? given : folder);
    struct stat st;

    *code = CLI_OK;
    if (!dir || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        *code = cli_fail(CLI_NOT_FOUND, "%s: %s", given ? given : folder,
                         dir ? "not a directory" : strerror(errno));
    return dir;
}

/* --- workflows that were applied --- */

bool flow_file_is_stored(const char *word)
{
    if (text_starts(word, STORED_WORD))
        return true;
    return node_is_workflow_word(word) && access(word, F_OK) != 0;
}

int flow_file_of_hash(struct flow_file *f, const struct cli_session *s,
                      struct span hash)
{
    struct workflow_row row;
    struct arena arena = {0};
    struct ff_err err = {0};
    int code = CLI_OK;

    if (store_workflow(node_store(s->node), STORE_READER_CALLER, TENANT_DEFAULT, hash,
                       &arena, &row, &err) != FF_OK) {
        code = cli_fail_err(&err);
    } else {
        buf_add(&f->source, row.source.s, row.source.len);
        f->flow = flow_parse(row.source.s, row.source.len, &f->problems);
        code = f->flow ? CLI_OK : CLI_INVALID;
    }
    arena_done(&arena);
    return code;
}

int flow_file_stored(struct flow_file *f, const struct cli_session *s, const char *word)
{
    const char *name =
        text_starts(word, STORED_WORD) ? word + strlen(STORED_WORD) : word;
    struct workflow_version_row row;
    struct arena arena = {0};
    struct ff_err err = {0};
    int code;

    *f = (struct flow_file){.path = word};
    if (node_workflow_find(s->node, STORE_READER_CALLER, TENANT_DEFAULT, name, &arena,
                           &row, &err) != FF_OK) {
        code = cli_fail_err(&err);
    } else {
        code = flow_file_of_hash(f, s, row.hash);
        f->dir = row.dir.s ? mem_text_len(row.dir.s, row.dir.len) : NULL;
        f->project = model_project(row.project);
    }
    arena_done(&arena);
    return code;
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
