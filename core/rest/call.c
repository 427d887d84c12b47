/* call.c - what handlers use: what the request says, and parts of the answer. */
#include "rest/rest_priv.h"

#include <string.h>

struct rest_name rest_name(const struct rest *r, const char *bytes, size_t len)
{
    return (struct rest_name){
        {sip_hash(&r->keys[0], bytes, len), sip_hash(&r->keys[1], bytes, len)}};
}

/* --- what the request says --- */

const char *rest_path(const struct rest_call *c, const char *name)
{
    const char *value = http_param(c->request, name);

    return value ? value : "";
}

const char *rest_ask(const struct rest_call *c, const char *name)
{
    return http_query(c->request, name);
}

int64_t rest_ask_int(const struct rest_call *c, const char *name, int64_t other)
{
    const char *value = http_query(c->request, name);

    return value ? strtoll(value, NULL, 10) : other;
}

bool rest_ask_bool(const struct rest_call *c, const char *name)
{
    const char *value = http_query(c->request, name);

    return value && strcmp(value, "true") == 0;
}

json_t *rest_value(const struct rest_call *c, const char *name)
{
    return json_object_get(c->body, name);
}

const char *rest_text(const struct rest_call *c, const char *name)
{
    return json_string_value(rest_value(c, name));
}

int64_t rest_int(const struct rest_call *c, const char *name, int64_t other)
{
    const json_t *value = rest_value(c, name);

    return value && json_is_integer(value) ? json_integer_value(value) : other;
}

bool rest_bool(const struct rest_call *c, const char *name)
{
    return json_is_true(rest_value(c, name));
}

/* --- what goes wrong --- */

int rest_fail(struct rest_call *c, enum rest_problem problem, struct ff_err *err,
              const char *fmt, ...)
{
    va_list ap;

    c->problem = problem;
    err->code = FF_INVALID;
    err->sys = 0;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    return err->code;
}

void rest_add_error(struct rest_call *c, const char *where, const char *what,
                    const char *fmt, ...)
{
    struct jsonw w = {.out = &c->errors};
    char detail[512];
    va_list ap;

    if (c->n_errors++ >= REST_ERRORS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    if (c->errors.len > 0)
        buf_add_char(&c->errors, ',');
    jsonw_open(&w, '{');
    if (where) {
        jsonw_key(&w, where);
        jsonw_text(&w, what);
    }
    jsonw_key(&w, "detail");
    jsonw_text(&w, detail);
    jsonw_close(&w, '}');
}

/* --- the answer --- */

void rest_add_row(struct jsonw *w, const struct rest_shape *shape, const void *row)
{
    model_row_keys(w, shape->record, row, shape->columns);
}

void rest_set_version(struct rest_call *c, int64_t version)
{
    snprintf(c->etag, sizeof(c->etag), "\"v%lld\"", (long long)version);
}

/* --- If-Match --- */

/* Compared strongly (RFC 9110, 8.8.3.2): a weak one, W/"...", is none of ours. */
static bool is_among(const char *list, const char *etag)
{
    const size_t wanted = strlen(etag);

    for (list += strspn(list, " \t,"); *list; list += strspn(list, " \t,")) {
        const char *quote = *list == '"' ? strchr(list + 1, '"') : NULL;
        const char *end = quote ? quote + 1 : list;
        const size_t len = (size_t)(end - list) + strcspn(end, " \t,");

        if (len == wanted && memcmp(list, etag, len) == 0)
            return true;
        list += len;
    }
    return false;
}

int rest_match_etag(struct rest_call *c, const char *etag, struct ff_err *err)
{
    const char *wanted = http_header(c->request, "if-match");

    if (!wanted || (etag && (strcmp(wanted, "*") == 0 || is_among(wanted, etag))))
        return FF_OK;
    if (!etag)
        return rest_fail(c, PROBLEM_PRECONDITION, err,
                         "there is none yet that If-Match could mean");
    return rest_fail(c, PROBLEM_PRECONDITION, err,
                     "it is %s by now, not %.60s: read it again", etag, wanted);
}

int rest_match(struct rest_call *c, const struct ff_record *record, const void *row,
               int64_t version, struct ff_err *err)
{
    const bool known = version != FF_ABSENT;
    char etag[32];

    if (c->route->match != record || !http_header(c->request, "if-match"))
        return FF_OK;
    snprintf(etag, sizeof(etag), "\"v%lld\"", (long long)version);
    if (rest_match_etag(c, known ? etag : NULL, err) != FF_OK)
        return err->code;
    batch_check(c->batch, record, row, version);
    c->n_guards++;
    return FF_OK;
}

bool rest_has_changes(const struct rest_call *c)
{
    return c->batch->n > c->n_guards;
}

void rest_set_location(struct rest_call *c, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    buf_add_text(&text, REST_PREFIX);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    c->location = arena_text(&c->arena, buf_text(&text), text.len);
    buf_done(&text);
}

/* --- what is seen --- */

bool rest_sees(const struct rest_call *c, int64_t project)
{
    const struct access_scope where = {.tenant = c->who.tenant, .project = project};

    return access_may(&c->who, c->route->needs, where);
}

/* Where it is about, from now on; of one that is seen, others are told that they may
 * not. */
int rest_judge(struct rest_call *c, int64_t project, struct ff_err *err)
{
    const struct access_scope where = {c->who.tenant, project};

    if (!access_may(&c->who, MAY_VIEW, where))
        return FF_NOT_FOUND;
    c->scope = where;
    if (!access_may(&c->who, c->route->needs, where))
        return rest_fail_denied(c, c->route->needs, err);
    return FF_OK;
}

int rest_judge_run(struct rest_call *c, int64_t project, struct ff_err *err)
{
    const int code = rest_judge(c, project, err);

    if (code != FF_NOT_FOUND)
        return code;
    return ff_fail(err, code, 0, "there is no run %.40s", rest_path(c, "id"));
}

int rest_find_run(struct rest_call *c, struct run_row *run, struct ff_err *err)
{
    const char *id = rest_path(c, "id");
    int code = FF_NOT_FOUND;

    if (id_valid(id))
        code = store_run_by_id(c->store, c->reader, c->who.tenant, id, &c->arena, run,
                               err);
    if (code == FF_NOT_FOUND)
        return ff_fail(err, code, 0, "there is no run %.40s", id);
    if (code == FF_OK)
        code = rest_judge_run(c, run->project, err);
    return code == FF_OK ? rest_match(c, &record_run, run, run->version, err) : code;
}

void rest_object(const struct rest_call *c, char out[REST_OBJECT_TEXT])
{
    static const char *const prefixes[] = {"ffk_", "ffs_"};
    const size_t shown = strlen(prefixes[0]) + KEY_ID_TEXT - 1;

    snprintf(out, REST_OBJECT_TEXT, "%s", c->request->path);
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        char *secret = strstr(out, prefixes[i]);

        if (secret && strlen(secret) > shown)
            secret[shown] = '\0';
    }
}

/* --- plans of core/access --- */

void rest_access(struct rest_call *c, struct access_call *call)
{
    *call = (struct access_call){.store = c->store,
                                 .reader = c->reader,
                                 .who = &c->who,
                                 .origin = c->request->peer->address,
                                 .request = c->request_id,
                                 .now_us = c->now_us,
                                 .numbers = &c->rest->numbers};
    c->audits = true;
}

int rest_audit(struct rest_call *c, const char *action, const char *object,
               struct ff_err *err)
{
    const struct access_entry e = {
        .where = c->scope, .action = action, .object = object};
    struct access_call call;

    rest_access(c, &call);

    const int code = access_audit_add(&call, &e, c->batch, err);

    return code;
}
