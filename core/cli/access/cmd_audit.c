/* cmd_audit.c - `flowforge audit`: who did what, and whether that is still what was
 * written. */
#include "cli/access/access.h"
#include "cli/access/access_session.h"

#include <inttypes.h>
#include <string.h>

/* --- list --- */

static void add_detail(struct access_list *l, const struct audit_row *row)
{
    if (row->detail.s)
        cli_cell_span(&l->grid, CLI_DIM, row->detail);
    else
        cli_cell(&l->grid, CLI_DIM, "");
}

static int list_one(void *arg, const void *stored)
{
    const struct audit_row *row = stored;
    struct access_list *l = arg;
    const bool denied = row->decision == AUDIT_DENIED;

    cli_cell_f(&l->grid, "%" PRId64, row->no);
    access_list_time(l, row->at);
    cli_cell_span(&l->grid, CLI_BOLD, row->who);
    cli_cell_span(&l->grid, CLI_PLAIN, row->action);
    cli_cell_span(&l->grid, CLI_PLAIN, row->object);
    cli_cell(&l->grid, CLI_PLAIN, access_list_project(l, row->project));
    cli_cell(&l->grid, denied ? CLI_RED : CLI_PLAIN,
             audit_decision_names[denied ? AUDIT_DENIED : AUDIT_ALLOWED]);
    add_detail(l, row);
    access_list_json(l, &record_audit, row,
                     ~(COLUMN_BIT(COL_AUDIT_TENANT) | COLUMN_BIT(COL_AUDIT_VERSION) |
                       COLUMN_BIT(COL_AUDIT_PROJECT)),
                     row->project);
    return 0;
}

int cmd_audit_list(struct cli *c)
{
    static const char *const heads[] = {"ROW",      "TIME",   "WHO",
                                        "ACTION",   "OBJECT", "PROJECT",
                                        "DECISION", "DETAIL", NULL};
    struct access_session a = {0};
    struct access_list l;
    struct ff_err err = {0};
    int64_t limit;
    int64_t before;

    if (cli_number(&c->args, "limit", 20, 100000, &limit, &err) != FF_OK ||
        cli_number(&c->args, "before", 0, INT64_MAX, &before, &err) != FF_OK)
        return cli_fail_err(&err);

    const struct access_page page = {.before = before, .limit = (uint32_t)limit};
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        access_list_begin(&l, c, heads);
        code = access_list_projects(&l, &a, &err);
        if (code == FF_OK && limit > 0)
            code = access_audit(a.store, a.call.reader, a.where.tenant, &page, list_one,
                                &l, &err);
        code = access_list_end(&l, "no rows", code, &err);
    }
    access_close(&a);
    return code;
}

/* --- verify --- */

/* "12:HASH", as it was printed. */
static int read_kept(const struct cli *c, int64_t *no, const char **hash)
{
    const char *text = cli_get(&c->args, "seal");
    int len = 0;

    *no = 0;
    *hash = NULL;
    if (!text)
        return CLI_OK;
    if (sscanf(text, "%" SCNd64 ":%n", no, &len) != 1 || len == 0 || *no < 1 ||
        strlen(text + len) != SHA256_TEXT - 1)
        return cli_fail(
            CLI_USAGE,
            "--seal is what an earlier `audit verify` printed, NUMBER:HASH; "
            "not %.90s",
            text);
    *hash = text + len;
    return CLI_OK;
}

static void add_sentence(struct buf *out, const struct access_verdict *v)
{
    static const struct {
        const char *of, *what;
    } faults[] = {
        [AUDIT_SEAL_MISSING] = {"seal", "was deleted"},
        [AUDIT_SEAL_CHANGED] = {"seal", "or the one before it was changed"},
        [AUDIT_EDITED] = {"row", "was edited after it was sealed"},
        [AUDIT_DELETED] = {"row", "was deleted"},
        [AUDIT_INSERTED] = {"row", "was put in: no seal covers it"},
        [AUDIT_REORDERED] = {"row", "holds what another one held: row"},
        [AUDIT_CUT] = {"seal",
                       "is not the one that you kept: the log was cut off, or written "
                       "anew"},
    };

    if (v->fault == AUDIT_WHOLE) {
        buf_printf(out,
                   "%" PRId64 " rows and %" PRId64 " seals are as they were written",
                   v->n_rows, v->n_seals);
        return;
    }
    buf_printf(out, "%s %" PRId64 " %s", faults[v->fault].of, v->no,
               faults[v->fault].what);
    if (v->fault == AUDIT_REORDERED)
        buf_printf(out, " %" PRId64, v->other);
}

static void add_verdict_json(struct buf *out, const struct access_verdict *v,
                             const char *sentence)
{
    struct jsonw w = {.out = out};
    const bool whole = v->fault == AUDIT_WHOLE;

    jsonw_open(&w, '{');
    jsonw_key(&w, "verdict");
    jsonw_text(&w, audit_fault_names[v->fault]);
    if (!whole) {
        jsonw_key(&w, "no");
        jsonw_int(&w, v->no);
        jsonw_key(&w, "sentence");
        jsonw_text(&w, sentence);
    } else {
        jsonw_key(&w, "rows");
        jsonw_int(&w, v->n_rows);
        jsonw_key(&w, "unsealed");
        jsonw_int(&w, v->n_open);
        jsonw_key(&w, "seals");
        jsonw_int(&w, v->n_seals);
    }
    if (whole && v->head > 0) {
        char seal[SHA256_TEXT + 24];

        snprintf(seal, sizeof(seal), "%" PRId64 ":%s", v->head, v->head_hash);
        jsonw_key(&w, "seal");
        jsonw_text(&w, seal);
    }
    jsonw_close(&w, '}');
    buf_add_char(out, '\n');
}

static int print_verdict(const struct cli *c, const struct access_verdict *v)
{
    const bool whole = v->fault == AUDIT_WHOLE;
    struct buf sentence = {0};
    struct buf out = {0};
    int code;

    add_sentence(&sentence, v);
    if (c->json) {
        add_verdict_json(&out, v, buf_text(&sentence));
    } else if (whole) {
        buf_printf(&out, "%s\n", buf_text(&sentence));
        if (v->head > 0)
            buf_printf(&out, "seal %" PRId64 ":%s\n", v->head, v->head_hash);
    }
    code = cli_print(&out);
    if (whole && v->n_open > 0)
        cli_note(c, "%" PRId64 " rows are not sealed yet", v->n_open);
    if (!whole && code == CLI_OK)
        code = cli_fail(CLI_RUN_FAILED, "the audit log was changed: %s",
                        buf_text(&sentence));
    buf_done(&sentence);
    buf_done(&out);
    return code;
}

int cmd_audit_verify(struct cli *c)
{
    struct access_session a = {0};
    struct access_verdict v;
    struct ff_err err = {0};
    const char *hash;
    int64_t no;
    int code = read_kept(c, &no, &hash);

    if (code != CLI_OK)
        return code;
    code = access_open(c, &a);
    if (code == CLI_OK && access_verify(a.store, a.call.reader, a.where.tenant, no,
                                        hash, &v, &err) != FF_OK)
        code = cli_fail_err(&err);
    else if (code == CLI_OK)
        code = print_verdict(c, &v);
    access_close(&a);
    return code;
}
