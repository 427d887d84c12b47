/* cmd_key.c - `flowforge key`: credentials of programs. One is shown when it is made
 * and never again, and never taken from an argument, which everybody on the machine can
 * read. */
#include "cli/access/access.h"
#include "cli/access/access_session.h"

#include <string.h>
#include <unistd.h>

#define EXPIRES_USUALLY "90d"

struct key_plan {
    struct access_new_key want;
    struct access_credential made;
};

static int create(const struct access_call *call, void *arg, struct batch *b,
                  struct ff_err *err)
{
    struct key_plan *plan = arg;

    return access_key_create(call, &plan->want, &plan->made, b, err);
}

static int read_expiry(const struct cli *c, int64_t now_us, int64_t *expires_at)
{
    const char *given = cli_get(&c->args, "expires");
    const char *text = given ? given : EXPIRES_USUALLY;
    int64_t span_us;

    *expires_at = MODEL_NULL;
    if (strcmp(text, "never") == 0)
        return CLI_OK;
    if (!units_duration(text, &span_us) || span_us == 0)
        return cli_fail(CLI_USAGE,
                        "--expires is a duration as 12h or 90d, or never; not %.40s",
                        text);
    *expires_at = now_us + span_us;
    return CLI_OK;
}

static int print_key(const struct cli *c, const struct key_plan *plan)
{
    const int64_t expires_at = plan->want.expires_at;
    char expires[UNITS_TEXT];
    struct buf out = {0};
    struct jsonw w = {.out = &out};

    if (!c->json) {
        cli_time_text(expires_at, expires);
        cli_note(c,
                 "API key %s with the role %s, %s%s: it is shown this once, and "
                 "stored nowhere",
                 plan->made.id, role_names[plan->want.role],
                 expires_at == MODEL_NULL ? "for ever" : "until ",
                 expires_at == MODEL_NULL ? "" : expires);
        buf_add_text(&out, plan->made.text);
    } else {
        jsonw_open(&w, '{');
        jsonw_key(&w, "id");
        jsonw_text(&w, plan->made.id);
        jsonw_key(&w, "credential");
        jsonw_text(&w, plan->made.text);
        jsonw_key(&w, "role");
        jsonw_text(&w, role_names[plan->want.role]);
        if (expires_at != MODEL_NULL) {
            units_time_text(expires_at, expires);
            jsonw_key(&w, "expires_at");
            jsonw_text(&w, expires);
        }
        jsonw_close(&w, '}');
    }
    buf_add_char(&out, '\n');
    return cli_print(&out);
}

/* The credential is in the answer, which is not kept for longer than it takes. */
static int ask_server(struct cli *c, const struct access_session *a,
                      struct key_plan *plan)
{
    struct access_new_key *want = &plan->want;
    char expires[UNITS_TEXT];
    json_t *answer = NULL;
    json_t *body =
        json_pack("{ss ss ss*}", "name", want->name, "role", role_names[want->role],
                  "project", cli_get(&c->args, "project"));

    units_time_text(want->expires_at, expires);
    if (want->expires_at == MODEL_NULL)
        json_object_set_new(body, "never_expires", json_true());
    else if (cli_has(&c->args, "expires"))
        json_object_set_new(body, "expires_at", json_string(expires));
    const int code =
        access_ask(a, "POST", remote_path("keys", (char *)NULL), body, &answer);
    const char *id = json_string_value(json_object_get(answer, "id"));
    const char *text = json_string_value(json_object_get(answer, "credential"));
    const char *end = json_string_value(json_object_get(answer, "expires_at"));
    snprintf(plan->made.id, sizeof(plan->made.id), "%s", id ? id : "");
    snprintf(plan->made.text, sizeof(plan->made.text), "%s", text ? text : "");
    if (end) /* without --expires it may be less than usual */
        units_time(end, &want->expires_at);
    json_decref(answer);
    return code;
}

int cmd_key_create(struct cli *c)
{
    const char *role = cli_get(&c->args, "role");
    struct access_session a;

    if (!role)
        return cli_fail(CLI_USAGE, "--role says what the key may do: viewer, operator, "
                                   "author or admin");

    int code = access_open(c, &a);

    if (code == CLI_OK) {
        struct key_plan plan = {.want = {.name = c->args.words.items[0],
                                         .role = access_role(role),
                                         .where = a.where}};

        code = read_expiry(c, a.call.now_us, &plan.want.expires_at);
        if (code == CLI_OK)
            code = a.s.remote ? ask_server(c, &a, &plan) : access_do(&a, create, &plan);
        if (code == CLI_OK)
            code = print_key(c, &plan);
        access_credential_wipe(&plan.made);
    }
    access_close(&a);
    return code;
}

/* --- revoke, list --- */

struct revoke_plan {
    struct tenant t;
    const char *id;
};

static int revoke_key(const struct access_call *call, void *arg, struct batch *b,
                      struct ff_err *err)
{
    const struct revoke_plan *plan = arg;

    return access_key_revoke(call, plan->t, plan->id, b, err);
}

int cmd_key_revoke(struct cli *c)
{
    struct access_session a;
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        struct revoke_plan plan = {a.where.tenant, c->args.words.items[0]};

        if (!a.s.remote)
            code = access_do(&a, revoke_key, &plan);
        else if (strlen(plan.id) != KEY_ID_TEXT - 1) /* perhaps a whole one */
            code = cli_fail(CLI_USAGE, "an API key is named by the 8 characters behind "
                                       "ffk_; what comes behind them is its secret");
        else
            code = access_ask(&a, "DELETE", remote_path("keys", plan.id, (char *)NULL),
                              NULL, NULL);
        if (code == CLI_OK)
            cli_note(c, "API key %s is revoked", plan.id);
    }
    access_close(&a);
    return code;
}

struct key_list {
    struct access_list l; /* first: what the others take */
    int64_t now_us;
};

static const char *state_of(const struct api_key_row *row, int64_t now_us)
{
    if (row->revoked_at != MODEL_NULL)
        return "revoked";
    if (row->expires_at != MODEL_NULL && row->expires_at <= now_us)
        return "expired";
    return "valid";
}

/* All but what could help anybody to guess it. */
static const uint64_t shown =
    COLUMN_BIT(COL_API_KEY_ID) | COLUMN_BIT(COL_API_KEY_NAME) |
    COLUMN_BIT(COL_API_KEY_ROLE) | COLUMN_BIT(COL_API_KEY_CREATED_AT) |
    COLUMN_BIT(COL_API_KEY_CREATED_BY) | COLUMN_BIT(COL_API_KEY_EXPIRES_AT) |
    COLUMN_BIT(COL_API_KEY_REVOKED_AT) | COLUMN_BIT(COL_API_KEY_REVOKED_BY) |
    COLUMN_BIT(COL_API_KEY_LAST_USED_AT);

static int list_one(void *arg, const void *stored)
{
    const struct api_key_row *row = stored;
    struct key_list *keys = arg;
    struct access_list *l = &keys->l;
    const char *state = state_of(row, keys->now_us);

    cli_cell_span(&l->grid, CLI_BOLD, row->id);
    cli_cell_span(&l->grid, CLI_PLAIN, row->name);
    cli_cell(&l->grid, strcmp(state, "valid") == 0 ? CLI_GREEN : CLI_RED, state);
    cli_cell(&l->grid, CLI_PLAIN, role_names[row->role]);
    cli_cell(&l->grid, CLI_PLAIN, access_list_project(l, row->project));
    access_list_time(l, row->expires_at);
    access_list_time(l, row->last_used_at);
    cli_cell_span(&l->grid, CLI_DIM, row->created_by);
    access_list_json(l, &record_api_key, row, shown, row->project);
    return 0;
}

int cmd_key_list(struct cli *c)
{
    static const char *const heads[] = {
        "KEY", "NAME", "STATE", "ROLE", "PROJECT", "EXPIRES", "LAST USE", "BY", NULL};
    struct access_session a;
    struct key_list keys;
    struct ff_err err = {0};
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        access_list_begin(&keys.l, c, heads);
        keys.now_us = a.call.now_us;
        code = access_list_projects(&keys.l, &a, &err);
        if (code == FF_OK)
            code = access_keys(a.store, a.call.reader, a.where.tenant, list_one, &keys,
                               &err);
        code = access_list_end(&keys.l, "no API keys", code, &err);
    }
    access_close(&a);
    return code;
}

/* --- check --- */

/* One byte more than fits, so that too long is told from just right. */
static int read_credential(char *out, size_t size)
{
    size_t len = 0;
    ssize_t n = 0;

    if (isatty(STDIN_FILENO) == 1)
        return cli_fail(CLI_USAGE, "the key is read from standard input: flowforge key "
                                   "check < FILE");
    do {
        n = read(STDIN_FILENO, out + len, size - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && len < size - 1);
    out[len] = '\0';
    if (len > 0 && out[len - 1] == '\n')
        out[len - 1] = '\0';
    return n < 0 ? cli_fail(CLI_IO, "standard input cannot be read") : CLI_OK;
}

struct naming {
    int64_t project;
    struct buf *name;
};

static int name_project(void *arg, const void *stored)
{
    const struct project_row *row = stored;
    const struct naming *n = arg;

    if (row->project == n->project)
        buf_add(n->name, row->name.s, row->name.len);
    return row->project == n->project;
}

static void add_principal_json(struct buf *out, const struct principal *p,
                               const char *tenant, enum role role, const char *project)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    jsonw_key(&w, "subject");
    jsonw_text(&w, p->subject);
    jsonw_key(&w, "tenant");
    jsonw_text(&w, p->platform ? NULL : tenant);
    jsonw_key(&w, "project");
    jsonw_text(&w, p->project == PROJECT_ALL ? NULL : project);
    jsonw_key(&w, "role");
    jsonw_text(&w, role_names[p->platform ? ROLE_ADMIN : role]);
    jsonw_key(&w, "platform");
    jsonw_bool(&w, p->platform);
    jsonw_close(&w, '}');
}

static void add_principal(const struct cli *c, struct buf *out,
                          const struct principal *p, const char *tenant, enum role role,
                          const char *project)
{
    const bool confined = p->project != PROJECT_ALL;

    if (c->json)
        add_principal_json(out, p, tenant, role, project);
    else
        buf_printf(out, "%s: %s of %s%s%s", p->subject,
                   role_names[p->platform ? ROLE_ADMIN : role], tenant,
                   confined ? ", in the project " : "", project);
    buf_add_char(out, '\n');
}

static int print_principal(struct cli *c, const struct access_session *a,
                           const struct principal *p)
{
    const enum role role = p->project == PROJECT_ALL ? p->role : p->project_role;
    struct arena arena = {0};
    struct tenant_row tenant = {.name = span_of("")};
    struct ff_err err = {0};
    struct buf out = {0};
    struct buf project = {0};
    struct naming naming = {p->project, &project};
    const bool confined = p->project != PROJECT_ALL;
    int code = FF_OK;

    if (!p->platform)
        code = access_tenant_by_no(a->store, a->call.reader, p->tenant, &arena, &tenant,
                                   &err);
    if (code == FF_OK && confined)
        code = access_projects(a->store, a->call.reader, p->tenant, name_project,
                               &naming, &err);

    const char *name = p->platform ? "the whole installation" : tenant.name.s;
    if (code == FF_OK)
        add_principal(c, &out, p, name, role, buf_text(&project));
    arena_done(&arena);
    buf_done(&project);
    if (code == FF_OK)
        return cli_print(&out);
    buf_done(&out);
    return cli_fail_err(&err);
}

/* As a terminal may see it. */
static char *clean_of(const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "?";
    struct buf clean = {0};

    cli_add_clean(&clean, text, strlen(text));
    return buf_take(&clean);
}

/* Who shows it there is told who he is. */
static int check_there(struct cli *c, char *credential)
{
    struct remote r = *c->remote;
    const struct remote_request what = {.method = "GET", .path = "/me"};
    struct ff_err err = {0};
    json_t *me = NULL;
    struct buf out = {0};

    r.token = credential;
    if (remote_call(&r, &what, &me, &err) != FF_OK)
        return cli_fail_err(&err);
    const json_t *project = json_object_get(me, "project");
    const bool platform = json_is_true(json_object_get(me, "platform"));
    const bool confined = json_is_string(project);
    MEM_AUTO char *tenant = clean_of(json_object_get(me, "tenant"));
    MEM_AUTO char *subject = clean_of(json_object_get(me, "subject"));
    MEM_AUTO char *place = clean_of(project);
    const char *role =
        json_string_value(json_object_get(me, confined ? "project_role" : "role"));
    struct principal p = {.platform = platform,
                          .project = confined ? PROJECT_DEFAULT : PROJECT_ALL};

    snprintf(p.subject, sizeof(p.subject), "%s", subject);
    add_principal(c, &out, &p, platform ? "the whole installation" : tenant,
                  role ? access_role(role) : ROLE_NONE, confined ? place : "");
    json_decref(me);
    return cli_print(&out);
}

int cmd_key_check(struct cli *c)
{
    char credential[CREDENTIAL_TEXT + 2];
    struct access_session a = {0};
    struct principal p;
    struct ff_err err = {0};
    int code = read_credential(credential, sizeof(credential));

    if (code == CLI_OK && c->remote) {
        code = check_there(c, credential);
        explicit_bzero(credential, sizeof(credential));
        return code;
    }
    if (code == CLI_OK)
        code = access_open(c, &a);
    if (code == CLI_OK && access_key_verify(a.store, a.call.reader, credential,
                                            a.call.now_us, &p, NULL, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code == CLI_OK)
        code = print_principal(c, &a, &p);
    explicit_bzero(credential, sizeof(credential));
    access_close(&a);
    return code;
}
