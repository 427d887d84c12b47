/* session.c - sessions: what somebody who has shown a token or an API key may show
 * instead of it, for a short while. A session gives nothing of its own: at each use it
 * is worked out again what the subject may who asked for it. */
#include "access/access_priv.h"

#include <string.h>

#define SESSIONS_MAX 100 /* of one subject at a time */
#define SWEEP_ROWS   4   /* expired ones that a new one takes with it */
#define PASS_ROWS    500 /* the same, of a pass of retention */

/* --- reads --- */

static int find(const struct access_call *c, struct tenant t, const char *id,
                struct arena *arena, struct session_row *row, struct ff_err *err)
{
    const struct session_row like = {.tenant = t.no, .id = span_of(id)};
    const struct store_query q = {
        .record = &record_session, .like = &like, .n_equal = 2};

    if (!key_is_id(id))
        return FF_NOT_FOUND;
    return access_first(c->store, c->reader, &q, arena, row, err);
}

static int fail_missing(struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no such session");
}

/* --- expired ones --- */

struct sweep {
    struct batch *batch;
    size_t n, most;
    int64_t now_us;
};

static int sweep_row(void *arg, const void *row)
{
    struct sweep *s = arg;
    const struct session_row *old = row;

    if (old->expires_at > s->now_us || s->n == s->most)
        return 1;
    batch_delete(s->batch, &record_session, old, FF_ANY_VERSION);
    s->n++;
    return 0;
}

static int sweep(struct store *s, struct store_reader *r, struct sweep *w,
                 struct ff_err *err)
{
    const struct store_query q = {.record = &record_session,
                                  .index = "session_expires_at"};

    return store_scan(s, r, &q, sweep_row, w, err);
}

int access_sessions_sweep(struct store *s, struct store_reader *r, int64_t now_us,
                          struct ff_err *err)
{
    int code = FF_OK;
    size_t n = PASS_ROWS;

    while (code == FF_OK && n == PASS_ROWS) {
        struct batch b = {0};
        struct sweep w = {.batch = &b, .most = PASS_ROWS, .now_us = now_us};

        code = sweep(s, r, &w, err);
        if (code == FF_OK && b.n > 0)
            code = store_commit_now(s, &b, NULL, err);
        n = w.n;
        batch_done(&b);
    }
    return code;
}

/* --- create --- */

struct living {
    int64_t now_us;
    int64_t n;
};

static int count_living(void *arg, const void *row)
{
    struct living *l = arg;

    l->n += ((const struct session_row *)row)->expires_at > l->now_us;
    return l->n >= SESSIONS_MAX;
}

static int check_room(const struct access_call *c, struct ff_err *err)
{
    const struct session_row like = {.tenant = c->who->tenant.no,
                                     .subject = span_of(c->who->subject)};
    const struct store_query q = {.record = &record_session,
                                  .index = "session_subject",
                                  .like = &like,
                                  .n_equal = 2};
    struct living l = {.now_us = c->now_us};
    const int code = store_scan(c->store, c->reader, &q, count_living, &l, err);

    if (code == FF_OK && l.n >= SESSIONS_MAX)
        return ff_fail(err, FF_FULL, ACCESS_SYS_QUOTA,
                       "%.100s has %d sessions already: end some of them, or wait "
                       "until they expire",
                       c->who->subject, SESSIONS_MAX);
    return code;
}

static int check_asker(const struct access_call *c, struct ff_err *err)
{
    if (c->who->kind == PRINCIPAL_SESSION)
        return ff_fail(err, FF_DENIED, 0,
                       "a session makes no other one: show the token or the API key "
                       "that it was made with");
    if (c->who->kind == PRINCIPAL_KEY || c->who->kind == PRINCIPAL_USER)
        return FF_OK;
    return ff_fail(err, FF_DENIED, 0,
                   "a session is for who shows a token or an API key");
}

static int put(const struct access_call *c, const struct session_row *row,
               const char *object, struct batch *b, struct ff_err *err)
{
    struct buf detail = {0};
    struct jsonw w = {.out = &detail};
    struct access_entry e = {.where = {.tenant = c->who->tenant},
                             .action = "session.create",
                             .object = object};

    jsonw_open(&w, '{');
    model_row_keys(&w, &record_session, row, COLUMN_BIT(COL_SESSION_EXPIRES_AT));
    jsonw_close(&w, '}');
    e.detail = buf_text(&detail);
    batch_put(b, &record_session, row, FF_ABSENT);

    const int code = access_audit_add(c, &e, b, err);

    buf_done(&detail);
    return code;
}

int access_session_create(const struct access_call *c, int64_t expires_at,
                          bool here_only, struct access_credential *made,
                          struct batch *b, struct ff_err *err)
{
    char hash[SHA256_TEXT];
    char object[OBJECT_TEXT];
    const struct principal *who = c->who;
    struct sweep expired = {.batch = b, .most = SWEEP_ROWS, .now_us = c->now_us};
    struct arena arena = {0};
    struct tenant_row tenant;
    int code = check_asker(c, err);

    if (code == FF_OK)
        code = access_hold_tenant(c, who->tenant, &arena, &tenant, b, err);
    if (code == FF_OK)
        code = sweep(c->store, c->reader, &expired, err);
    if (code == FF_OK)
        code = check_room(c, err);
    arena_done(&arena);
    if (code != FF_OK)
        return code;
    key_make(SESSION_PREFIX, made, hash);
    snprintf(object, sizeof(object), "session/%s", made->id);

    const bool by_key = who->kind == PRINCIPAL_KEY;
    const struct session_row row = {
        .tenant = who->tenant.no,
        .id = span_of(made->id),
        .hash = span_of(hash),
        .subject = span_of(who->subject),
        .key = by_key ? span_of(who->subject + strlen(ACCESS_KEY_PREFIX))
                      : (struct span){0},
        .role = who->claimed,
        .here_only = here_only,
        .created_at = c->now_us,
        .expires_at = expires_at,
    };

    code = put(c, &row, object, b, err);
    if (code != FF_OK)
        access_credential_wipe(made);
    return code;
}

/* --- end --- */

/* Whose it is, who may not end it, is not told that it is there. */
int access_session_end(const struct access_call *c, struct tenant t, const char *id,
                       struct batch *b, struct ff_err *err)
{
    char object[OBJECT_TEXT];
    const struct access_scope where = {.tenant = t};
    const struct access_entry e = {
        .where = where, .action = "session.end", .object = object};
    struct arena arena = {0};
    struct session_row row;
    int code = find(c, t, id, &arena, &row, err);

    if (code == FF_OK && !span_is(row.subject, c->who->subject) &&
        !access_may(c->who, MAY_MEMBERS, where))
        code = FF_NOT_FOUND;
    if (code == FF_OK) {
        snprintf(object, sizeof(object), "session/%s", id);
        batch_delete(b, &record_session, &row, row.version);
        code = access_audit_add(c, &e, b, err);
    }
    arena_done(&arena);
    return code == FF_NOT_FOUND ? fail_missing(err) : code;
}

/* --- verify --- */

struct search {
    const char *hash;
    struct arena *arena;
    struct session_row *row;
    bool found;
};

static int compare(void *arg, const void *stored)
{
    struct search *s = arg;
    const struct session_row *row = stored;

    if (!key_hash_is(s->hash, row->hash))
        return 0;
    *s->row = *row;
    store_own_row(&record_session, s->row, s->arena);
    s->found = true;
    return 1;
}

static int find_shown(struct store *s, struct store_reader *r, const char *credential,
                      struct arena *arena, struct session_row *row, struct ff_err *err)
{
    char id[KEY_ID_TEXT];
    char hash[SHA256_TEXT];

    if (!key_parse(SESSION_PREFIX, credential, id, hash))
        return ff_fail(err, FF_DENIED, 0,
                       "this is no session: one has 56 characters and begins with "
                       "ffs_");

    const struct session_row like = {.id = span_of(id)};
    const struct store_query q = {
        .record = &record_session, .index = "session_id", .like = &like, .n_equal = 1};
    struct search search = {.hash = hash, .arena = arena, .row = row};
    const int code = store_scan(s, r, &q, compare, &search, err);

    if (code == FF_OK && !search.found)
        return ff_fail(err, FF_DENIED, 0,
                       "this session is not known, or was ended: `flowforge login` "
                       "makes another");
    return code;
}

/* As his token would be, if it said now what it said then. */
static int resolve_user(struct store *s, struct store_reader *r,
                        const struct session_row *row, struct arena *arena,
                        struct principal *p, struct ff_err *err)
{
    const char *const roles[] = {role_names[row->role], NULL};
    struct tenant_row tenant;
    const int code =
        access_tenant_by_no(s, r, (struct tenant){row->tenant}, arena, &tenant, err);

    if (code != FF_OK)
        return code;

    const struct access_identity who = {
        .subject = arena_text(arena, row->subject.s, row->subject.len),
        .tenant = arena_text(arena, tenant.name.s, tenant.name.len),
        .roles = roles,
    };

    return access_user(s, r, &who, PROJECT_DEFAULT, p, err);
}

int access_session_verify(struct store *s, struct store_reader *r,
                          const char *credential,
                          const struct access_session_look *look, struct principal *p,
                          bool *here_only, struct ff_err *err)
{
    const int64_t now_us = look->now_us;
    struct arena arena = {0};
    struct session_row row = {0};
    int code = find_shown(s, r, credential, &arena, &row, err);

    if (code == FF_OK && row.expires_at > row.created_at + look->most_us)
        row.expires_at = row.created_at + look->most_us;
    if (code == FF_OK && row.expires_at <= now_us)
        code = ff_fail(err, FF_DENIED, 0,
                       "this session has expired: `flowforge login` makes another");
    if (code == FF_OK && row.key.s)
        code = access_key_resolve(s, r, (struct tenant){row.tenant}, row.key, now_us, p,
                                  err);
    else if (code == FF_OK)
        code = resolve_user(s, r, &row, &arena, p, err);
    if (code == FF_OK) {
        p->kind = PRINCIPAL_SESSION;
        if (p->expires_us == 0 || p->expires_us > row.expires_at)
            p->expires_us = row.expires_at;
        *here_only = row.here_only != 0;
    }
    arena_done(&arena);
    return code;
}
