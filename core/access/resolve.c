/* resolve.c - from who somebody is to what he may do: local users, and subjects of
 * tokens. API keys are in key.c. */
#include "access/access_priv.h"

#include <string.h>

void access_local(const char *user, struct principal *p)
{
    *p = (struct principal){.kind = PRINCIPAL_LOCAL,
                            .tenant = TENANT_DEFAULT,
                            .role = ROLE_ADMIN,
                            .platform = true};
    snprintf(p->subject, sizeof(p->subject), ACCESS_LOCAL_PREFIX "%s", user);
}

/* The role that a row gives; ROLE_NONE without one. */
static int read_role(struct store *s, struct store_reader *r, struct access_scope where,
                     const char *subject, enum role *role, struct ff_err *err)
{
    const struct member_row like = {.tenant = where.tenant.no,
                                    .project = where.project,
                                    .subject = span_of(subject)};
    const struct store_query q = {
        .record = &record_member, .like = &like, .n_equal = 3};
    struct arena arena = {0};
    struct member_row row = {.role = ROLE_NONE};
    const int code = access_first(s, r, &q, &arena, &row, err);

    arena_done(&arena);
    if (code != FF_OK && code != FF_NOT_FOUND)
        return code;
    *role = (enum role)row.role;
    return FF_OK;
}

struct finding {
    struct principal *p;
    const char *subject;
};

static int add_more(void *arg, const void *row)
{
    const struct member_row *member = row;
    const struct finding *f = arg;
    struct principal *p = f->p;

    if (member->project == PROJECT_ALL || member->project == p->project ||
        !span_is(member->subject, f->subject))
        return 0;
    if (p->n_more == PRINCIPAL_MORE)
        return 1;
    p->more[p->n_more].project = member->project;
    p->more[p->n_more++].role = (enum role)member->role;
    return 0;
}

/* Members are few, and what is found is kept for a while by who asks. */
static int read_more(struct store *s, struct store_reader *r, const char *subject,
                     struct principal *p, struct ff_err *err)
{
    const struct member_row like = {.tenant = p->tenant.no};
    const struct store_query q = {
        .record = &record_member, .like = &like, .n_equal = 1};
    struct finding f = {.p = p, .subject = subject};

    return store_scan(s, r, &q, add_more, &f, err);
}

static int find_tenant(struct store *s, struct store_reader *r, const char *name,
                       struct tenant *t, struct ff_err *err)
{
    struct arena arena = {0};
    struct tenant_row row;
    int code = access_tenant(s, r, name, &arena, &row, err);

    if (code == FF_NOT_FOUND)
        code = ff_fail(err, FF_DENIED, 0, "the tenant of this token is not known here");
    else if (code == FF_OK && row.disabled_at != MODEL_NULL)
        code = ff_fail(err, FF_DENIED, 0, "the tenant of this token is disabled");
    if (code == FF_OK)
        *t = (struct tenant){row.tenant};
    arena_done(&arena);
    return code;
}

static enum role claimed(const char *const *roles)
{
    enum role most = ROLE_NONE;

    for (; roles && *roles; roles++) {
        const enum role role = access_role(*roles);

        most = role > most ? role : most;
    }
    return most;
}

int access_user(struct store *s, struct store_reader *r,
                const struct access_identity *who, int64_t project, struct principal *p,
                struct ff_err *err)
{
    struct principal found = {.kind = PRINCIPAL_USER, .expires_us = who->expires_us};
    enum role whole = ROLE_NONE;
    enum role platform = ROLE_NONE;
    int code = access_check_new_subject(who->subject, err);

    if (code == FF_OK)
        code = find_tenant(s, r, who->tenant, &found.tenant, err);
    const struct access_scope tenant = {.tenant = found.tenant};
    const struct access_scope narrow = {.tenant = found.tenant, .project = project};
    if (code == FF_OK)
        code = read_role(s, r, tenant, who->subject, &whole, err);
    if (code == FF_OK && project != PROJECT_ALL)
        code = read_role(s, r, narrow, who->subject, &found.project_role, err);
    found.project = project;
    if (code == FF_OK)
        code = read_more(s, r, who->subject, &found, err);
    /* Whoever hands out tokens for another tenant chooses the subjects in them. */
    if (code == FF_OK && found.tenant.no == TENANT_DEFAULT.no)
        code = read_role(s, r, (struct access_scope){.tenant = TENANT_PLATFORM},
                         who->subject, &platform, err);
    if (code != FF_OK)
        return code;
    found.claimed = claimed(who->roles);
    found.role = found.claimed;
    if (whole > found.role)
        found.role = whole;
    found.platform = platform == ROLE_ADMIN;
    snprintf(found.subject, sizeof(found.subject), "%s", who->subject);
    *p = found;
    return FF_OK;
}
