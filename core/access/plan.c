/* plan.c - what every plan begins with (may it be done, is the tenant there, are names
 * names) and how one becomes durable. */
#include "access/access_priv.h"

#include <string.h>

#define TITLE_MAX 200
#define RACES     10 /* how often others may change the same rows meanwhile */

/* --- permissions --- */

static int deny(const struct access_call *c, const struct access_entry *e,
                const char *needed, struct batch *b, struct ff_err *err)
{
    struct access_entry denied = *e;

    denied.decision = AUDIT_DENIED;
    denied.detail = NULL;
    if (access_audit_add(c, &denied, b, err) != FF_OK)
        return err->code;
    return ff_fail(err, FF_DENIED, 0, "%.100s may not do this: it needs %s",
                   c->who->subject, needed);
}

int access_begin(const struct access_call *c, enum permission permission,
                 const struct access_entry *e, struct batch *b, struct ff_err *err)
{
    char needed[64];

    if (access_may(c->who, permission, e->where))
        return FF_OK;
    snprintf(needed, sizeof(needed), "the permission \"%s\"",
             permission_names[permission]);
    return deny(c, e, needed, b, err);
}

int access_begin_grant(const struct access_call *c, enum role role,
                       const struct access_entry *e, struct batch *b,
                       struct ff_err *err)
{
    if (access_may_grant(c->who, role, e->where))
        return FF_OK;
    return deny(c, e, "the role admin there, or to administer the installation", b,
                err);
}

/* --- what is said --- */

int access_check_name(const char *name, const char *what, struct ff_err *err)
{
    if (text_is_name(name, true))
        return FF_OK;
    return ff_fail(
        err, FF_INVALID, 0,
        "\"%.64s\" cannot be the name of %s: use a-z, 0-9, _ and -, no digit "
        "or - first, at most 63 characters",
        name, what);
}

/* As names of principals that auth drivers give. */
int access_check_subject(const char *subject, struct ff_err *err)
{
    const size_t len = strnlen(subject, SUBJECT_TEXT);
    bool good = len > 0 && len < SUBJECT_TEXT && text_utf8_error(subject, len) == len;

    for (size_t i = 0; good && i < len; i++)
        good = (unsigned char)subject[i] >= ' ' && subject[i] != 0x7f;
    if (good)
        return FF_OK;
    return ff_fail(
        err, FF_INVALID, 0,
        "a subject is what a token names its user by: 1 to %d bytes of UTF-8 "
        "without control characters",
        SUBJECT_TEXT - 1);
}

/* U+0080 to U+009F, which terminals take for commands, ends of lines, and what turns
 * the direction of what stands beside it. */
static bool is_unseen(const char *at)
{
    const unsigned char a = (unsigned char)at[0];
    const unsigned char b = (unsigned char)at[1];
    const unsigned char c = b ? (unsigned char)at[2] : 0;

    return (a == 0xc2 && b < 0xa0) || (a == 0xd8 && b == 0x9c) ||
           (a == 0xe2 && b == 0x80 &&
            (c == 0x8e || c == 0x8f || (c >= 0xa8 && c <= 0xae))) ||
           (a == 0xe2 && b == 0x81 && c >= 0xa6 && c <= 0xa9);
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f || is_unseen(text))
            return false;
    return true;
}

int access_check_new_subject(const char *subject, struct ff_err *err)
{
    if (access_check_subject(subject, err) != FF_OK)
        return err->code;
    if (!is_plain(subject))
        return ff_fail(err, FF_INVALID, 0,
                       "a subject has no control characters, and none that turn the "
                       "direction of text");
    if (text_starts(subject, ACCESS_LOCAL_PREFIX) ||
        text_starts(subject, ACCESS_KEY_PREFIX))
        return ff_fail(err, FF_INVALID, 0,
                       "no subject begins with " ACCESS_LOCAL_PREFIX
                       " or " ACCESS_KEY_PREFIX
                       ": so users of this machine and API keys are called");
    return FF_OK;
}

int access_check_title(const char *title, struct ff_err *err)
{
    const size_t len = title ? strnlen(title, TITLE_MAX + 1) : 0;

    if (!title ||
        (len <= TITLE_MAX && text_utf8_error(title, len) == len && is_plain(title)))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "a title is at most %d bytes of UTF-8 without control characters",
                   TITLE_MAX);
}

int access_hold_tenant(const struct access_call *c, struct tenant t,
                       struct arena *arena, struct tenant_row *row, struct batch *b,
                       struct ff_err *err)
{
    *row = access_new_tenant(t, NULL);
    if (t.no == TENANT_PLATFORM.no)
        return FF_OK;
    if (access_tenant_by_no(c->store, c->reader, t, arena, row, err) != FF_OK)
        return err->code;
    if (row->disabled_at != MODEL_NULL)
        return ff_fail(err, FF_DENIED, 0,
                       "the tenant %.*s is disabled: `flowforge tenant enable %.*s` "
                       "ends that",
                       (int)row->name.len, row->name.s, (int)row->name.len,
                       row->name.s);
    batch_check(b, &record_tenant, row, row->version);
    return FF_OK;
}

int access_check_quota(const struct tenant_row *row, enum quota quota, int64_t n,
                       struct ff_err *err)
{
    const int64_t most = access_quota_of(row, quota);

    if (n < most)
        return FF_OK;
    return ff_fail(
        err, FF_FULL, ACCESS_SYS_QUOTA,
        "the tenant has %lld of %lld already (%s): remove some, or `flowforge "
        "tenant limit` raises it",
        (long long)n, (long long)most, access_quotas[quota].name);
}

/* --- durable --- */

/* What is denied says so, whether or not it could be written. */
static int commit(const struct access_call *c, struct batch *b, int planned,
                  struct ff_err *err)
{
    struct ff_err why = {0};
    int code = store_commit_now(c->store, b, NULL, &why);

    if (planned == FF_OK && code != FF_OK)
        *err = why;
    else if (planned != FF_OK && code != FF_OK)
        log_warn("the audit log has no row of what was denied: %s", why.msg);
    return planned == FF_OK ? code : planned;
}

/* What was not sealed is sealed with what comes next. */
static void seal(const struct access_call *c)
{
    struct ff_err err = {0};
    int64_t n;

    FAILPOINT("access.commit.seal");
    if (access_seal(c->store, c->reader, c->now_us, &n, &err) != FF_OK)
        log_warn("the audit log is not sealed yet: %s", err.msg);
}

int access_commit(const struct access_call *c, access_plan_fn *plan, void *arg,
                  struct ff_err *err)
{
    struct batch b = {0};
    int code = FF_CONFLICT;

    for (int i = 0; i < RACES && code == FF_CONFLICT; i++) {
        batch_reset(&b);
        code = plan(c, arg, &b, err);
        if (b.n > 0 && (code == FF_OK || code == FF_DENIED))
            code = commit(c, &b, code, err);
    }
    if (b.n > 0 && (code == FF_OK || code == FF_DENIED))
        seal(c);
    batch_done(&b);
    return code;
}
