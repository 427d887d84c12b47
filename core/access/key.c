/* key.c - API keys: credentials of programs. A key is nobody's: it has a role of its
 * own, and it stays when the member who made it goes. */
#include "access/access_priv.h"

#include <string.h>

#define USED_EVERY_US                                                                  \
    (60 * UNITS_SECOND) /* last_used_at is written at most so often                    \
                         */

#define BRIEF_MAKES_US (INT64_C(366) * 24 * 3600 * UNITS_SECOND)

/* --- reads --- */

static int find(const struct access_call *c, struct tenant t, const char *id,
                struct arena *arena, struct api_key_row *row, struct ff_err *err)
{
    const struct api_key_row like = {.tenant = t.no, .id = span_of(id)};
    const struct store_query q = {
        .record = &record_api_key, .like = &like, .n_equal = 2};
    const int code = access_first(c->store, c->reader, &q, arena, row, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "there is no API key %.20s: `flowforge key list` shows all", id);
    return code;
}

int access_keys(struct store *s, struct store_reader *r, struct tenant t,
                store_row_fn *fn, void *arg, struct ff_err *err)
{
    const struct api_key_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_api_key, .like = &like, .n_equal = 1};

    return store_scan(s, r, &q, fn, arg, err);
}

/* --- create --- */

static int is_valid(void *arg, const void *row)
{
    (void)arg;
    return ((const struct api_key_row *)row)->revoked_at == MODEL_NULL;
}

static int check_room(const struct access_call *c, const struct tenant_row *tenant,
                      struct ff_err *err)
{
    const struct api_key_row like = {.tenant = tenant->tenant};
    const struct store_query q = {
        .record = &record_api_key, .like = &like, .n_equal = 1};
    int64_t n = 0;
    const int code = access_count(c->store, c->reader, &q, is_valid, &n, err);

    if (code != FF_OK)
        return code;
    return access_check_quota(tenant, QUOTA_KEYS, n, err);
}

/* Of what somebody was given for a while he shall not make something for ever: no key
 * makes one that outlives it, and who is known for an hour makes none without end. */
int64_t access_key_latest(const struct access_call *c)
{
    const struct principal *who = c->who;
    const bool brief = who->kind == PRINCIPAL_USER || who->kind == PRINCIPAL_SESSION;
    const int64_t by_key = who->key_ends_us != 0 ? who->key_ends_us : INT64_MAX;
    const int64_t by_kind = brief ? c->now_us + BRIEF_MAKES_US : INT64_MAX;

    return by_key < by_kind ? by_key : by_kind;
}

static int check_end(const struct access_call *c, int64_t expires_at,
                     struct ff_err *err)
{
    const int64_t latest = access_key_latest(c);
    char end[UNITS_TEXT];

    if (latest == INT64_MAX || (expires_at != MODEL_NULL && expires_at <= latest))
        return FF_OK;
    units_time_text(latest, end);
    if (latest == c->who->key_ends_us)
        return ff_fail(err, FF_INVALID, 0,
                       "a key that an API key makes ends with it, which is at %s, or "
                       "before",
                       end);
    return ff_fail(err, FF_INVALID, 0,
                   "a key that is made with a token or a session is valid for 366 days "
                   "at most: an API key or the server's own user makes others");
}

static int check_new(const struct access_call *c, const struct access_new_key *want,
                     struct ff_err *err)
{
    if (access_check_name(want->name, "an API key", err) != FF_OK)
        return err->code;
    if (want->role == ROLE_NONE)
        return ff_fail(err, FF_INVALID, 0,
                       "a role is one of viewer, operator, author and admin");
    if (want->where.tenant.no == TENANT_PLATFORM.no && want->role != ROLE_ADMIN)
        return ff_fail(err, FF_INVALID, 0,
                       "of the whole installation there is the role admin only");
    if (want->expires_at != MODEL_NULL && want->expires_at <= c->now_us)
        return ff_fail(err, FF_INVALID, 0, "a key cannot expire before it is made");
    return check_end(c, want->expires_at, err);
}

static void add_detail(struct buf *out, const struct api_key_row *row)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    model_row_keys(&w, &record_api_key, row,
                   COLUMN_BIT(COL_API_KEY_NAME) | COLUMN_BIT(COL_API_KEY_ROLE) |
                       COLUMN_BIT(COL_API_KEY_EXPIRES_AT));
    jsonw_close(&w, '}');
}

static int put(const struct access_call *c, const struct api_key_row *row,
               struct access_entry e, struct batch *b, struct ff_err *err)
{
    struct buf detail = {0};

    add_detail(&detail, row);
    e.detail = buf_text(&detail);
    batch_put(b, &record_api_key, row, FF_ABSENT);

    const int code = access_audit_add(c, &e, b, err);

    buf_done(&detail);
    return code;
}

int access_key_create(const struct access_call *c, const struct access_new_key *want,
                      struct access_credential *made, struct batch *b,
                      struct ff_err *err)
{
    char hash[SHA256_TEXT];
    char object[OBJECT_TEXT];
    const struct access_entry e = {
        .where = want->where, .action = "key.create", .object = object};
    struct arena arena = {0};
    struct tenant_row tenant;

    if (check_new(c, want, err) != FF_OK)
        return err->code;
    key_make(KEY_PREFIX, made, hash);
    snprintf(object, sizeof(object), "key/%s", made->id);

    const struct api_key_row row = {
        .tenant = want->where.tenant.no,
        .id = span_of(made->id),
        .name = span_of(want->name),
        .hash = span_of(hash),
        .role = want->role,
        .project = want->where.project,
        .created_at = c->now_us,
        .created_by = span_of(c->who->subject),
        .expires_at = want->expires_at,
        .revoked_at = MODEL_NULL,
        .last_used_at = MODEL_NULL,
    };
    int code = access_begin_grant(c, want->role, &e, b, err);

    if (code == FF_OK)
        code = access_hold_tenant(c, want->where.tenant, &arena, &tenant, b, err);
    if (code == FF_OK)
        code = check_room(c, &tenant, err);
    if (code == FF_OK)
        code = put(c, &row, e, b, err);
    if (code != FF_OK)
        access_credential_wipe(made);
    arena_done(&arena);
    return code;
}

/* --- revoke --- */

static int revoke(const struct access_call *c, struct api_key_row *row,
                  const struct access_entry *e, struct batch *b, struct ff_err *err)
{
    if (row->revoked_at != MODEL_NULL)
        return FF_OK;
    row->revoked_at = c->now_us;
    row->revoked_by = span_of(c->who->subject);
    batch_patch(b, &record_api_key, row,
                COLUMN_BIT(COL_API_KEY_REVOKED_AT) | COLUMN_BIT(COL_API_KEY_REVOKED_BY),
                row->version);
    return access_audit_add(c, e, b, err);
}

/* Who may revoke keys of some projects only is not told whether others have one of this
 * id: it is judged as one of the whole tenant. */
int access_key_revoke(const struct access_call *c, struct tenant t, const char *id,
                      struct batch *b, struct ff_err *err)
{
    char object[OBJECT_TEXT];
    struct access_entry e = {
        .where = {.tenant = t}, .action = "key.revoke", .object = object};
    struct arena arena = {0};
    struct api_key_row row;
    struct ff_err missing = {0};

    /* Nobody's secret half gets into the log, or into a sentence. */
    if (!key_is_id(id))
        return ff_fail(err, FF_INVALID, 0,
                       "an API key is named by the %d characters behind ffk_; what "
                       "comes behind them is its secret",
                       KEY_ID_TEXT - 1);
    snprintf(object, sizeof(object), "key/%s", id);

    const int found = find(c, t, id, &arena, &row, &missing);
    int code;

    if (found == FF_OK)
        e.where.project = row.project;
    code = access_begin(c, MAY_MEMBERS, &e, b, err);
    if (code == FF_OK && found != FF_OK) {
        *err = missing;
        code = found;
    }
    if (code == FF_OK)
        code = revoke(c, &row, &e, b, err);
    arena_done(&arena);
    return code;
}

/* --- verify --- */

struct search {
    const char *hash;
    struct arena *arena;
    struct api_key_row *row;
    bool found;
};

/* Two tenants may have the same id, by chance. */
static int compare(void *arg, const void *stored)
{
    struct search *s = arg;
    const struct api_key_row *row = stored;

    if (!key_hash_is(s->hash, row->hash))
        return 0;
    *s->row = *row;
    store_own_row(&record_api_key, s->row, s->arena);
    s->found = true;
    return 1;
}

/* Only who has the secret half is told more than that it is not known. */
static int find_shown(struct store *s, struct store_reader *r, const char *credential,
                      struct arena *arena, struct api_key_row *row, struct ff_err *err)
{
    char id[KEY_ID_TEXT];
    char hash[SHA256_TEXT];

    if (!key_parse(KEY_PREFIX, credential, id, hash))
        return ff_fail(
            err, FF_DENIED, 0,
            "this is no API key: one has 56 characters and begins with ffk_");

    const struct api_key_row like = {.id = span_of(id)};
    const struct store_query q = {
        .record = &record_api_key, .index = "api_key_id", .like = &like, .n_equal = 1};
    struct search search = {.hash = hash, .arena = arena, .row = row};
    const int code = store_scan(s, r, &q, compare, &search, err);

    if (code == FF_OK && !search.found)
        return ff_fail(err, FF_DENIED, 0, "this API key is not known");
    return code;
}

static int check_live(const struct api_key_row *row, int64_t now_us, struct ff_err *err)
{
    if (row->revoked_at != MODEL_NULL)
        return ff_fail(err, FF_DENIED, 0, "the API key %.*s is revoked",
                       (int)row->id.len, row->id.s);
    if (row->expires_at != MODEL_NULL && row->expires_at <= now_us)
        return ff_fail(err, FF_DENIED, 0,
                       "the API key %.*s has expired: `flowforge key create` makes "
                       "another",
                       (int)row->id.len, row->id.s);
    return FF_OK;
}

static int check_tenant(struct store *s, struct store_reader *r,
                        const struct api_key_row *row, struct arena *arena,
                        struct ff_err *err)
{
    struct tenant_row tenant;

    if (row->tenant == TENANT_PLATFORM.no)
        return FF_OK;

    const int code =
        access_tenant_by_no(s, r, (struct tenant){row->tenant}, arena, &tenant, err);

    if (code == FF_OK && tenant.disabled_at != MODEL_NULL)
        return ff_fail(err, FF_DENIED, 0, "the tenant of this API key is disabled");
    return code;
}

static void fill(const struct api_key_row *row, struct principal *p)
{
    const bool confined = row->project != PROJECT_ALL;
    const bool platform = row->tenant == TENANT_PLATFORM.no;
    const enum role role = platform ? ROLE_NONE : (enum role)row->role;

    *p = (struct principal){
        .kind = PRINCIPAL_KEY,
        .tenant = {row->tenant},
        .role = confined ? ROLE_NONE : role,
        .project = row->project,
        .project_role = confined ? role : ROLE_NONE,
        .platform = platform && row->role == ROLE_ADMIN,
        .expires_us = row->expires_at == MODEL_NULL ? 0 : row->expires_at,
        .key_ends_us = row->expires_at == MODEL_NULL ? 0 : row->expires_at,
    };
    snprintf(p->subject, sizeof(p->subject), ACCESS_KEY_PREFIX "%.*s", (int)row->id.len,
             row->id.s);
}

int access_key_resolve(struct store *s, struct store_reader *r, struct tenant t,
                       struct span id, int64_t now_us, struct principal *p,
                       struct ff_err *err)
{
    const struct api_key_row like = {.tenant = t.no, .id = id};
    const struct store_query q = {
        .record = &record_api_key, .like = &like, .n_equal = 2};
    struct arena arena = {0};
    struct api_key_row row = {0};
    int code = access_first(s, r, &q, &arena, &row, err);

    if (code == FF_NOT_FOUND)
        code = ff_fail(err, FF_DENIED, 0, "the API key of this session is gone");
    if (code == FF_OK)
        code = check_live(&row, now_us, err);
    if (code == FF_OK)
        code = check_tenant(s, r, &row, &arena, err);
    if (code == FF_OK)
        fill(&row, p);
    arena_done(&arena);
    return code;
}

static void note_use(struct api_key_row *row, int64_t now_us, struct batch *used)
{
    if (row->last_used_at != MODEL_NULL && now_us - row->last_used_at < USED_EVERY_US)
        return;
    row->last_used_at = now_us;
    batch_patch(used, &record_api_key, row, COLUMN_BIT(COL_API_KEY_LAST_USED_AT),
                FF_ANY_VERSION);
}

int access_key_verify(struct store *s, struct store_reader *r, const char *credential,
                      int64_t now_us, struct principal *p, struct batch *used,
                      struct ff_err *err)
{
    struct arena arena = {0};
    struct api_key_row row = {0};
    int code = find_shown(s, r, credential, &arena, &row, err);

    if (code == FF_OK)
        code = check_live(&row, now_us, err);
    if (code == FF_OK)
        code = check_tenant(s, r, &row, &arena, err);
    if (code == FF_OK) {
        fill(&row, p);
        if (used)
            note_use(&row, now_us, used);
    }
    arena_done(&arena);
    return code;
}
