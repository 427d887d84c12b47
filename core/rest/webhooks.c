/* webhooks.c - calls from outside that start runs. Nobody is known here by an API key:
 * each schedule of the path says which secret a caller must know and how he shows it.
 * Whoever does not is told the same as where there is no such webhook, or no tenant. */
#include "rest/rest_priv.h"

#include "secret/secret.h"
#include <string.h>

#define EVENT_TEXT_MAX ((size_t)1024 * 1024)
#define SKEW_US        (300 * UNITS_SECOND) /* of a signature's time; Standard Webhooks */
#define NETWORK_PER_S  200                  /* calls of one address, right or wrong */
#define WRONG_PER_S    1                    /* lines of the log about a tenant */

/* A schedule with a webhook; text is in the call's arena. */
struct hooked {
    const char *name, *secret; /* secret: NULL of an older version: nobody knows it */
    enum flow_verify verify;
    const char *path;
    size_t n_same;             /* with this path; of the first of them */
    bool meant, paused, taken; /* meant: it is called; taken: by who knows its secret */
};

struct hook {
    struct rest_call *c;
    const char *path;
    struct {
        struct hooked *items;
        size_t n, cap;
    } all; /* of the tenant */
    int64_t n_told;
    int failed; /* a secret could not be read, but may be soon */
};

/* --- does he know the secret? --- */

/* What an attacker sends takes as long whatever of it is right. */
static bool is_same(const char *a, const char *b, size_t len)
{
    unsigned char differs = 0;

    for (size_t i = 0; i < len; i++)
        differs |= (unsigned char)(a[i] ^ b[i]);
    return differs == 0;
}

/* X-Hub-Signature-256: sha256=HEX, over the body. */
static bool verify_github(const struct rest_call *c, const struct secret_value *secret)
{
    const char *given = http_header(c->request, "x-hub-signature-256");
    char wanted[SHA256_TEXT];

    sha256_hmac(secret->text, secret->len, c->request->body, c->request->body_len,
                wanted);
    return given && text_starts(given, "sha256=") &&
           strlen(given) == strlen("sha256=") + SHA256_TEXT - 1 &&
           is_same(given + strlen("sha256="), wanted, SHA256_TEXT - 1);
}

static unsigned char digit_of(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The digest as base64, as the specification has it. */
static void add_base64_of_hex(const char *hex, struct buf *out)
{
    unsigned char bytes[(SHA256_TEXT - 1) / 2];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] =
            (unsigned char)(digit_of(hex[2 * i]) << 4 | digit_of(hex[2 * i + 1]));
    base64_add(out, bytes, sizeof(bytes));
}

/* Several may be given while a secret is changed. */
static bool has_signature(const char *given, const struct buf *wanted)
{
    bool found = false;

    for (const char *at = given; *at;) {
        const size_t len = strcspn(at, " ");

        found |= len == wanted->len + 3 && text_starts(at, "v1,") &&
                 is_same(at + 3, wanted->data, wanted->len);
        at += len;
        at += *at == ' ';
    }
    return found;
}

static bool is_recent(const struct rest_call *c, const char *timestamp)
{
    const size_t digits = strspn(timestamp, "0123456789");

    if (digits == 0 || digits > 11 || timestamp[digits])
        return false;

    const int64_t age_us = c->now_us - strtoll(timestamp, NULL, 10) * UNITS_SECOND;

    return age_us <= SKEW_US && age_us >= -SKEW_US;
}

/* https://www.standardwebhooks.com: "v1," and base64 of the HMAC over ID.TIME.BODY. A
 * secret that begins with whsec_ is base64 itself. */
static bool verify_standard(const struct rest_call *c,
                            const struct secret_value *secret)
{
    static const char prefix[] = "whsec_";
    const char *id = http_header(c->request, "webhook-id");
    const char *timestamp = http_header(c->request, "webhook-timestamp");
    const char *given = http_header(c->request, "webhook-signature");
    struct buf key = {0};
    struct buf text = {0};
    struct buf wanted = {0};
    char hex[SHA256_TEXT];

    if (!text_starts(secret->text, prefix))
        buf_add(&key, secret->text, secret->len);
    else
        base64_read(secret->text + strlen(prefix), secret->len - strlen(prefix), &key);
    buf_printf(&text, "%s.%s.", id ? id : "", timestamp ? timestamp : "");
    buf_add(&text, c->request->body, c->request->body_len);
    sha256_hmac(buf_text(&key), key.len, buf_text(&text), text.len, hex);
    add_base64_of_hex(hex, &wanted);

    /* What is no base64 leaves no key, and whoever knows nothing has that one, too. */
    const bool good = key.len > 0 && id && timestamp && given &&
                      has_signature(given, &wanted) && is_recent(c, timestamp);

    if (key.data)
        explicit_bzero(key.data, key.len);
    buf_done(&key);
    buf_done(&text);
    buf_done(&wanted);
    return good;
}

/* The secret itself: digests are compared, which have one length. */
static bool verify_token(const struct rest_call *c, const struct secret_value *secret)
{
    const char *given = http_bearer(c->request);
    char a[SHA256_TEXT];
    char b[SHA256_TEXT];

    if (!given)
        given = http_header(c->request, "x-gitlab-token");
    sha256_text(given ? given : "", given ? strlen(given) : 0, a);
    sha256_text(secret->text, secret->len, b);
    return is_same(a, b, SHA256_TEXT - 1);
}

static const struct {
    bool (*verify)(const struct rest_call *c, const struct secret_value *secret);
    /* Headers that name the delivery, the first that is there; the same when it is
     * sent again. */
    const char *ids[3];
} verifiers[] = {
    [FLOW_VERIFY_GITHUB] = {verify_github, {"x-github-delivery", "idempotency-key"}},
    [FLOW_VERIFY_STANDARD] = {verify_standard, {"webhook-id"}},
    [FLOW_VERIFY_TOKEN] = {verify_token, {"idempotency-key", "x-gitlab-event-uuid"}},
};

static const char *delivery_of(const struct rest_call *c, enum flow_verify verify)
{
    const char *const *ids = verifiers[verify].ids;
    const char *id = NULL;

    for (size_t i = 0; !id && ids[i]; i++)
        id = http_header(c->request, ids[i]);
    return id;
}

/* What lasts is for the log; the sender need not come again for it. */
static bool is_lasting(int code)
{
    return code == FF_NOT_FOUND || code == FF_DENIED || code == FF_INVALID;
}

/* Without a secret that opens nobody is let in. */
static bool knows_secret(struct hook *h, const char *name, enum flow_verify verify)
{
    struct rest_call *c = h->c;
    const struct secret_place place = node_secrets(c->rest->setup.node, c->reader);
    struct secret_value secret = {0};
    struct ff_err err;
    const int code = secret_get(&place, c->scope.tenant, name, &secret, &err);

    if (code != FF_OK && code != FF_NOT_FOUND)
        log_error("webhook %s (request %s): %s", h->path, c->request_id, err.msg);
    if (code != FF_OK && !is_lasting(code))
        h->failed = code;
    if (code != FF_OK)
        secret = (struct secret_value){.text = mem_text("none"), .len = 4};

    const bool knows = verifiers[verify].verify(c, &secret) && code == FF_OK;

    secret_value_wipe(&secret);
    return knows;
}

static const char *own_text(struct rest_call *c, const char *text)
{
    return text ? arena_text(&c->arena, text, strlen(text)) : NULL;
}

/* Only kept: secrets are read by the reader that is at work here. */
static void keep(void *arg, const struct schedule *s)
{
    struct hook *h = arg;
    const struct hooked one = {
        .name = arena_text(&h->c->arena, s->row.name.s, s->row.name.len),
        .secret = own_text(h->c, s->spec.secret),
        .verify = s->spec.verify,
        .path = own_text(h->c, s->spec.name),
        .meant = strcmp(s->spec.name, h->path) == 0,
        .paused = s->row.paused_at != MODEL_NULL,
    };

    ARRAY_ADD(&h->all, one);
}

/* Does he know the secret of this one? c->delivery and c->caller: as the first of those
 * has it. */
static bool judge_one(struct hook *h, struct hooked *one)
{
    struct rest_call *c = h->c;

    one->taken = one->secret && knows_secret(h, one->secret, one->verify);
    if (one->taken && !c->caller) {
        c->delivery = delivery_of(c, one->verify);
        c->caller = one->secret;
    }
    h->n_told += one->taken && !one->paused;
    return one->taken;
}

static size_t most_of_one_path(const struct hook *h)
{
    struct map by_path = {0};
    size_t most = 0;

    for (size_t i = 0; i < h->all.n; i++) {
        struct hooked *one = &h->all.items[i];
        struct hooked *first = map_get_text(&by_path, one->path);

        if (!first) {
            first = one;
            map_set_text(&by_path, one->path, one);
        }
        if (++first->n_same > most)
            most = first->n_same;
    }
    map_done(&by_path);
    return most;
}

/* As many secrets are read for any path, or it could be told by a clock which paths
 * there are: where less are its own, others are read for nothing. */
static void spend(struct hook *h, size_t n_judged)
{
    const size_t most = most_of_one_path(h);

    if (h->all.n == 0)
        knows_secret(h, "none", FLOW_VERIFY_GITHUB);
    for (size_t i = 0; i < h->all.n && n_judged < most; i++) {
        const struct hooked *other = &h->all.items[i];

        if (other->meant || !other->secret)
            continue;
        knows_secret(h, other->secret, other->verify);
        n_judged++;
    }
}

/* Whether he may call any. */
static bool judge(struct hook *h)
{
    size_t n = 0;
    bool any = false;

    h->c->delivery = h->c->caller = NULL;
    for (size_t i = 0; i < h->all.n; i++) {
        struct hooked *one = &h->all.items[i];

        if (!one->meant)
            continue;
        any = judge_one(h, one) || any;
        n++;
    }
    spend(h, n);
    return any;
}

/* --- is he let in? --- */

/* His own calls are in the log with what they began; these are not, and whoever sets a
 * webhook up looks for them. Tenants that are not there count as one: their names are
 * the caller's to choose. */
static void log_wrong(struct hook *h, const char *tenant)
{
    struct rest_call *c = h->c;
    char name[48];

    snprintf(name, sizeof(name), "hook %lld", (long long)c->scope.tenant.no);
    if (rest_take(c->rest, name, WRONG_PER_S, &(struct bucket_state){0}))
        log_warn("a call of webhook %.63s of tenant %.63s from %s was refused (request "
                 "%s): there is no such path, or its signature is not right",
                 h->path, tenant, c->request->peer->address, c->request_id);
}

static int fail_unknown(struct rest_call *c, struct ff_err *err)
{
    return rest_fail(c, PROBLEM_NOT_FOUND, err,
                     "there is no such webhook, or the call does not show that it "
                     "knows the webhook's secret");
}

static int find_tenant(struct rest_call *c, struct tenant_row *row, struct ff_err *err)
{
    const int code =
        access_tenant(c->store, c->reader, rest_path(c, "tenant"), &c->arena, row, err);

    if (code != FF_OK && code != FF_NOT_FOUND && code != FF_INVALID)
        return code;
    if (code != FF_OK || row->disabled_at != MODEL_NULL)
        *row = (struct tenant_row){.tenant = -1}; /* nothing is its */
    c->scope =
        (struct access_scope){.tenant = {row->tenant}, .project = PROJECT_DEFAULT};
    return FF_OK;
}

/* After it is known that he may: nobody uses up what a tenant may by wrong calls. */
static int take_rate(struct rest_call *c, const struct tenant_row *row,
                     struct ff_err *err)
{
    const int64_t quota = access_quota_of(row, QUOTA_REQUESTS);
    char name[48];

    if (c->plan.tries > 0)
        return FF_OK;
    snprintf(name, sizeof(name), "called %lld", (long long)row->tenant);
    if (rest_take(c->rest, name, quota > 0 ? quota : 1, &c->limit))
        return FF_OK;
    return rest_fail(c, PROBLEM_RATE_LIMITED, err,
                     "that is more than %lld calls a second",
                     (long long)c->limit.limit);
}

static int let_in(struct hook *h, struct ff_err *err)
{
    struct rest_call *c = h->c;
    struct tenant_row row;
    int code = find_tenant(c, &row, err);

    if (code == FF_OK)
        code = node_webhooks(&c->plan, c->scope.tenant, keep, h, err);
    if (code != FF_OK)
        return code;
    const bool may = judge(h);
    if (h->failed != FF_OK)
        return ff_fail(err, h->failed, 0, "a secret of a webhook cannot be read");
    if (!may) {
        log_wrong(h, rest_path(c, "tenant"));
        return fail_unknown(c, err);
    }
    c->who = (struct principal){.kind = PRINCIPAL_WEBHOOK, .tenant = c->scope.tenant};
    snprintf(c->who.subject, sizeof(c->who.subject), "webhook:%s", h->path);
    return take_rate(c, &row, err);
}

/* --- what is told --- */

/* Nothing that is a credential, and nothing that changes from one try to the next. */
static const char *const headers[] = {
    "content-type",     "user-agent",        "x-github-event",      "x-github-delivery",
    "x-github-hook-id", "x-gitlab-event",    "x-gitlab-event-uuid", "x-gitlab-instance",
    "x-gitea-event",    "x-gitea-delivery",  "x-event-key",         "x-request-uuid",
    "webhook-id",       "webhook-timestamp", "idempotency-key",
};

static bool is_type(const struct rest_call *c, const char *wanted)
{
    const char *type = http_header(c->request, "content-type");

    return type && text_is(type, strcspn(type, "; \t"), wanted);
}

static bool is_json(const struct rest_call *c)
{
    const char *type = http_header(c->request, "content-type");
    const size_t len = type ? strcspn(type, "; \t") : 0;

    return is_type(c, "application/json") ||
           (len > 5 && memcmp(type + len - 5, "+json", 5) == 0);
}

static json_t *base64_of(const struct http_request *r)
{
    struct buf text = {0};

    base64_add(&text, r->body, r->body_len);

    json_t *value = json_stringn(buf_text(&text), text.len);

    buf_done(&text);
    return value;
}

/* JSON and forms as what they say, text as a text, other bytes as base64. NULL: it is
 * not what its type says. */
static json_t *read_body(const struct rest_call *c, const char **encoding,
                         struct ff_err *err)
{
    const struct http_request *r = c->request;

    *encoding = "json";
    if (r->body_len == 0)
        return json_null();
    if (is_json(c))
        return json_parse(r->body, r->body_len, err);
    *encoding = "form";
    if (is_type(c, "application/x-www-form-urlencoded"))
        return http_form(r, err);
    *encoding = "text";
    if (text_utf8_error(r->body, r->body_len) == r->body_len)
        return json_stringn(r->body, r->body_len);
    *encoding = "base64";
    return base64_of(r);
}

static json_t *read_headers(const struct rest_call *c)
{
    json_t *all = json_object();

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        const char *value = http_header(c->request, headers[i]);

        if (value) /* NULL where it is no UTF-8: then it is left out */
            json_object_set_new(all, headers[i], json_string(value));
    }
    return all;
}

static json_t *read_query(const struct rest_call *c)
{
    json_t *all = json_object();
    const char *name;
    const char *value;

    for (size_t i = 0; http_query_at(c->request, i, &name, &value); i++)
        if (!json_object_get(all, name))
            json_object_set_new(all, name, json_string(value));
    return all;
}

static int tell(struct hook *h, struct ff_err *err)
{
    struct rest_call *c = h->c;
    const char *encoding;
    json_t *body = read_body(c, &encoding, err);

    if (!body)
        return rest_fail(c, PROBLEM_INVALID, err,
                         "the body is not what its "
                         "Content-Type says");

    json_t *event = json_pack("{so ss so so}", "body", body, "encoding", encoding,
                              "headers", read_headers(c), "query", read_query(c));
    MEM_AUTO char *text = json_text(event);
    int code = FF_OK;

    if (strlen(text) > EVENT_TEXT_MAX)
        code = rest_fail(c, PROBLEM_INVALID, err, "as JSON that is more than %zu KiB",
                         EVENT_TEXT_MAX >> 10);
    for (size_t i = 0; code == FF_OK && i < h->all.n; i++)
        if (h->all.items[i].taken && !h->all.items[i].paused)
            node_plan_call(&c->plan, c->scope.tenant, h->all.items[i].name, event);
    json_decref(event);
    return code;
}

/* --- a call --- */

static int answer(struct hook *h, struct ff_err *err)
{
    struct rest_call *c = h->c;
    struct jsonw w = {.out = &c->out};
    char object[160];

    jsonw_open(&w, '{');
    jsonw_key(&w, "schedules");
    jsonw_int(&w, h->n_told);
    jsonw_close(&w, '}');
    if (h->n_told == 0)
        return FF_OK; /* nothing was done that the log could tell of */
    snprintf(object, sizeof(object), "webhook/%.63s", h->path);
    return rest_audit(c, "webhook.call", object, err);
}

int rest_webhook(struct rest_call *c, struct ff_err *err)
{
    struct hook h = {.c = c, .path = rest_path(c, "path")};
    int code = let_in(&h, err);

    if (code == FF_OK)
        code = once_look(c, err);
    if (code == FF_OK && !c->replayed)
        code = tell(&h, err);
    if (code == FF_OK && !c->replayed)
        code = answer(&h, err);
    ARRAY_DONE(&h.all);
    return code;
}

/* Before any of a body is read. The local user is not limited. */
bool rest_webhook_admit(struct rest_call *c)
{
    const struct http_peer *peer = c->request->peer;
    char name[96];

    if (peer->local)
        return true;
    snprintf(name, sizeof(name), "calls from %s", peer->network);
    if (bucket_take(&c->rest->buckets, name, NETWORK_PER_S,
                    loop_mono_us(c->rest->setup.loop), &c->limit))
        return true;
    c->code =
        rest_fail(c, PROBLEM_RATE_LIMITED, &c->err, "too many calls from this address");
    rest_answer(c);
    return false;
}
