/* cmd_member.c - `flowforge member`: which role subjects have, and where. */
#include "cli/access/access.h"
#include "cli/access/access_session.h"

struct member_plan {
    struct access_scope where;
    const char *subject;
    enum role role;
};

static int set(const struct access_call *call, void *arg, struct batch *b,
               struct ff_err *err)
{
    const struct member_plan *plan = arg;

    return access_member_set(call, plan->where, plan->subject, plan->role, b, err);
}

static int take(const struct access_call *call, void *arg, struct batch *b,
                struct ff_err *err)
{
    const struct member_plan *plan = arg;

    return access_member_remove(call, plan->where, plan->subject, b, err);
}

int cmd_member_set(struct cli *c)
{
    const char *subject = c->args.words.items[0];
    const char *role = c->args.words.items[1];
    struct access_session a;
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        struct member_plan plan = {a.where, subject, access_role(role)};
        char place[200];

        access_place_text(c, place, sizeof(place));
        code = a.s.remote
                   ? access_ask(&a, "PUT",
                                access_in_project(
                                    c, remote_path("members", subject, (char *)NULL)),
                                json_pack("{ss}", "role", role), NULL)
                   : access_do(&a, set, &plan);
        if (code == CLI_OK)
            cli_note(c, "%s is %s%s", subject, role, place);
    }
    access_close(&a);
    return code;
}

int cmd_member_remove(struct cli *c)
{
    const char *subject = c->args.words.items[0];
    struct access_session a;
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        struct member_plan plan = {a.where, subject, ROLE_NONE};

        code = a.s.remote
                   ? access_ask(&a, "DELETE",
                                access_in_project(
                                    c, remote_path("members", subject, (char *)NULL)),
                                NULL, NULL)
                   : access_do(&a, take, &plan);
        if (code == CLI_OK)
            cli_note(c, "%s has that role no more; API keys that he made stay",
                     subject);
    }
    access_close(&a);
    return code;
}

static int list_one(void *arg, const void *stored)
{
    const struct member_row *row = stored;
    struct access_list *l = arg;

    cli_cell_span(&l->grid, CLI_BOLD, row->subject);
    cli_cell(&l->grid, CLI_PLAIN, role_names[row->role]);
    cli_cell(&l->grid, CLI_PLAIN, access_list_project(l, row->project));
    access_list_time(l, row->created_at);
    cli_cell_span(&l->grid, CLI_DIM, row->created_by);
    access_list_json(l, &record_member, row,
                     COLUMN_BIT(COL_MEMBER_SUBJECT) | COLUMN_BIT(COL_MEMBER_ROLE) |
                         COLUMN_BIT(COL_MEMBER_CREATED_AT) |
                         COLUMN_BIT(COL_MEMBER_CREATED_BY),
                     row->project);
    return 0;
}

int cmd_member_list(struct cli *c)
{
    static const char *const heads[] = {"SUBJECT", "ROLE", "PROJECT",
                                        "SINCE",   "BY",   NULL};
    struct access_session a;
    struct access_list l;
    struct ff_err err = {0};
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        access_list_begin(&l, c, heads);
        code = access_list_projects(&l, &a, &err);
        if (code == FF_OK)
            code = access_members(a.store, a.call.reader, a.where.tenant, list_one, &l,
                                  &err);
        code = access_list_end(&l, "no members", code, &err);
    }
    access_close(&a);
    return code;
}
