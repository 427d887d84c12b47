/* role.c - the table of roles and permissions, and where they hold. Pure. */
#include "access/access_priv.h"

#include <string.h>

#define BIT(permission) (1U << (permission))

const char *const permission_names[] = {
    [MAY_VIEW] = "view",       [MAY_OPERATE] = "operate",
    [MAY_AUTHOR] = "author",   [MAY_SECRET_NAMES] = "secret_names",
    [MAY_SECRETS] = "secrets", [MAY_MEMBERS] = "members",
    [MAY_AUDIT] = "audit",     [MAY_TENANTS] = "tenants",
    [N_PERMISSIONS] = NULL,
};

const char *const principal_vias[] = {
    [PRINCIPAL_LOCAL] = "local",     [PRINCIPAL_KEY] = "key",
    [PRINCIPAL_USER] = "token",      [PRINCIPAL_ATTEMPT] = "attempt",
    [PRINCIPAL_WEBHOOK] = "webhook", [PRINCIPAL_SESSION] = "session",
    [PRINCIPAL_SESSION + 1] = NULL,
};

#define VIEWS    BIT(MAY_VIEW)
#define OPERATES (VIEWS | BIT(MAY_OPERATE) | BIT(MAY_SECRET_NAMES))
#define WRITES   (OPERATES | BIT(MAY_AUTHOR) | BIT(MAY_SECRETS))
#define RULES    (WRITES | BIT(MAY_MEMBERS) | BIT(MAY_AUDIT))

static const unsigned role_permissions[N_ROLES] = {
    [ROLE_NONE] = 0,        [ROLE_VIEWER] = VIEWS, [ROLE_OPERATOR] = OPERATES,
    [ROLE_AUTHOR] = WRITES, [ROLE_ADMIN] = RULES,
};

/* Who administers the installation reads no tenant's data. He can make himself a member
 * of one, which stands in that tenant's log. */
static const unsigned platform_permissions =
    BIT(MAY_MEMBERS) | BIT(MAY_AUDIT) | BIT(MAY_TENANTS);

bool role_may(enum role role, enum permission permission)
{
    return role_permissions[role] & BIT(permission);
}

bool platform_may(enum permission permission)
{
    return platform_permissions & BIT(permission);
}

/* The greatest role that is had there. */
static enum role role_in(const struct principal *p, struct access_scope where)
{
    if (where.tenant.no == TENANT_PLATFORM.no || p->tenant.no != where.tenant.no)
        return ROLE_NONE;
    if (where.project == PROJECT_ALL)
        return p->role;

    enum role most = p->role;

    if (p->project == where.project && p->project_role > most)
        most = p->project_role;
    for (size_t i = 0; i < p->n_more; i++)
        if (p->more[i].project == where.project && p->more[i].role > most)
            most = p->more[i].role;
    return most;
}

bool access_may(const struct principal *p, enum permission permission,
                struct access_scope where)
{
    if (p->platform && platform_may(permission))
        return true;
    return role_may(role_in(p, where), permission);
}

int64_t access_project_of(const struct principal *p, enum permission permission)
{
    struct access_scope where = {.tenant = p->tenant, .project = PROJECT_DEFAULT};

    if (role_may(role_in(p, where), permission))
        return PROJECT_DEFAULT;
    where.project = p->project;
    if (role_may(role_in(p, where), permission))
        return p->project;
    for (size_t i = 0; i < p->n_more; i++)
        if (role_may(p->more[i].role, permission))
            return p->more[i].project;
    return PROJECT_ALL;
}

/* Who may in the whole tenant may in its default project. */
bool access_may_somewhere(const struct principal *p, enum permission permission)
{
    return (p->platform && platform_may(permission)) ||
           access_project_of(p, permission) != PROJECT_ALL;
}

bool access_may_grant(const struct principal *p, enum role role,
                      struct access_scope where)
{
    if (!access_may(p, MAY_MEMBERS, where))
        return false;
    return p->platform || role <= role_in(p, where);
}

enum role access_role(const char *word)
{
    for (int role = ROLE_VIEWER; role < N_ROLES; role++)
        if (strcmp(role_names[role], word) == 0)
            return (enum role)role;
    return ROLE_NONE;
}
