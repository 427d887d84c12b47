/* cmd_import.c - workflows of other systems as workflows of ours. */
#include "cli/author/author.h"
#include "cli/read/flow_file.h"
#include "import/import.h"

#include <errno.h>
#include <string.h>

static bool is_known(const char *system)
{
    for (const char *const *s = import_systems; *s; s++)
        if (strcmp(*s, system) == 0)
            return true;
    return false;
}

static int refuse_system(const char *system)
{
    const char *near = text_nearest(system, import_systems);

    return cli_fail(CLI_USAGE,
                    "there is no importer for %.40s%s%s%s; there are argo, "
                    "actions, dagu and conductor",
                    system, near ? ": did you mean " : "", near ? near : "",
                    near ? "?" : "");
}

/* The file's name without folder and ending. */
static char *name_of(const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(base, '.');

    if (strcmp(base, "-") == 0)
        return mem_text("imported");
    return mem_text_len(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* --- the report --- */

static json_t *report_json(const char *path, const struct import_report *report,
                           const char *workflow)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->n; i++) {
        const struct import_remark *r = &report->items[i];
        json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:s}", "grade",
                                              import_grade_names[r->grade], "line",
                                              r->line, "what", r->what, "why", r->why));
    }
    return json_pack("{s:s, s:i, s:i, s:i, s:o, s:s?}", "file", path, "imported",
                     (int)report->counts[IMPORT_DONE], "approximated",
                     (int)report->counts[IMPORT_APPROXIMATED], "refused",
                     (int)report->counts[IMPORT_REFUSED], "remarks", list, "workflow",
                     workflow);
}

static void print_report(const struct cli *c, const char *path,
                         const struct import_report *report)
{
    struct buf out = {0};

    for (size_t i = 0; i < report->n; i++) {
        const struct import_remark *r = &report->items[i];
        if (r->grade == IMPORT_DONE)
            continue;
        buf_printf(&out, "%s:%d: %s ", path, r->line, import_grade_names[r->grade]);
        cli_add_clean(&out, r->what, strlen(r->what));
        buf_add_text(&out, ": ");
        cli_add_clean(&out, r->why, strlen(r->why));
        buf_add_char(&out, '\n');
    }
    buf_printf(&out, "imported %zu, approximated %zu, refused %zu\n",
               report->counts[IMPORT_DONE], report->counts[IMPORT_APPROXIMATED],
               report->counts[IMPORT_REFUSED]);
    if (!c->quiet)
        fputs(buf_text(&out), stderr);
    buf_done(&out);
}

/* --- the result --- */

static int put(const struct cli *c, const char *path, const struct buf *made,
               const struct import_report *report)
{
    const char *to = cli_get(&c->args, "to");
    struct buf out = {0};

    if (to) {
        const int code = file_write_durable(to, buf_text(made), made->len, 0644);
        if (code < 0)
            return cli_fail(code == -EACCES ? CLI_DENIED : CLI_IO, "%s: %s", to,
                            strerror(-code));
    }
    if (c->json) {
        json_t *json = report_json(path, report, to ? NULL : buf_text(made));
        json_add_to(&out, json);
        json_decref(json);
        buf_add_char(&out, '\n');
    } else if (!to) {
        buf_add(&out, buf_text(made), made->len);
    }
    return cli_print(&out);
}

int cmd_import(struct cli *c)
{
    const char *system = c->args.words.items[0];
    const char *path = c->args.words.items[1];
    MEM_AUTO char *name = name_of(path);
    struct import_report report = {0};
    struct flow_file f;
    struct buf made = {.max = FLOW_MAX_BYTES};
    struct ff_err err = {0};

    if (!is_known(system))
        return refuse_system(system);
    int code = flow_file_load(&f, path);
    if (code == CLI_OK) {
        const int rc = import_workflow(system, name, buf_text(&f.source), f.source.len,
                                       &made, &report, &err);
        if (rc != FF_OK)
            code = cli_fail(CLI_INVALID, "%s: %s", path, err.msg);
        else
            code = put(c, path, &made, &report);
        if (!c->json && (code == CLI_OK || report.n > 0))
            print_report(c, path, &report);
    }
    import_report_done(&report);
    buf_done(&made);
    flow_file_done(&f);
    return code;
}
