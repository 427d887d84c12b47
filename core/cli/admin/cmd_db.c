/* cmd_db.c - `flowforge db stats` and `flowforge migrate`: what the database takes, and
 * which version its tables have. */
#include "cli/admin/admin.h"
#include "cli/frame/frame.h"

#include <stdlib.h>
#include <string.h>

/* --- db stats --- */

struct part {
    char name[64];
    int64_t rows, bytes, index_bytes, unused_bytes, n_spans;
    bool about;
};

struct stats {
    struct ff_store_info info;
    struct part *items;
    size_t n, cap;
};

/* The name may be gone with the call. */
static int add_part(void *arg, const struct ff_store_part *part)
{
    struct stats *all = arg;
    struct part p = {.rows = part->rows,
                     .bytes = part->bytes,
                     .index_bytes = part->index_bytes,
                     .unused_bytes = part->unused_bytes,
                     .about = part->flags & FF_PART_ABOUT};

    if (part->struct_size >= sizeof(*part)) /* else of a driver that knows none */
        p.n_spans = part->n_spans;
    snprintf(p.name, sizeof(p.name), "%s", part->name);
    ARRAY_ADD(all, p);
    return 0;
}

static int largest_first(const void *a, const void *b)
{
    const struct part *x = a;
    const struct part *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* null: not known. */
static json_t *number(int64_t n)
{
    return n < 0 ? json_null() : json_integer(n);
}

static void add_json(const struct stats *all, const struct node_settings *keep,
                     struct buf *out)
{
    json_t *records = json_array();

    for (size_t i = 0; i < all->n; i++) {
        const struct part *p = &all->items[i];

        json_array_append_new(
            records,
            json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:I}", "record", p->name, "rows",
                      number(p->rows), "about", p->about, "bytes", number(p->bytes),
                      "index_bytes", number(p->index_bytes), "unused_bytes",
                      number(p->unused_bytes), "parts", (json_int_t)p->n_spans));
    }
    json_t *whole = json_pack(
        "{s:s, s:I, s:o, s:o, s:o, s:o, s:{s:I, s:I, s:I}}", "engine", all->info.engine,
        "schema_version", (json_int_t)all->info.schema_version, "schema_min_version",
        all->info.min_version ? json_integer(all->info.min_version) : json_null(),
        "bytes", number(all->info.bytes), "free_bytes", number(all->info.free_bytes),
        "records", records, "retention", "keep_seconds",
        (json_int_t)(keep->keep_us / UNITS_SECOND), "keep_runs",
        (json_int_t)keep->keep_runs, "keep_bytes", (json_int_t)keep->keep_bytes);
    json_add_to(out, whole);
    buf_add_char(out, '\n');
    json_decref(whole);
}

static void add_size(struct cli_grid *g, int64_t bytes)
{
    char text[UNITS_TEXT] = "-";

    if (bytes >= 0)
        units_size_text(bytes, text);
    cli_cell(g, CLI_PLAIN, text);
}

static void add_grid(const struct cli *c, const struct stats *all, struct buf *out)
{
    static const char *const heads[] = {"RECORD", "ROWS", "SIZE", "INDEXES", "UNUSED"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};

    for (size_t i = 0; !c->quiet && i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    for (size_t i = 0; i < all->n; i++) {
        const struct part *p = &all->items[i];

        if (p->n_spans > 0)
            cli_cell_f(&g, "%s in %lld parts", p->name, (long long)p->n_spans);
        else
            cli_cell(&g, CLI_BOLD, p->name);
        if (p->rows < 0)
            cli_cell(&g, CLI_PLAIN, "-");
        else
            cli_cell_f(&g, "%s%lld", p->about ? "~" : "", (long long)p->rows);
        add_size(&g, p->bytes);
        add_size(&g, p->index_bytes);
        add_size(&g, p->unused_bytes);
    }
    cli_grid_add_to(&g, out);
}

static void add_retention(const struct node_settings *keep, struct buf *out)
{
    char text[UNITS_TEXT];

    buf_add_text(out, "runs that are over are kept");
    if (keep->keep_us > 0) {
        units_duration_text(keep->keep_us, text);
        buf_printf(out, " for %s", text);
    }
    if (keep->keep_runs > 0)
        buf_printf(out, ", %lld of a tenant", (long long)keep->keep_runs);
    if (keep->keep_bytes > 0) {
        units_size_text(keep->keep_bytes, text);
        buf_printf(out, ", %s of files", text);
    }
    if (keep->keep_us == 0 && keep->keep_runs == 0 && keep->keep_bytes == 0)
        buf_add_text(out, " for ever");
    buf_add_text(out, ": engine.keep, keep_runs, keep_bytes\n");
}

static void add_text(const struct cli *c, const struct stats *all,
                     const struct node_settings *keep, struct buf *out)
{
    char bytes[UNITS_TEXT] = "?", free_bytes[UNITS_TEXT];

    add_grid(c, all, out);
    if (c->quiet)
        return;
    if (all->info.bytes >= 0)
        units_size_text(all->info.bytes, bytes);
    buf_printf(out, "\n%s, schema version %u", all->info.engine,
               all->info.schema_version);
    if (all->info.min_version)
        buf_printf(out, ", for programs of %u or above", all->info.min_version);
    buf_printf(out, ": %s", bytes);
    if (all->info.free_bytes >= 0) {
        units_size_text(all->info.free_bytes, free_bytes);
        buf_printf(out, ", of these %s free for rows to come", free_bytes);
    }
    buf_add_char(out, '\n');
    add_retention(keep, out);
}

static int show(const struct cli *c, const struct cli_session *s)
{
    struct stats all = {0};
    struct buf out = {0};
    struct ff_err err = {0};
    const int code = store_info(node_store(s->node), &all.info, add_part, &all, &err);

    if (code != FF_OK) {
        ARRAY_DONE(&all);
        return cli_fail_err(&err);
    }
    if (all.n > 0)
        qsort(all.items, all.n, sizeof(*all.items), largest_first);
    if (c->json)
        add_json(&all, node_settings(s->node), &out);
    else
        add_text(c, &all, node_settings(s->node), &out);
    ARRAY_DONE(&all);
    return cli_print(&out);
}

int cmd_db_stats(struct cli *c)
{
    struct cli_session s;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = show(c, &s);
    cli_close(&s);
    return code;
}

/* --- migrate --- */

static int look(struct cli *c, struct ff_store_info *info)
{
    struct cli_session s = {0};
    struct ff_err err = {0};
    int code = cli_load_config(c, &s.config);

    if (code != CLI_OK)
        return code;
    s.loop = loop_new(&err);
    if (!s.loop || node_look(s.loop, s.config, info, &err) != FF_OK)
        code = cli_fail_config(s.config, &err);
    cli_close(&s);
    return code;
}

/* Tables of a newer version may let this program use them: 0 is not known. */
static bool is_let_in(const struct ff_store_info *info)
{
    return info->min_version && info->min_version <= MODEL_SCHEMA_VERSION;
}

static int tell(const struct cli *c, const struct ff_store_info *before, uint32_t to)
{
    const uint32_t from = before->schema_version;
    struct buf out = {0};

    if (c->json)
        buf_printf(&out, "{\"from\":%u,\"to\":%u,\"program\":%d}\n", from, to,
                   MODEL_SCHEMA_VERSION);
    else if (from == to && to == 0)
        buf_add_text(&out, "there are no tables: `flowforge migrate` makes them\n");
    else if (from == to && to == MODEL_SCHEMA_VERSION)
        buf_printf(&out, "the tables have version %u, as this program\n", to);
    else if (from == to && to > MODEL_SCHEMA_VERSION)
        buf_printf(
            &out, "the tables have version %u, newer than %d of this program%s\n", to,
            MODEL_SCHEMA_VERSION, is_let_in(before) ? ", which may use them" : "");
    else if (from == to)
        buf_printf(&out,
                   "the tables have version %u, this program %d: `flowforge migrate` "
                   "brings them up\n",
                   to, MODEL_SCHEMA_VERSION);
    else if (from == 0)
        buf_printf(&out, "the tables are made, of version %u\n", to);
    else
        buf_printf(&out, "the tables are brought from version %u to %u\n", from, to);
    return cli_print(&out);
}

int cmd_migrate(struct cli *c)
{
    struct ff_store_info before = {0};
    struct cli_session s;
    int code = look(c, &before);

    if (code != CLI_OK)
        return code;
    if (cli_has(&c->args, "check")) {
        const bool right =
            before.schema_version == MODEL_SCHEMA_VERSION ||
            (before.schema_version > MODEL_SCHEMA_VERSION && is_let_in(&before));

        code = tell(c, &before, before.schema_version);
        return code == CLI_OK && !right ? CLI_RUN_FAILED : code;
    }
    code = cli_open(c, &s); /* which does it, or says why it cannot be done */
    if (code == CLI_OK)
        code =
            tell(c, &before,
                 before.schema_version > MODEL_SCHEMA_VERSION ? before.schema_version
                                                              : MODEL_SCHEMA_VERSION);
    cli_close(&s);
    return code;
}
