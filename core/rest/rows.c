/* rows.c - rows as the store has them, for the command line of another machine: its
 * commands read them as they would here, and show the same. Only what the caller's role
 * lets him see by other routes too; never a value of a secret, or what a key is known
 * by. Values that stand beside a row are put into it. */
#include "rest/rest_priv.h"

#include <string.h>

/* Then the rest is another request's: for its size, for what was looked at in vain, or
 * for the time that a lane was at it. */
#define ANSWER_MAX ((size_t)8 * 1024 * 1024)
#define LOOKS_MAX  PAGE_LOOKS
#define LOOKING_US (2 * UNITS_SECOND)

#define BIT(column) COLUMN_BIT(COL_##column)

/* What may be asked for, and where the permission is needed: what is of runs, workflows
 * and schedules in their projects (names of projects by who sees what is in them), and
 * other things in the whole tenant or in its project `default`.
 * `paths`: on the server's disk, for whoever administers the tenant. */
static const struct shown {
    const struct ff_record *record;
    enum permission needs;
    enum { OF_RUN, OF_NAME, IN_DEFAULT, WHOLE } of;
    uint64_t hidden, paths;
} all_shown[] = {
    {&record_run, MAY_VIEW, OF_RUN, 0, BIT(RUN_DIR)},
    {&record_open_run, MAY_VIEW, OF_RUN, 0, 0},
    {&record_child_run, MAY_VIEW, OF_RUN, 0, 0},
    {&record_task, MAY_VIEW, OF_RUN, 0, 0},
    {&record_event, MAY_VIEW, OF_RUN, 0, 0},
    {&record_cache, MAY_MEMBERS, WHOLE, 0, 0},
    {&record_workflow, MAY_VIEW, OF_RUN, 0, BIT(WORKFLOW_PATH)},
    {&record_workflow_version, MAY_VIEW, OF_NAME, 0, BIT(WORKFLOW_VERSION_DIR)},
    {&record_workflow_label, MAY_VIEW, OF_NAME, 0, 0},
    {&record_schedule, MAY_VIEW, OF_NAME, 0, BIT(SCHEDULE_DIR)},
    {&record_schedule_run, MAY_VIEW, OF_NAME, 0, 0},
    {&record_backfill, MAY_VIEW, OF_NAME, 0, 0},
    {&record_slot, MAY_VIEW, IN_DEFAULT, 0, 0},
    {&record_rate_token, MAY_VIEW, IN_DEFAULT, 0, 0},
    {&record_limit_size, MAY_VIEW, IN_DEFAULT, 0, 0},
    {&record_queue_pause, MAY_VIEW, IN_DEFAULT, 0, 0},
    {&record_secret, MAY_SECRET_NAMES, IN_DEFAULT, BIT(SECRET_SEALED), 0},
    {&record_tenant, MAY_TENANTS, WHOLE, 0, 0},
    {&record_project, MAY_MEMBERS, WHOLE, 0, 0},
    {&record_member, MAY_MEMBERS, WHOLE, 0, 0},
    {&record_api_key, MAY_MEMBERS, WHOLE, BIT(API_KEY_HASH), 0},
    {&record_audit, MAY_AUDIT, WHOLE, 0, 0},
    {&record_audit_open, MAY_AUDIT, WHOLE, 0, 0},
    {&record_audit_seal, MAY_AUDIT, WHOLE, 0, 0},
};

#define ORDER_MAX 16

struct reading {
    struct rest_call *c;
    const struct shown *shown;
    struct jsonw w;
    int tenant;       /* the column of it; -1: rows are of no tenant */
    char id[ID_TEXT]; /* of the run that all rows are of; or "" */
    int64_t project;  /* the same */
    int64_t only;     /* of runs those of this project; PROJECT_ALL: all */
    bool sees_text;   /* of the workflow that is asked for, or of all */
    uint64_t hidden;
    int64_t limit, n, n_looks, until_us;
    bool more;
    struct rest_names names; /* of workflows and schedules that he sees */
    struct buf after; /* where more follows behind the last row that was looked at */
    json_t *kept;     /* parameters as JSON, which the query points into */
};

static bool may_view(const struct reading *r, int64_t project)
{
    const struct access_scope where = {r->c->scope.tenant, project};

    return access_may(&r->c->who, MAY_VIEW, where);
}

/* --- which rows --- */

static const struct shown *find_shown(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(all_shown); i++)
        if (strcmp(all_shown[i].record->name, name) == 0)
            return &all_shown[i];
    return NULL;
}

/* Tenants themselves are the installation's. */
static int may(struct rest_call *c, const struct shown *shown, struct ff_err *err)
{
    if (rest_find_tenant(c, err) != FF_OK)
        return err->code;
    if (shown->record == &record_tenant)
        c->scope.tenant = TENANT_PLATFORM;
    else if (shown->of != WHOLE)
        c->scope.project = PROJECT_DEFAULT;
    if ((shown->of == OF_RUN || shown->of == OF_NAME) &&
        c->scope.tenant.no == c->who.tenant.no &&
        access_may_somewhere(&c->who, shown->needs))
        return FF_OK;
    if (shown->record == &record_project && c->scope.tenant.no == c->who.tenant.no &&
        access_may_somewhere(&c->who, MAY_VIEW))
        return FF_OK;
    if (access_may(&c->who, shown->needs, c->scope))
        return FF_OK;
    return rest_fail_denied(c, shown->needs, err);
}

static int tenant_column(const struct ff_record *r)
{
    for (int i = 0; r != &record_tenant && i < r->n_columns; i++)
        if (strcmp(r->columns[i].name, "tenant") == 0)
            return i;
    return -1;
}

/* Columns of the index, and with `all` those of the key behind them. */
static size_t find_order(const struct ff_record *r, const char *index, bool all,
                         uint16_t order[ORDER_MAX])
{
    size_t n = 0;

    for (int i = 0; index && i < r->n_indexes; i++)
        if (strcmp(r->indexes[i].name, index) == 0)
            for (uint16_t k = 0; k < r->indexes[i].n_columns; k++)
                order[n++] = r->indexes[i].columns[k];
    for (uint16_t i = 0; (all || !index) && i < r->n_key; i++)
        order[n++] = i;
    return n;
}

static int fail_parameter(struct rest_call *c, const char *name, struct ff_err *err)
{
    rest_add_error(c, "parameter", name, "is not of this record, in this order");
    return rest_fail(c, PROBLEM_INVALID, err,
                     "there are no such columns, or values of them");
}

/* JSON that lives as long as the call; NULL: not given, or none. */
static json_t *keep_parsed(struct reading *r, const char *text)
{
    struct ff_err ignored;
    json_t *value = text ? json_parse(text, strlen(text), &ignored) : NULL;

    if (value)
        json_array_append_new(r->kept, value);
    return value;
}

/* The values of a list into the columns of a row: the place that a query begins at. */
static int read_place(struct reading *r, const char *text, bool all, void **row,
                      uint32_t *n)
{
    const struct ff_record *record = r->shown->record;
    const json_t *list = keep_parsed(r, text);
    struct ff_value values[64] = {{0}};
    uint16_t order[ORDER_MAX] = {0};
    const size_t n_order = find_order(record, rest_ask(r->c, "index"), all, order);

    *n = (uint32_t)json_array_size(list);
    if (text && (!json_is_array(list) || *n > n_order || (all && *n != n_order)))
        return FF_INVALID;
    for (size_t i = 0; i < *n; i++)
        if (!model_wire_read(&record->columns[order[i]], json_array_get(list, i),
                             &values[order[i]]))
            return FF_INVALID;
    /* Whatever was asked for: of the caller's tenant. */
    if (r->tenant >= 0)
        values[r->tenant] =
            (struct ff_value){.type = FF_INT, .i = r->c->scope.tenant.no};
    if (r->tenant == order[0] && *n == 0)
        *n = 1;
    *row = arena_alloc(&r->c->arena, model_row_size(record));
    model_from_values(record, values, *row);
    return FF_OK;
}

/* A cursor is of one order of one tenant's rows. */
static void cursor_context(const struct reading *r, char *out, size_t size)
{
    const char *index = rest_ask(r->c, "index");

    snprintf(out, size, "rows %s %s %d %lld", r->shown->record->name,
             index ? index : "", rest_ask_bool(r->c, "descending"),
             (long long)r->c->scope.tenant.no);
}

/* The place that a cursor names, as text of JSON; "" without one. */
static bool open_cursor(struct reading *r, struct buf *says)
{
    const char *cursor = rest_ask(r->c, "cursor");
    char context[160];

    cursor_context(r, context, sizeof(context));
    return !cursor || cursor_read(cursor, r->c->rest->cursor_key, context, says);
}

static int read_after(struct reading *r, struct store_query *q)
{
    struct buf says = {0};
    void *after = NULL;
    uint32_t ignored;
    int code = FF_INVALID;

    if (open_cursor(r, &says))
        code = read_place(r, says.len > 0 ? buf_text(&says) : rest_ask(r->c, "after"),
                          true, &after, &ignored);
    buf_done(&says);
    q->after = rest_ask(r->c, "after") || rest_ask(r->c, "cursor") ? after : NULL;
    return code;
}

/* `at_least` and `below`, of the column behind the equal ones. */
static int read_end(struct reading *r, const char *name, uint32_t n_equal,
                    const struct ff_value **end)
{
    const struct ff_record *record = r->shown->record;
    struct ff_value *value = arena_alloc(&r->c->arena, sizeof(*value));
    uint16_t order[ORDER_MAX] = {0};
    const size_t n = find_order(record, rest_ask(r->c, "index"), false, order);

    const char *text = rest_ask(r->c, name);

    if (!text)
        return FF_OK;
    if (n_equal >= n ||
        !model_wire_read(&record->columns[order[n_equal]], keep_parsed(r, text),
                         value) ||
        !value->type)
        return FF_INVALID;
    *end = value;
    return FF_OK;
}

/* One in which he sees nothing is not there. */
static int read_only(struct reading *r, struct ff_err *err)
{
    const char *name = rest_ask(r->c, "project");

    if (rest_find_project(r->c, name, &r->only, err) != FF_OK)
        return err->code;
    if (name && !may_view(r, r->only))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no project %.64s", name);
    return FF_OK;
}

static int read_query(struct reading *r, struct store_query *q, struct ff_err *err)
{
    const char *index = rest_ask(r->c, "index");
    uint16_t order[ORDER_MAX] = {0};
    void *like;

    *q = (struct store_query){.record = r->shown->record,
                              .index = index,
                              .descending = rest_ask_bool(r->c, "descending")};
    if (index && find_order(q->record, index, false, order) == 0)
        return fail_parameter(r->c, "index", err);
    if (read_place(r, rest_ask(r->c, "equal"), false, &like, &q->n_equal) != FF_OK)
        return fail_parameter(r->c, "equal", err);
    q->like = like;
    if (read_after(r, q) != FF_OK)
        return fail_parameter(r->c, rest_ask(r->c, "cursor") ? "cursor" : "after", err);
    if (read_end(r, "at_least", q->n_equal, &q->from) != FF_OK)
        return fail_parameter(r->c, "at_least", err);
    if (read_end(r, "below", q->n_equal, &q->below) != FF_OK)
        return fail_parameter(r->c, "below", err);
    return FF_OK;
}

/* --- whose a workflow's text is --- */

/* Is the text that of a run, or version, that the caller may see? */
struct asking {
    const struct reading *r;
    struct span hash;
    size_t n_looks;
    bool sees;
};

static int stop_asking(struct asking *a, bool sees)
{
    a->sees = sees;
    return sees || ++a->n_looks == LOOKS_MAX;
}

static int ask_run(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct asking *a = arg;

    return stop_asking(a, span_eq(run->hash, a->hash) && may_view(a->r, run->project));
}

static int ask_version(void *arg, const void *row)
{
    const struct workflow_version_row *version = row;
    struct asking *a = arg;

    return stop_asking(a, span_eq(version->hash, a->hash) &&
                              may_view(a->r, model_project(version->project)));
}

/* The newest runs first, as who asks has just looked at one. */
static int look_for_text(struct asking *a, struct ff_err *err)
{
    const struct rest_call *c = a->r->c;
    const struct run_row run = {.tenant = c->scope.tenant.no};
    const struct workflow_version_row version = {.tenant = c->scope.tenant.no};
    const struct store_query runs = {
        .record = &record_run, .like = &run, .n_equal = 1, .descending = true};
    const struct store_query versions = {
        .record = &record_workflow_version, .like = &version, .n_equal = 1};
    int code = store_scan(c->store, c->reader, &versions, ask_version, a, err);
    a->n_looks = 0;
    if (code == FF_OK && !a->sees)
        code = store_scan(c->store, c->reader, &runs, ask_run, a, err);
    return code;
}

/* Who sees all of the tenant sees all texts. Others ask for one: all would each have to
 * be looked for in all runs. */
static int judge_text(struct reading *r, const struct store_query *q,
                      struct ff_err *err)
{
    struct asking a = {.r = r, .sees = may_view(r, PROJECT_ALL)};
    int code = FF_OK;

    if (!a.sees && q->n_equal < 2)
        return rest_fail_denied(r->c, MAY_VIEW, err);
    if (q->like)
        a.hash = ((const struct workflow_row *)q->like)->hash;
    if (!a.sees && a.hash.s)
        code = look_for_text(&a, err);
    r->sees_text = a.sees;
    return code;
}

/* --- what stands beside rows --- */

static int take_id(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct reading *r = arg;

    snprintf(r->id, sizeof(r->id), "%.*s", (int)run->id.len, run->id.s);
    r->project = run->project;
    return 1;
}

/* Of one run: then values that stand in its folder can be found. */
static int find_id(struct reading *r, const struct store_query *q, struct ff_err *err)
{
    struct run_row run = {.tenant = r->c->scope.tenant.no};
    const struct store_query one = {
        .record = &record_run, .like = &run, .n_equal = 2, .limit = 1};

    if (q->index || q->n_equal < 2 || !q->like)
        return FF_OK;
    if (q->record == &record_task)
        run.run = ((const struct task_row *)q->like)->run;
    else if (q->record == &record_event)
        run.run = ((const struct event_row *)q->like)->run;
    else if (q->record == &record_child_run)
        run.run = ((const struct child_run_row *)q->like)->parent;
    else
        return FF_OK;
    return store_scan(r->c->store, r->c->reader, &one, take_id, r, err);
}

static const char *data_dir(const struct reading *r)
{
    return node_settings(r->c->rest->setup.node)->files_dir;
}

static struct span keep_json(struct reading *r, json_t *value)
{
    MEM_AUTO char *text = json_text(value);
    const size_t len = strlen(text);

    json_decref(value);
    return (struct span){.s = arena_text(&r->c->arena, text, len), .len = len};
}

static struct span open_events(struct reading *r, struct span body)
{
    struct ff_err ignored;
    json_t *one;
    size_t i;

    if (!memmem(body.s, body.len, "\"$values\"", 9))
        return body;
    json_t *list = json_parse(body.s, body.len, &ignored);
    json_array_foreach(list, i, one) exec_open_event(data_dir(r), r->id, one);
    return list ? keep_json(r, list) : body;
}

static struct span open_outputs(struct reading *r, struct span outputs)
{
    struct ff_err ignored;
    json_t *value = exec_resolve(data_dir(r), r->id, outputs, &ignored);

    return value ? keep_json(r, value) : outputs;
}

static void add_row(struct reading *r, const void *row)
{
    const struct ff_record *record = r->shown->record;
    union {
        struct run_row run;
        struct task_row task;
        struct event_row event;
    } open;

    if (record == &record_run) {
        open.run = *(const struct run_row *)row;
        open.run.inputs = rest_open_column(r->c, &open.run, open.run.inputs);
        open.run.outputs = rest_open_column(r->c, &open.run, open.run.outputs);
        row = &open;
    } else if (record == &record_task && r->id[0]) {
        open.task = *(const struct task_row *)row;
        if (open.task.outputs.s)
            open.task.outputs = open_outputs(r, open.task.outputs);
        row = &open;
    } else if (record == &record_event && r->id[0]) {
        open.event = *(const struct event_row *)row;
        open.event.body = open_events(r, open.event.body);
        row = &open;
    }
    model_wire_row(&r->w, record, row, r->hidden);
}

/* --- the answer --- */

/* Of the project that is asked for, as far as the row itself says whose it is. */
static bool is_of(const struct reading *r, const void *row)
{
    const struct ff_record *record = r->shown->record;
    const struct workflow_version_row *version = row;
    const struct schedule_row *schedule = row;
    int64_t project = r->only;

    if (record == &record_workflow_version)
        project = model_project(version->project);
    else if (record == &record_schedule)
        project = model_project(schedule->project);
    return r->only == PROJECT_ALL || project == r->only;
}

/* What is of a run is its project's. Of rows of several runs only who sees all of them
 * is told; open runs are numbers. */
static bool is_seen(const struct reading *r, const void *row)
{
    const struct ff_record *record = r->shown->record;
    const struct run_row *run = row;

    if (record == &record_project)
        return access_may(&r->c->who, r->shown->needs, r->c->scope) ||
               may_view(r, ((const struct project_row *)row)->project);
    if (r->shown->of == OF_NAME)
        return rest_names_see(&r->names, record, row) && is_of(r, row);
    if (r->shown->of != OF_RUN || record == &record_open_run)
        return true;
    if (record == &record_workflow)
        return r->sees_text;
    if (record == &record_run && r->only != PROJECT_ALL && run->project != r->only)
        return false;
    return rest_sees(r->c, record == &record_run ? run->project : r->project);
}

static bool is_theirs(const struct reading *r, const void *row)
{
    const struct ff_record *record = r->shown->record;
    int64_t tenant;

    if (!is_seen(r, row))
        return false;
    if (r->tenant < 0)
        return true;
    memcpy(&tenant, (const char *)row + record->columns[r->tenant].offset,
           sizeof(tenant));
    return tenant == r->c->scope.tenant.no;
}

static bool is_enough(const struct reading *r)
{
    return r->c->out.len > ANSWER_MAX || r->n_looks == LOOKS_MAX ||
           loop_mono_us(r->c->rest->setup.loop) > r->until_us;
}

/* Who asks on begins behind it; sealed, as it may not be for him. */
static void note_place(struct reading *r, const void *row)
{
    const struct ff_record *record = r->shown->record;
    struct buf place = {0};
    struct jsonw w = {.out = &place};
    struct ff_value values[64];
    char context[160];
    uint16_t order[ORDER_MAX] = {0};
    const size_t n = find_order(record, rest_ask(r->c, "index"), true, order);

    model_to_values(record, row, values);
    jsonw_open(&w, '[');
    for (size_t i = 0; i < n; i++)
        model_wire_value(&w, &record->columns[order[i]], &values[order[i]]);
    jsonw_close(&w, ']');
    cursor_context(r, context, sizeof(context));
    cursor_add(&r->after, r->c->rest->cursor_key, context, buf_text(&place), place.len);
    buf_done(&place);
}

static int tell(void *arg, const void *row)
{
    struct reading *r = arg;

    r->n_looks++;
    if (is_theirs(r, row)) {
        add_row(r, row);
        if (++r->n == r->limit)
            return 1;
    }
    r->more = is_enough(r);
    if (r->more)
        note_place(r, row);
    return r->more;
}

static uint64_t hidden_of(const struct rest_call *c, const struct shown *shown)
{
    const struct access_scope whole = {.tenant = c->scope.tenant};

    return shown->hidden | (access_may(&c->who, MAY_MEMBERS, whole) ? 0 : shown->paths);
}

int rest_rows_list(struct rest_call *c, struct ff_err *err)
{
    struct reading r = {.c = c,
                        .shown = find_shown(rest_path(c, "record")),
                        .w = {.out = &c->out},
                        .limit = rest_ask_int(c, "limit", PAGE_MAX)};
    struct store_query q;

    if (!r.shown)
        return ff_fail(err, FF_NOT_FOUND, 0, "there are no rows of %.40s to be seen",
                       rest_path(c, "record"));
    if (may(c, r.shown, err) != FF_OK)
        return err->code;
    r.tenant = tenant_column(r.shown->record);
    r.hidden = hidden_of(c, r.shown);
    r.until_us = loop_mono_us(c->rest->setup.loop) + LOOKING_US;
    r.kept = json_array();

    int code = read_only(&r, err);

    if (code == FF_OK)
        code = read_query(&r, &q, err);
    if (code == FF_OK && q.record == &record_workflow)
        code = judge_text(&r, &q, err);
    if (code == FF_OK && r.shown->of == OF_NAME)
        code = rest_names_read(c, q.record, &r.names, err);
    if (code == FF_OK)
        code = find_id(&r, &q, err);
    jsonw_open(&r.w, '{');
    jsonw_key(&r.w, "rows");
    jsonw_open(&r.w, '[');
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, tell, &r, err);
    jsonw_close(&r.w, ']');
    jsonw_key(&r.w, "more");
    jsonw_bool(&r.w, r.more);
    if (r.more) {
        jsonw_key(&r.w, "after");
        jsonw_text(&r.w, buf_text(&r.after));
    }
    jsonw_close(&r.w, '}');
    buf_done(&r.after);
    rest_names_done(&r.names);
    json_decref(r.kept);
    return code;
}
