/* cmd_apply.c - makes workflow files known under their names. */
#include "cli/catalog/catalog.h"
#include "cli/owner/engine_need.h"
#include "cli/read/flow_file.h"
#include "cli/remote/remote.h"

#include <string.h>

struct applying {
    struct cli *c;
    struct cli_session s;
    json_t *list; /* of what became of each file, for -o json */
};

static void report_problems(struct applying *a, const struct flow_file *f)
{
    struct buf out = {0};

    if (a->c->json) {
        json_array_append_new(a->list,
                              json_pack("{s:s, s:o}", "file", f->path, "problems",
                                        flow_file_problems_json(&f->problems)));
        return;
    }
    flow_file_add_problems(f->path, &f->problems, &out);
    fputs(buf_text(&out), stderr);
    buf_done(&out);
}

static void report(struct applying *a, const struct flow_file *f,
                   const struct node_applied *applied)
{
    json_t *one;

    if (!a->c->json) {
        if (!a->c->quiet)
            printf("%s: version %lld%s%s, %.12s%s\n", f->flow->name,
                   (long long)applied->number, f->flow->version ? " = " : "",
                   f->flow->version ? f->flow->version : "", f->flow->hash,
                   applied->is_new ? "" : ", as before");
        return;
    }
    one = json_pack("{s:s, s:s, s:I, s:s, s:b}", "file", f->path, "workflow",
                    f->flow->name, "number", (json_int_t)applied->number, "hash",
                    f->flow->hash, "new", applied->is_new);
    if (f->flow->version)
        json_object_set_new(one, "label", json_string(f->flow->version));
    json_array_append_new(a->list, one);
}

static int apply_there(struct applying *a, const struct flow_file *f)
{
    json_t *answer = NULL;
    json_t *body = json_pack("{ss ss*}", "source", buf_text(&f->source), "project",
                             cli_get(&a->c->args, "project"));
    const int code = remote_tell(a->s.remote, "POST", "/workflows", body, &answer);
    const struct node_applied applied = {
        .number = json_integer_value(json_object_get(answer, "number")),
        .is_new = json_is_true(json_object_get(answer, "new"))};

    if (code == CLI_OK)
        report(a, f, &applied);
    json_decref(answer);
    return code;
}

static int apply(struct applying *a, const struct flow_file *f)
{
    struct node_applied applied = {0};
    struct ff_err err = {0};
    int code;

    char *dir = flow_file_dir(f->path, cli_get(&a->c->args, "dir"), &code);
    char *path = file_real(f->path);
    struct node_apply what = {.source = buf_text(&f->source),
                              .source_len = f->source.len,
                              .dir = dir,
                              .flow = f->flow};
    if (code == CLI_OK)
        code = cli_find_project(&a->s, cli_get(&a->c->args, "project"), &what.project);
    if (code == CLI_OK) {
        what.path = path ? path : f->path;
        if (node_apply(a->s.node, TENANT_DEFAULT, &what, &applied, &err) == FF_OK)
            report(a, f, &applied);
        else
            code = cli_fail(err.code == FF_CONFLICT ? CLI_INVALID
                                                    : (int)cli_exit_of(err.code),
                            "%s: %s", f->path, err.msg);
    }
    mem_free(path);
    mem_free(dir);
    return code;
}

/* All files are read before any is applied: a mistake in one changes nothing. */
static int read_all(struct applying *a, struct flow_file *files, size_t n)
{
    int worst = CLI_OK;

    for (size_t i = 0; i < n; i++) {
        const int code = flow_file_read(&files[i], a->c->args.words.items[i]);
        if (code == CLI_INVALID && files[i].problems.n > 0)
            report_problems(a, &files[i]);
        if (code > worst)
            worst = code;
    }
    return worst;
}

static int print_list(const struct applying *a)
{
    struct buf out = {0};

    if (!a->c->json)
        return CLI_OK;
    json_add_to(&out, a->list);
    buf_add_char(&out, '\n');
    return cli_print(&out);
}

static bool wants_engine(struct applying *a, const struct flow_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (files[i].flow->n_triggers > 0)
            return true;
    return engine_is_there(&a->s);
}

int cmd_apply(struct cli *c)
{
    const size_t n = c->args.words.n;
    struct applying a = {.c = c, .list = json_array()};
    struct flow_file *files = mem_array(n, sizeof(*files));

    int code = CLI_OK;

    if (c->remote && cli_has(&c->args, "dir"))
        code = cli_fail(CLI_USAGE, "--dir is a folder of this machine");
    if (code == CLI_OK)
        code = read_all(&a, files, n);
    if (code == CLI_OK)
        code = cli_open(c, &a.s);
    for (size_t i = 0; code == CLI_OK && i < n; i++)
        code = c->remote ? apply_there(&a, &files[i]) : apply(&a, &files[i]);
    /* Schedules that came or went: somebody must lead them. */
    if (code == CLI_OK && wants_engine(&a, files, n) && !engine_wake(c, &a.s))
        code = CLI_UNAVAILABLE;
    const int printed = print_list(&a);
    for (size_t i = 0; i < n; i++)
        flow_file_done(&files[i]);
    mem_free(files);
    json_decref(a.list);
    cli_close(&a.s);
    return code == CLI_OK ? printed : code;
}
