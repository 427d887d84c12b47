/* sessions.c - short credentials for who has shown a token or an API key: made here,
 * shown once, listed, ended. */
#include "rest/rest_priv.h"

/* --- made --- */

static int life_of(struct rest_call *c, int64_t *us, struct ff_err *err)
{
    const struct rest_settings *s = &c->rest->setup.settings;
    const int64_t usual_us =
        s->session_ttl < s->session_max ? s->session_ttl : s->session_max;

    *us = rest_int(c, "ttl_seconds", usual_us / UNITS_SECOND) * UNITS_SECOND;
    if (*us <= s->session_max)
        return FF_OK;
    return rest_fail(c, PROBLEM_INVALID, err,
                     "a session lives at most %lld seconds here (auth.token_ttl)",
                     (long long)(s->session_max / UNITS_SECOND));
}

/* No longer than the key or token that it is made with, where that is a key's: a token
 * is meant to be short, and is shown for this alone. */
static int64_t end_of(const struct rest_call *c, int64_t life_us)
{
    const int64_t at_us = c->now_us + life_us;
    const bool by_key = c->who.kind == PRINCIPAL_KEY;

    return by_key && c->who.expires_us != 0 && c->who.expires_us < at_us
               ? c->who.expires_us
               : at_us;
}

int rest_session_create(struct rest_call *c, struct ff_err *err)
{
    struct access_credential made = {0};
    struct jsonw w = {.out = &c->out};
    struct access_call call;
    char at[UNITS_TEXT];
    int64_t life_us;
    int code = life_of(c, &life_us, err);

    if (code != FF_OK)
        return code;

    const int64_t end_us = end_of(c, life_us);

    rest_access(c, &call);
    code = access_session_create(&call, end_us, c->here_only, &made, c->batch, err);
    if (code == FF_OK) {
        rest_set_location(c, "/sessions/%s", made.id);
        units_time_text(end_us, at);
        jsonw_open(&w, '{');
        jsonw_key(&w, "id");
        jsonw_text(&w, made.id);
        jsonw_key(&w, "credential");
        jsonw_text(&w, made.text);
        jsonw_key(&w, "expires_at");
        jsonw_text(&w, at);
        jsonw_close(&w, '}');
    }
    access_credential_wipe(&made);
    return code;
}

/* --- listed --- */

static int list_session(void *arg, const void *row)
{
    const struct session_row *session = row;
    struct rest_page *page = arg;
    const bool lives = session->expires_at > page->c->now_us;

    if (!rest_page_step(page, lives, session->id.s, session->id.len))
        return 1;
    if (!lives)
        return 0;
    jsonw_open(&page->w, '{');
    rest_add_row(&page->w, &shape_session, session);
    jsonw_close(&page->w, '}');
    return 0;
}

/* His own; of all of the tenant, for who may end them. */
int rest_sessions_list(struct rest_call *c, struct ff_err *err)
{
    const bool all = rest_ask_bool(c, "all");
    struct session_row like = {.tenant = c->who.tenant.no,
                               .subject = span_of(c->who.subject)};
    struct session_row after = like;
    struct store_query q = {.record = &record_session,
                            .index = all ? NULL : "session_subject",
                            .like = &like,
                            .n_equal = all ? 1 : 2};
    struct rest_page page;

    if (all && !access_may(&c->who, MAY_MEMBERS, c->scope))
        return rest_fail_denied(c, MAY_MEMBERS, err);

    int code = rest_page_begin(c, &page, err);

    if (code == FF_OK && page.after.len > 0) {
        after.id = (struct span){.s = page.after.data, .len = page.after.len};
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_session, &page, err);
    return rest_page_end(&page, code);
}

/* --- ended --- */

int rest_session_end(struct rest_call *c, struct ff_err *err)
{
    struct access_call call;

    rest_access(c, &call);
    const int code =
        access_session_end(&call, c->who.tenant, rest_path(c, "id"), c->batch, err);

    /* Not for one that is not there: all callers would be looked at again for nothing.
     * Who forgets stays so: this may be the second try of what the first one ended. */
    if (code == FF_OK)
        c->forgets = true;
    return code;
}
