/* member.c - members: which role a subject has in a tenant or in one of its projects,
 * and who administers the installation. Subjects are what tokens name their users by;
 * whether there is such a user, nobody knows before he comes. */
#include "access/access_priv.h"

static int find(const struct access_call *c, const struct member_row *like,
                struct arena *arena, struct member_row *row, struct ff_err *err)
{
    const struct store_query q = {.record = &record_member, .like = like, .n_equal = 3};

    *row = (struct member_row){.version = FF_ABSENT};
    const int code = access_first(c->store, c->reader, &q, arena, row, err);

    return code == FF_NOT_FOUND ? FF_OK : code;
}

static int check_room(const struct access_call *c, const struct tenant_row *tenant,
                      struct ff_err *err)
{
    const struct member_row like = {.tenant = tenant->tenant};
    const struct store_query q = {
        .record = &record_member, .like = &like, .n_equal = 1};
    int64_t n = 0;
    const int code = access_count(c->store, c->reader, &q, NULL, &n, err);

    if (code != FF_OK)
        return code;
    return access_check_quota(tenant, QUOTA_MEMBERS, n, err);
}

static int check_role(struct access_scope where, enum role role, struct ff_err *err)
{
    if (role == ROLE_NONE)
        return ff_fail(err, FF_INVALID, 0,
                       "a role is one of viewer, operator, author and admin");
    if (where.tenant.no == TENANT_PLATFORM.no && role != ROLE_ADMIN)
        return ff_fail(err, FF_INVALID, 0,
                       "of the whole installation there is the role admin only");
    return FF_OK;
}

static void add_detail(struct buf *out, int64_t role, int64_t was)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    jsonw_key(&w, "role");
    jsonw_text(&w, role_names[role]);
    jsonw_key(&w, "was");
    jsonw_text(&w, role_names[was]);
    jsonw_close(&w, '}');
}

/* The audit row of a change from one role to another. */
static int add_audit(const struct access_call *c, struct access_entry e, int64_t role,
                     int64_t was, struct batch *b, struct ff_err *err)
{
    struct buf detail = {0};

    add_detail(&detail, role, was);
    e.detail = buf_text(&detail);

    const int code = access_audit_add(c, &e, b, err);

    buf_done(&detail);
    return code;
}

int access_member_set(const struct access_call *c, struct access_scope where,
                      const char *subject, enum role role, struct batch *b,
                      struct ff_err *err)
{
    struct member_row row = {.tenant = where.tenant.no,
                             .project = where.project,
                             .subject = span_of(subject),
                             .role = role,
                             .created_at = c->now_us,
                             .created_by = span_of(c->who->subject)};
    char object[OBJECT_TEXT];
    const struct access_entry e = {
        .where = where, .action = "member.set", .object = object};
    struct arena arena = {0};
    struct member_row old = {0};
    struct tenant_row tenant;

    if (access_check_new_subject(subject, err) != FF_OK ||
        check_role(where, role, err) != FF_OK)
        return err->code;
    snprintf(object, sizeof(object), "member/%s", subject);

    int code = access_begin_grant(c, role, &e, b, err);

    if (code == FF_OK)
        code = access_hold_tenant(c, where.tenant, &arena, &tenant, b, err);
    if (code == FF_OK)
        code = find(c, &row, &arena, &old, err);
    if (code == FF_OK && old.version == FF_ABSENT)
        code = check_room(c, &tenant, err);
    if (code == FF_OK && old.role != row.role) {
        batch_put(b, &record_member, &row, old.version);
        code = add_audit(c, e, row.role, old.role, b, err);
    }
    arena_done(&arena);
    return code;
}

int access_member_remove(const struct access_call *c, struct access_scope where,
                         const char *subject, struct batch *b, struct ff_err *err)
{
    const struct member_row like = {.tenant = where.tenant.no,
                                    .project = where.project,
                                    .subject = span_of(subject)};
    char object[OBJECT_TEXT];
    const struct access_entry e = {
        .where = where, .action = "member.remove", .object = object};
    struct arena arena = {0};
    struct member_row old;

    if (access_check_subject(subject, err) != FF_OK)
        return err->code;
    snprintf(object, sizeof(object), "member/%s", subject);

    int code = access_begin(c, MAY_MEMBERS, &e, b, err);

    if (code == FF_OK)
        code = find(c, &like, &arena, &old, err);
    if (code == FF_OK && old.version == FF_ABSENT)
        code = ff_fail(
            err, FF_NOT_FOUND, 0,
            "%.100s has no role there: `flowforge member list` shows who has", subject);
    if (code == FF_OK) {
        batch_delete(b, &record_member, &old, old.version);
        code = add_audit(c, e, ROLE_NONE, old.role, b, err);
    }
    arena_done(&arena);
    return code;
}

int access_members(struct store *s, struct store_reader *r, struct tenant t,
                   store_row_fn *fn, void *arg, struct ff_err *err)
{
    const struct member_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_member, .like = &like, .n_equal = 1};

    return store_scan(s, r, &q, fn, arg, err);
}
