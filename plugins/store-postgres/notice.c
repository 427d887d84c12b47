/* store-postgres/notice.c - tells other processes that a record was changed: in the
 * commit that changes it, and only when somebody watches that record, because NOTIFY
 * makes commits wait for each other. */
#include "postgres.h"

#include <string.h>

int pg_notice_statement(struct pg_session *s, struct ff_err *err)
{
    if (s->notice.number)
        return FF_OK;
    pg_addf(&s->notice.sql, "SELECT pg_notify($1::text, record) FROM ");
    pg_sql_table_name(&s->notice.sql, s->config->schema, "_watch");
    pg_addf(&s->notice.sql, " WHERE record = ANY ($2::text[])");
    if (s->notice.sql.failed) {
        pg_text_done(&s->notice.sql);
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    }
    pg_statement_name(s, &s->notice);
    return FF_OK;
}

static size_t count_changed(const struct pg_plan *plan)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_records; i++)
        n += plan->records[i].is_changed;
    return n;
}

static void add_names(struct pg_session *s, size_t n)
{
    static const struct ff_column name = {.type = FF_TEXT};

    pg_add_array_head(&s->buffer, FF_TEXT, n);
    for (size_t i = 0; i < s->plan->n_records; i++) {
        const struct pg_record_state *state = &s->plan->records[i];
        const struct ff_value value = {.type = FF_TEXT,
                                       .s = state->record->name,
                                       .len = strlen(state->record->name)};

        if (state->is_changed)
            pg_add_element(&s->buffer, &name, &value);
    }
}

int pg_send_notice(struct pg_session *s, bool *sent, struct ff_err *err)
{
    const size_t n = count_changed(s->plan);
    char channel[PG_CHANNEL];
    struct pg_params p;
    int code;

    *sent = n > 0;
    if (n == 0)
        return FF_OK;
    pg_channel(s->config, channel);
    pg_params_begin(s, &p);
    pg_param_text(s, &p, channel);
    pg_param_next(s, &p);
    add_names(s, n);
    code = pg_params_end(s, &p, err);
    return code == FF_OK ? pg_send_statement(s, &s->notice, &p, err) : code;
}
