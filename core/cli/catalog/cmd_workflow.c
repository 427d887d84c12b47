/* cmd_workflow.c - the workflows that are known by name: which there are, their
 * versions and labels. */
#include "cli/catalog/catalog.h"
#include "cli/catalog/project_names.h"
#include "cli/frame/frame.h"
#include "cli/remote/remote.h"
#include "flow/flow.h"

#define HASH_SHOWN 12

struct labels {
    struct {
        struct workflow_label_row *items;
        size_t n, cap;
    } rows;
    struct arena arena;
};

struct showing {
    struct cli *c;
    struct cli_session s;
    struct labels labels;
    struct project_names projects; /* of list alone */
    struct cli_grid grid;
    json_t *list;
    struct workflow_version_row newest; /* of the name being walked over */
    int64_t n_versions;
    struct arena arena;
};

static int add_label(void *arg, const void *row)
{
    struct labels *l = arg;
    struct workflow_label_row label = *(const struct workflow_label_row *)row;

    store_own_row(&record_workflow_label, &label, &l->arena);
    ARRAY_ADD(&l->rows, label);
    return 0;
}

/* Of one name, or of all. */
static int read_labels(struct showing *sh, const char *name)
{
    const struct workflow_label_row like = {.tenant = TENANT_DEFAULT.no,
                                            .name = span_of(name)};
    const struct store_query query = {
        .record = &record_workflow_label, .like = &like, .n_equal = name ? 2 : 1};
    struct ff_err err = {0};

    if (store_scan(node_store(sh->s.node), STORE_READER_CALLER, &query, add_label,
                   &sh->labels, &err) != FF_OK)
        return cli_fail_err(&err);
    return CLI_OK;
}

/* The words that stand for this text, as a list. */
static json_t *labels_of(const struct showing *sh, struct span name, struct span hash)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sh->labels.rows.n; i++) {
        const struct workflow_label_row *row = &sh->labels.rows.items[i];
        if (span_eq(row->name, name) && span_eq(row->hash, hash))
            json_array_append_new(list, json_stringn(row->label.s, row->label.len));
    }
    return list;
}

static void cell_labels(struct showing *sh, struct span name, struct span hash)
{
    json_t *list = labels_of(sh, name, hash);
    struct buf text = {0};
    json_t *label;
    size_t i;

    json_array_foreach(list, i, label)
        buf_printf(&text, "%s%s", i > 0 ? " " : "", json_string_value(label));
    cli_cell(&sh->grid, CLI_PLAIN, buf_text(&text));
    buf_done(&text);
    json_decref(list);
}

static void show(struct showing *sh, const struct workflow_version_row *row, bool brief)
{
    char at[UNITS_TEXT];

    if (sh->c->json) {
        units_time_text(row->created_at, at);
        json_t *one = json_pack("{s:s%, s:I, s:s%, s:o, s:s}", "workflow", row->name.s,
                                row->name.len, "number", (json_int_t)row->number,
                                "hash", row->hash.s, row->hash.len, "labels",
                                labels_of(sh, row->name, row->hash), "created_at", at);
        if (row->dir.s)
            json_object_set_new(one, "dir", json_stringn(row->dir.s, row->dir.len));
        if (brief)
            json_object_set_new(one, "versions", json_integer(sh->n_versions));
        if (brief)
            json_object_set_new(
                one, "project",
                json_string(project_names_of(&sh->projects, row->project)));
        json_array_append_new(sh->list, one);
        return;
    }
    cli_time_text(row->created_at, at);
    if (brief)
        cli_cell_span(&sh->grid, CLI_BOLD, row->name);
    cli_cell_f(&sh->grid, "%lld", (long long)row->number);
    cli_cell_f(&sh->grid, "%.*s", HASH_SHOWN, row->hash.s);
    cell_labels(sh, row->name, row->hash);
    cli_cell(&sh->grid, CLI_PLAIN, at);
    if (brief && sh->projects.several)
        cli_cell(&sh->grid, CLI_PLAIN, project_names_of(&sh->projects, row->project));
}

static void begin(struct showing *sh, const char *const *heads, uint32_t n)
{
    sh->list = json_array();
    sh->grid = (struct cli_grid){.n_columns = n, .colour = sh->c->colour};
    for (uint32_t i = 0; !sh->c->quiet && i < n; i++)
        cli_cell(&sh->grid, CLI_DIM, heads[i]);
}

static int print(struct showing *sh)
{
    struct buf out = {0};

    cli_grid_add_to(&sh->grid, &out);
    if (sh->c->json) {
        buf_clear(&out);
        json_add_to(&out, sh->list);
        buf_add_char(&out, '\n');
    } else if (json_array_size(sh->list) == 0 && out.len == 0) {
        cli_note(sh->c, "no workflows");
    }
    return cli_print(&out);
}

static void done(struct showing *sh)
{
    json_decref(sh->list);
    project_names_done(&sh->projects);
    ARRAY_DONE(&sh->labels.rows);
    arena_done(&sh->labels.arena);
    arena_done(&sh->arena);
    cli_close(&sh->s);
}

/* --- list --- */

static void end_of_name(struct showing *sh)
{
    if (sh->n_versions > 0 && project_names_wants(&sh->projects, sh->newest.project))
        show(sh, &sh->newest, true);
    sh->n_versions = 0;
}

/* Rows come by name and number: the last of a name is its newest. */
static int list_one(void *arg, const void *row)
{
    struct showing *sh = arg;
    const struct workflow_version_row *version = row;

    if (sh->n_versions > 0 && !span_eq(sh->newest.name, version->name))
        end_of_name(sh);
    sh->n_versions++;
    arena_reset(&sh->arena);
    sh->newest = *version;
    store_own_row(&record_workflow_version, &sh->newest, &sh->arena);
    return 0;
}

int cmd_workflow_list(struct cli *c)
{
    static const char *const heads[] = {"WORKFLOW", "VERSION", "HASH",
                                        "LABELS",   "APPLIED", "PROJECT"};
    const struct workflow_version_row like = {.tenant = TENANT_DEFAULT.no};
    const struct store_query query = {
        .record = &record_workflow_version, .like = &like, .n_equal = 1};
    struct showing sh = {.c = c};
    struct ff_err err = {0};

    int code = cli_open(c, &sh.s);
    if (code == CLI_OK)
        code = project_names_open(&sh.projects, c, &sh.s);
    if (code == CLI_OK)
        code = read_labels(&sh, NULL);
    begin(&sh, heads, COUNT_OF(heads) - !sh.projects.several);
    if (code == CLI_OK && store_scan(node_store(sh.s.node), STORE_READER_CALLER, &query,
                                     list_one, &sh, &err) != FF_OK)
        code = cli_fail_err(&err);
    end_of_name(&sh);
    const int printed = print(&sh);
    done(&sh);
    return code == CLI_OK ? printed : code;
}

/* --- versions --- */

static int show_one(void *arg, const void *row)
{
    struct showing *sh = arg;

    sh->n_versions++;
    show(sh, row, false);
    return 0;
}

/* Fails with what there is instead. */
static int find(struct showing *sh, const char *word, struct workflow_version_row *row)
{
    struct ff_err err = {0};

    if (node_workflow_find(sh->s.node, STORE_READER_CALLER, TENANT_DEFAULT, word,
                           &sh->arena, row, &err) != FF_OK)
        return cli_fail_err(&err);
    return CLI_OK;
}

int cmd_workflow_versions(struct cli *c)
{
    static const char *const heads[] = {"VERSION", "HASH", "LABELS", "APPLIED"};
    const char *name = c->args.words.items[0];
    const struct workflow_version_row like = {.tenant = TENANT_DEFAULT.no,
                                              .name = span_of(name)};
    const struct store_query query = {.record = &record_workflow_version,
                                      .like = &like,
                                      .n_equal = 2,
                                      .descending = true};
    struct workflow_version_row newest;
    struct showing sh = {.c = c};
    struct ff_err err = {0};

    int code = cli_open(c, &sh.s);
    if (code == CLI_OK)
        code = find(&sh, name, &newest);
    if (code == CLI_OK)
        code = read_labels(&sh, name);
    if (code == CLI_OK) {
        begin(&sh, heads, COUNT_OF(heads));
        if (store_scan(node_store(sh.s.node), STORE_READER_CALLER, &query, show_one,
                       &sh, &err) != FF_OK)
            code = cli_fail_err(&err);
        const int printed = print(&sh);
        code = code == CLI_OK ? printed : code;
    }
    done(&sh);
    return code;
}

/* --- get --- */

int cmd_workflow_get(struct cli *c)
{
    struct workflow_version_row version;
    struct workflow_row row;
    struct showing sh = {.c = c};
    struct ff_err err = {0};
    struct buf out = {0};

    int code = cli_open(c, &sh.s);
    if (code == CLI_OK)
        code = find(&sh, c->args.words.items[0], &version);
    if (code == CLI_OK &&
        store_workflow(node_store(sh.s.node), STORE_READER_CALLER, TENANT_DEFAULT,
                       version.hash, &sh.arena, &row, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code == CLI_OK && c->json) {
        code = read_labels(&sh, c->args.words.items[0]);
        sh.list = json_array();
        show(&sh, &version, false);
        json_t *one = json_array_get(sh.list, 0);
        json_object_set_new(one, "source", json_stringn(row.source.s, row.source.len));
        json_add_to(&out, one);
        buf_add_char(&out, '\n');
    } else if (code == CLI_OK) {
        buf_add(&out, row.source.s, row.source.len);
    }
    const int printed = cli_print(&out);
    done(&sh);
    return code == CLI_OK ? printed : code;
}

/* --- label and delete --- */

/* What had the label before is read before. */
static int label_there(const struct cli_session *s, const char *const *words,
                       struct arena *arena, struct span *from)
{
    MEM_AUTO char *path =
        remote_path("workflows", words[0], "labels", words[1], (char *)NULL);
    struct workflow_version_row before;
    struct ff_err ignored;
    struct buf word = {0};

    buf_printf(&word, "%s@%s", words[0], words[1]);
    if (node_workflow_find(s->node, STORE_READER_CALLER, TENANT_DEFAULT,
                           buf_text(&word), arena, &before, &ignored) == FF_OK)
        *from = before.hash;
    buf_done(&word);
    return remote_tell(s->remote, "PUT", path, json_pack("{ss}", "hash", words[2]),
                       NULL);
}

int cmd_workflow_label(struct cli *c)
{
    const char *const *words = c->args.words.items;
    struct cli_session s;
    struct arena arena = {0};
    struct span from = {0};
    struct ff_err err = {0};

    int code = cli_open(c, &s);
    if (code == CLI_OK && s.remote)
        code = label_there(&s, words, &arena, &from);
    else if (code == CLI_OK &&
             node_workflow_label(s.node, TENANT_DEFAULT,
                                 &(struct node_label){words[0], words[1], words[2]},
                                 &arena, &from, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code == CLI_OK && from.s)
        cli_note(c, "%s@%s was %.*s", words[0], words[1], HASH_SHOWN, from.s);
    arena_done(&arena);
    cli_close(&s);
    return code;
}

int cmd_workflow_delete(struct cli *c)
{
    const char *name = c->args.words.items[0];
    MEM_AUTO char *path = remote_path("workflows", name, (char *)NULL);
    struct cli_session s;
    struct ff_err err = {0};

    int code = cli_open(c, &s);
    if (code == CLI_OK && s.remote)
        code = remote_tell(s.remote, "DELETE", path, NULL, NULL);
    else if (code == CLI_OK &&
             node_workflow_delete(s.node, TENANT_DEFAULT, name, &err) != FF_OK)
        code = cli_fail_err(&err);
    cli_close(&s);
    return code;
}
