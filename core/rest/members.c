/* members.c - who has which role in a tenant, and the log of what was done about it. */
#include "rest/rest_priv.h"

#include <string.h>

struct listing {
    struct rest_page page;
    json_t *names; /* of projects */
};

/* --- members --- */

/* project and subject together find the row again. */
static bool step_member(struct listing *l, const struct member_row *row)
{
    struct buf key = {0};

    buf_add(&key, &row->project, sizeof(row->project));
    buf_add(&key, row->subject.s, row->subject.len);

    const bool room = rest_page_step(&l->page, true, key.data, key.len);

    buf_done(&key);
    return room;
}

static int list_member(void *arg, const void *row)
{
    const struct member_row *member = row;
    struct listing *l = arg;

    if (!step_member(l, member))
        return 1;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_member, member);
    rest_add_project(&l->page.w, l->names, member->project);
    jsonw_close(&l->page.w, '}');
    return 0;
}

int rest_members_list(struct rest_call *c, struct ff_err *err)
{
    struct member_row after = {.tenant = c->scope.tenant.no};
    struct store_query q = {.record = &record_member, .like = &after, .n_equal = 1};
    struct listing l = {.names = rest_project_names(c, err)};

    if (!l.names)
        return err->code;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK && l.page.after.len > sizeof(after.project)) {
        memcpy(&after.project, l.page.after.data, sizeof(after.project));
        after.subject.s = l.page.after.data + sizeof(after.project);
        after.subject.len = l.page.after.len - sizeof(after.project);
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_member, &l, err);
    json_decref(l.names);
    return rest_page_end(&l.page, code);
}

int rest_member_put(struct rest_call *c, struct ff_err *err)
{
    const char *subject = rest_path(c, "subject");
    struct access_scope where = c->scope;
    struct access_call call;
    int code = rest_find_project(c, rest_ask(c, "project"), &where.project, err);

    if (code != FF_OK)
        return code;
    rest_access(c, &call);
    code = access_member_set(&call, where, subject, access_role(rest_text(c, "role")),
                             c->batch, err);
    c->forgets = true;
    return code;
}

int rest_member_delete(struct rest_call *c, struct ff_err *err)
{
    struct access_scope where = c->scope;
    struct access_call call;
    int code = rest_find_project(c, rest_ask(c, "project"), &where.project, err);

    if (code != FF_OK)
        return code;
    rest_access(c, &call);
    code = access_member_remove(&call, where, rest_path(c, "subject"), c->batch, err);
    c->forgets = true;
    return code;
}

/* --- the log --- */

static int list_entry(void *arg, const void *row)
{
    const struct audit_row *entry = row;
    struct listing *l = arg;

    if (!rest_page_step(&l->page, true, &entry->no, sizeof(entry->no)))
        return 1;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_audit, entry);
    rest_add_project(&l->page.w, l->names, entry->project);
    jsonw_close(&l->page.w, '}');
    return 0;
}

int rest_audit_list(struct rest_call *c, struct ff_err *err)
{
    struct access_page from = {0};
    struct listing l = {.names = rest_project_names(c, err)};

    if (!l.names)
        return err->code;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK && l.page.after.len == sizeof(from.before))
        memcpy(&from.before, l.page.after.data, sizeof(from.before));
    if (code == FF_OK)
        code = access_audit(c->store, c->reader, c->scope.tenant, &from, list_entry, &l,
                            err);
    json_decref(l.names);
    return rest_page_end(&l.page, code);
}
