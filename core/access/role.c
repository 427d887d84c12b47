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
    if (where.project == PROJECT_ALL || p->project != where.project)
        return p->role;
    return p->project_role > p->role ? p->project_role : p->role;
}

bool access_may(const struct principal *p, enum permission permission,
                struct access_scope where)
{
    if (p->platform && platform_may(permission))
        return true;
    return role_may(role_in(p, where), permission);
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
