/* cmd_lint.c - advice about workflow files, and the table of rules. */
#include "author/author.h"
#include "cli/author/author.h"
#include "cli/read/flow_file.h"

#include <string.h>

struct lint_call {
    struct cli *c;
    bool fix;
    struct {
        struct author_findings *items; /* one for each file */
        size_t n, cap;
    } found;
    struct {
        struct author_linted *items;
        size_t n, cap;
    } files;
    struct buf out;
    json_t *json;
    int worst;
};

/* --- rules --- */

static json_t *rules_json(void)
{
    json_t *list = json_array();

    for (const struct author_rule *rule = author_rules; rule->id; rule++)
        json_array_append_new(
            list, json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "id", rule->id,
                            "severity", author_severity_names[rule->severity], "name",
                            rule->name, "title", rule->title, "why", rule->why, "bad",
                            rule->bad, "good", rule->good, "fixes", rule->fixes));
    return list;
}

static int print_rules(struct cli *c)
{
    struct cli_grid grid = {.n_columns = 4, .colour = c->colour};
    struct buf out = {0};

    if (c->json) {
        json_t *rules = rules_json();
        json_add_to(&out, rules);
        json_decref(rules);
        buf_add_char(&out, '\n');
        return cli_print(&out);
    }
    for (const struct author_rule *rule = author_rules; rule->id; rule++) {
        cli_cell_f(&grid, "FF%d", rule->id);
        cli_cell(&grid, CLI_PLAIN, author_severity_names[rule->severity]);
        cli_cell(&grid, CLI_PLAIN, rule->fixes ? "fix" : "");
        cli_cell(&grid, CLI_PLAIN, rule->title);
    }
    cli_grid_add_to(&grid, &out);
    return cli_print(&out);
}

/* --- one file --- */

static void add_text(struct lint_call *l, const char *path,
                     const struct author_findings *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct author_finding *f = &found->items[i];
        buf_printf(&l->out, "%s:%d:%d: %s FF%d: ", path, f->line, f->column,
                   author_severity_names[f->rule->severity], f->rule->id);
        cli_add_clean(&l->out, f->msg, strlen(f->msg));
        buf_add_text(&l->out, f->fixed         ? " [mended]\n"
                              : f->rule->fixes ? " [--fix mends it]\n"
                                               : "\n");
    }
}

static void add_json(struct lint_call *l, const char *path,
                     const struct author_findings *found)
{
    json_t *list = json_array();

    for (size_t i = 0; i < found->n; i++) {
        const struct author_finding *f = &found->items[i];
        char id[16];
        snprintf(id, sizeof(id), "FF%d", f->rule->id);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:i, s:i, s:s, s:b}", "rule", id, "severity",
                            author_severity_names[f->rule->severity], "line", f->line,
                            "column", f->column, "message", f->msg, "fixed", f->fixed));
    }
    json_array_append_new(l->json,
                          json_pack("{s:s, s:o}", "file", path, "findings", list));
}

static bool is_serious(const struct author_findings *found)
{
    for (size_t i = 0; i < found->n; i++)
        if (found->items[i].rule->severity != AUTHOR_NOTE && !found->items[i].fixed)
            return true;
    return false;
}

static int lint_file(struct lint_call *l, const char *path,
                     struct author_findings *found)
{
    struct flow_problems problems = {0};
    struct flow_file f;
    struct buf fixed = {.max = FLOW_MAX_BYTES};
    struct ff_err err = {0};
    int code = flow_file_load(&f, path);

    if (code == CLI_OK) {
        const int rc = author_lint(buf_text(&f.source), f.source.len, found,
                                   l->fix ? &fixed : NULL, &problems, &err);
        if (problems.n > 0) {
            struct buf said = {0};
            flow_file_add_problems(path, &problems, &said);
            fputs(buf_text(&said), stderr);
            buf_done(&said);
            code = CLI_INVALID;
        } else if (rc != FF_OK) {
            code = cli_fail(rc == FF_INTERNAL ? CLI_INTERNAL : CLI_INVALID, "%s: %s",
                            path, err.msg);
        } else if (fixed.len > 0) {
            code = flow_file_write(path, &fixed);
        }
    }
    flow_problems_done(&problems);
    buf_done(&fixed);
    flow_file_done(&f);
    return code;
}

static void lint_one(struct lint_call *l, const char *path, bool sarif)
{
    struct author_findings found = {0};
    const struct author_linted linted = {.path = path};
    int code = lint_file(l, path, &found);

    if (code == CLI_OK && is_serious(&found))
        code = CLI_INVALID;
    if (code > l->worst)
        l->worst = code;
    if (l->json)
        add_json(l, path, &found);
    else if (!sarif)
        add_text(l, path, &found);
    ARRAY_ADD(&l->found, found);
    ARRAY_ADD(&l->files, linted);
}

static void add_sarif(struct lint_call *l)
{
    for (size_t i = 0; i < l->files.n; i++)
        l->files.items[i].found = &l->found.items[i];
    json_t *all = author_sarif(l->files.items, l->files.n, FLOWFORGE_VERSION);
    char *text = json_dumps(all, JSON_INDENT(2));

    buf_add_text(&l->out, text);
    buf_add_char(&l->out, '\n');
    mem_free(text);
    json_decref(all);
}

int cmd_lint(struct cli *c)
{
    const char *output = cli_get(&c->args, "output");
    const bool sarif = output && strcmp(output, "sarif") == 0;
    struct lint_call l = {.c = c, .fix = cli_has(&c->args, "fix")};

    if (cli_has(&c->args, "rules"))
        return print_rules(c);
    if (c->args.words.n == 0)
        return cli_fail(CLI_USAGE, "something is missing for `lint`: flowforge lint "
                                   "FILE..., or flowforge lint --rules");
    if (c->json)
        l.json = json_array();
    for (size_t i = 0; i < c->args.words.n; i++)
        lint_one(&l, c->args.words.items[i], sarif);
    if (sarif)
        add_sarif(&l);
    if (l.json) {
        json_add_to(&l.out, l.json);
        buf_add_char(&l.out, '\n');
    }
    json_decref(l.json);
    for (size_t i = 0; i < l.found.n; i++)
        author_findings_done(&l.found.items[i]);
    ARRAY_DONE(&l.found);
    ARRAY_DONE(&l.files);
    const int printed = cli_print(&l.out);
    return l.worst != CLI_OK ? l.worst : printed;
}
