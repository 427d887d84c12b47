/* names.c - which workflows and schedules the caller sees, by their names: for rows
 * that belong to one of them and do not say to which project. */
#include "rest/rest_priv.h"

struct noting {
    struct rest_names *names;
    struct arena *arena;
};

static const int64_t *known(const struct rest_names *names, struct span name)
{
    return map_get_len(&names->map, name.s, name.len);
}

static void note(const struct noting *n, struct span name, int64_t project,
                 int64_t since)
{
    int64_t *kept;

    if (!rest_sees(n->names->c, model_project(project)) || known(n->names, name))
        return;
    kept = arena_alloc(n->arena, sizeof(*kept));
    *kept = since;
    map_set_text(&n->names->map, arena_text(n->arena, name.s, name.len), kept);
}

static int note_version(void *arg, const void *row)
{
    const struct workflow_version_row *version = row;

    note(arg, version->name, version->project, version->created_at);
    return 0;
}

static int note_schedule(void *arg, const void *row)
{
    const struct schedule_row *schedule = row;

    note(arg, schedule->name, schedule->project, schedule->created_at);
    return 0;
}

/* Versions and schedules themselves say whose they are. */
int rest_names_read(struct rest_call *c, const struct ff_record *record,
                    struct rest_names *names, struct ff_err *err)
{
    const struct workflow_version_row version = {.tenant = c->scope.tenant.no};
    const struct schedule_row schedule = {.tenant = c->scope.tenant.no};
    const struct store_query versions = {
        .record = &record_workflow_version, .like = &version, .n_equal = 1};
    const struct store_query schedules = {
        .record = &record_schedule, .like = &schedule, .n_equal = 1};
    struct noting n = {.names = names, .arena = &c->arena};

    *names = (struct rest_names){.c = c, .all = rest_sees(c, PROJECT_ALL)};
    if (names->all || record == &record_workflow_version || record == &record_schedule)
        return FF_OK;
    if (record == &record_workflow_label)
        return store_scan(c->store, c->reader, &versions, note_version, &n, err);
    return store_scan(c->store, c->reader, &schedules, note_schedule, &n, err);
}

/* What became of times of one that had the name before may have been another
 * project's. */
static bool sees_time(const struct rest_names *names,
                      const struct schedule_run_row *time)
{
    const int64_t *since = known(names, time->schedule);

    return since && time->decided_at >= *since;
}

bool rest_names_see(const struct rest_names *names, const struct ff_record *record,
                    const void *row)
{
    const struct workflow_version_row *version = row;
    const struct workflow_label_row *label = row;
    const struct schedule_row *schedule = row;
    const struct backfill_row *backfill = row;

    if (names->all)
        return true;
    if (record == &record_workflow_version)
        return rest_sees(names->c, model_project(version->project));
    if (record == &record_schedule)
        return rest_sees(names->c, model_project(schedule->project));
    if (record == &record_workflow_label)
        return known(names, label->name) != NULL;
    if (record == &record_schedule_run)
        return sees_time(names, row);
    return known(names, backfill->schedule) != NULL;
}

void rest_names_done(struct rest_names *names)
{
    map_done(&names->map);
}
