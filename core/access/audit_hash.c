/* audit_hash.c - what rows and seals of the log are hashed as. Not as JSON, whose
 * writing may change: a log must be found whole by every later version, too. What is
 * null is left out, so that columns can be added. */
#include "access/access_priv.h"

const char audit_first_prev[SHA256_TEXT] =
    "0000000000000000000000000000000000000000000000000000000000000000";

static void add_number(struct buf *out, const char *name, int64_t number)
{
    if (number != MODEL_NULL)
        buf_printf(out, "%s=%lld\n", name, (long long)number);
}

/* With its length: no text can look like two. */
static void add_text(struct buf *out, const char *name, struct span text)
{
    if (!text.s)
        return;
    buf_printf(out, "%s=%zu:", name, text.len);
    buf_add(out, text.s, text.len);
    buf_add_char(out, '\n');
}

void audit_row_hash(const struct audit_row *row, char out[SHA256_TEXT])
{
    struct buf text = {0};

    buf_add_text(&text, "flowforge audit row 1\n");
    add_number(&text, "tenant", row->tenant);
    add_number(&text, "at", row->at);
    add_text(&text, "who", row->who);
    add_text(&text, "via", row->via);
    add_text(&text, "origin", row->origin);
    add_text(&text, "request", row->request);
    add_number(&text, "project", row->project);
    add_text(&text, "action", row->action);
    add_text(&text, "object", row->object);
    add_text(&text, "decision",
             span_of(audit_decision_names[row->decision == AUDIT_DENIED]));
    add_text(&text, "detail", row->detail);
    sha256_text(text.data, text.len, out);
    buf_done(&text);
}

void audit_seal_hash(const struct audit_seal_row *row, char out[SHA256_TEXT])
{
    struct buf text = {0};

    buf_add_text(&text, "flowforge audit seal 1\n");
    add_number(&text, "tenant", row->tenant);
    add_number(&text, "no", row->no);
    add_number(&text, "at", row->at);
    add_number(&text, "n", row->n);
    add_text(&text, "rows", row->rows);
    add_text(&text, "prev_hash", row->prev_hash);
    sha256_text(text.data, text.len, out);
    buf_done(&text);
}
