/* cmd_validate.c - checks workflow files and those of their tests, and prints the
 * schema that editors use. */
#include "cli/author/author.h"
#include "cli/author/test_file.h"

static int report_text(const struct flow_file *f, struct buf *out)
{
    if (f->flow)
        buf_printf(out, "%s: ok (%s, %u task%s)\n", f->path, f->flow->name,
                   f->flow->n_tasks, f->flow->n_tasks == 1 ? "" : "s");
    else
        flow_file_add_problems(f->path, &f->problems, out);
    return f->flow ? CLI_OK : CLI_INVALID;
}

static void report_json(const struct flow_file *f, json_t *files)
{
    json_t *one = json_pack("{s:s, s:b}", "file", f->path, "valid", f->flow != NULL);

    if (f->flow)
        json_object_update_new(
            one, json_pack("{s:s, s:i, s:s}", "workflow", f->flow->name, "tasks",
                           (int)f->flow->n_tasks, "hash", f->flow->hash));
    json_object_set_new(one, "problems", flow_file_problems_json(&f->problems));
    if (f->problems.n_more > 0)
        json_object_set_new(one, "more", json_integer((json_int_t)f->problems.n_more));
    json_array_append_new(files, one);
}

static int validate_tests(const struct cli *c, const char *path, struct buf *out,
                          json_t *files)
{
    struct buf why = {0};
    size_t n_cases;
    const bool good = test_file_check(path, &n_cases, &why);

    if (c->json)
        json_array_append_new(
            files, json_pack("{s:s, s:b, s:I, s:s}", "file", path, "valid", good,
                             "cases", (json_int_t)n_cases, "why", buf_text(&why)));
    else if (!good)
        buf_printf(out, "%s: %s", path, buf_text(&why));
    else if (!c->quiet)
        buf_printf(out, "%s: ok (%zu test%s)\n", path, n_cases,
                   n_cases == 1 ? "" : "s");
    buf_done(&why);
    return good ? CLI_OK : CLI_INVALID;
}

/* Whether what it needs from around it is there, and fits. */
static int check_around(struct flow_file *f)
{
    int code;
    MEM_AUTO char *dir = flow_file_dir(f->path, NULL, &code);

    if (code != CLI_OK)
        return code;
    node_check_uses(f->flow, dir, &f->problems);
    node_check_machine(f->flow, dir, &f->problems);
    if (f->problems.n == 0)
        return CLI_OK;
    flow_unref(f->flow);
    f->flow = NULL;
    return CLI_INVALID;
}

static int validate(const struct cli *c, const char *path, struct buf *out,
                    json_t *files)
{
    struct flow_file f;

    if (test_file_is(path))
        return validate_tests(c, path, out, files);
    int code = flow_file_read(&f, path);
    if (code == CLI_OK)
        code = check_around(&f);
    if (code == CLI_OK || code == CLI_INVALID) {
        if (c->json)
            report_json(&f, files);
        else if (!c->quiet || code != CLI_OK)
            report_text(&f, out);
    }
    flow_file_done(&f);
    return code;
}

/* The worst code of all files; the rest is checked even if one cannot be read. */
int cmd_validate(struct cli *c)
{
    json_t *files = json_array();
    struct buf out = {0};
    int worst = CLI_OK;

    for (size_t i = 0; i < c->args.words.n; i++) {
        const int code = validate(c, c->args.words.items[i], &out, files);
        if (code > worst)
            worst = code;
    }
    if (c->json) {
        json_add_to(&out, files);
        buf_add_char(&out, '\n');
    }
    json_decref(files);
    const int printed = cli_print(&out);
    return worst != CLI_OK ? worst : printed;
}

int cmd_schema(struct cli *c)
{
    struct buf out = {0};
    json_t *schema = flow_schema();
    char *text = json_dumps(schema, c->json ? JSON_COMPACT : JSON_INDENT(2));

    buf_add_text(&out, text ? text : "{}");
    buf_add_char(&out, '\n');
    mem_free(text);
    json_decref(schema);
    return cli_print(&out);
}
