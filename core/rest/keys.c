/* keys.c - API keys: made here, their credentials are shown once. */
#include "rest/rest_priv.h"

#include <string.h>

#define USUAL_LIFE_US (INT64_C(90) * 86400 * UNITS_SECOND)

struct listing {
    struct rest_page page;
    json_t *names; /* of projects */
};

static int list_key(void *arg, const void *row)
{
    const struct api_key_row *key = row;
    struct listing *l = arg;

    if (!rest_page_step(&l->page, true, key->id.s, key->id.len))
        return 1;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_key, key);
    rest_add_project(&l->page.w, l->names, key->project);
    jsonw_close(&l->page.w, '}');
    return 0;
}

int rest_keys_list(struct rest_call *c, struct ff_err *err)
{
    struct api_key_row after = {.tenant = c->scope.tenant.no};
    struct store_query q = {.record = &record_api_key, .like = &after, .n_equal = 1};
    struct listing l = {.names = rest_project_names(c, err)};

    if (!l.names)
        return err->code;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK && l.page.after.len > 0) {
        after.id = (struct span){.s = l.page.after.data, .len = l.page.after.len};
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_key, &l, err);
    json_decref(l.names);
    return rest_page_end(&l.page, code);
}

/* --- one --- */

struct one {
    struct rest_call *c;
    json_t *names;
    bool found;
};

static int take_key(void *arg, const void *row)
{
    const struct api_key_row *key = row;
    struct one *one = arg;
    struct jsonw w = {.out = &one->c->out};

    jsonw_open(&w, '{');
    rest_add_row(&w, &shape_key, key);
    rest_add_project(&w, one->names, key->project);
    jsonw_close(&w, '}');
    one->found = true;
    return 1;
}

static int fail_missing(struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no such API key");
}

int rest_key_get(struct rest_call *c, struct ff_err *err)
{
    const struct api_key_row like = {.tenant = c->scope.tenant.no,
                                     .id = span_of(rest_path(c, "id"))};
    const struct store_query q = {
        .record = &record_api_key, .like = &like, .n_equal = 2, .limit = 1};
    struct one one = {.c = c, .names = rest_project_names(c, err)};

    if (!one.names)
        return err->code;

    const int code = store_scan(c->store, c->reader, &q, take_key, &one, err);

    json_decref(one.names);
    return code != FF_OK || one.found ? code : fail_missing(err);
}

/* --- made and revoked --- */

/* Which it is valid until: as given, or for the usual time, or as long as may be;
 * MODEL_NULL: for ever. */
static int64_t end_of(const struct rest_call *c, const struct access_call *call)
{
    const char *given = rest_text(c, "expires_at");
    const int64_t latest = access_key_latest(call);
    int64_t at_us = c->now_us + USUAL_LIFE_US;

    if (rest_bool(c, "never_expires"))
        return MODEL_NULL;
    if (given)
        units_time(given, &at_us);
    else if (at_us > latest)
        at_us = latest;
    return at_us;
}

static void add_made(struct buf *out, const struct access_credential *made,
                     int64_t expires_at)
{
    struct jsonw w = {.out = out};
    char end[UNITS_TEXT];

    jsonw_open(&w, '{');
    jsonw_key(&w, "id");
    jsonw_text(&w, made->id);
    jsonw_key(&w, "credential");
    jsonw_text(&w, made->text);
    if (expires_at != MODEL_NULL) {
        units_time_text(expires_at, end);
        jsonw_key(&w, "expires_at");
        jsonw_text(&w, end);
    }
    jsonw_close(&w, '}');
}

int rest_key_create(struct rest_call *c, struct ff_err *err)
{
    struct access_new_key want = {.name = rest_text(c, "name"),
                                  .role = access_role(rest_text(c, "role")),
                                  .where = c->scope};
    struct access_credential made = {0};
    struct access_call call;
    int code = rest_find_project(c, rest_text(c, "project"), &want.where.project, err);

    if (code == FF_OK && rest_bool(c, "never_expires") && rest_text(c, "expires_at"))
        code = rest_fail(c, PROBLEM_INVALID, err,
                         "never_expires and expires_at exclude each other");
    if (code != FF_OK)
        return code;
    rest_access(c, &call);
    want.expires_at = end_of(c, &call);
    code = access_key_create(&call, &want, &made, c->batch, err);
    if (code == FF_OK) {
        rest_set_location(c, "/keys/%s", made.id);
        add_made(&c->out, &made, want.expires_at);
    }
    access_credential_wipe(&made);
    return code;
}

/* What is no id of a key, as a whole credential is not, is no key either; it is not
 * repeated. */
int rest_key_revoke(struct rest_call *c, struct ff_err *err)
{
    struct access_call call;

    rest_access(c, &call);

    int code =
        access_key_revoke(&call, c->scope.tenant, rest_path(c, "id"), c->batch, err);

    if (code == FF_INVALID || code == FF_NOT_FOUND)
        code = fail_missing(err);
    c->forgets = true;
    return code;
}
