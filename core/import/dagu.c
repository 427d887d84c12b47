/* Dagu: one DAG file, in the spelling of 2026 (snake_case) or the older one. Its values
 * are variables of the shell: they stay so, and env says where each comes from. */
#include "import/dagu.h"

#include <string.h>

static const char why_once[] = "use a key that is the same for a day, or cache";
static const char why_kept[] = "how long runs are kept is a setting: engine.keep";
static const char why_logs[] = "logs are kept in the data directory";
static const char why_delay[] = "put a task with sleep first";

static const struct im_key dag_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"description", IMPORT_DONE, ""},
    {"type", IMPORT_DONE, ""},
    {"steps", IMPORT_DONE, ""},
    {"params", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"schedule", IMPORT_DONE, ""},
    {"handler_on", IMPORT_DONE, ""},
    {"handlerOn", IMPORT_DONE, ""},
    {"timeout_sec", IMPORT_DONE, ""},
    {"timeoutSec", IMPORT_DONE, ""},
    {"max_active_steps", IMPORT_DONE, ""},
    {"maxActiveSteps", IMPORT_DONE, ""},
    {"working_dir", IMPORT_DONE, ""},
    {"skip_if_successful", IMPORT_REFUSED, why_once},
    {"skipIfSuccessful", IMPORT_REFUSED, why_once},
    {"preconditions", IMPORT_REFUSED, "put an if at the first tasks"},
    {"dotenv", IMPORT_REFUSED, "name each variable in env"},
    {"queue", IMPORT_REFUSED, "use defaults: {queue: NAME}"},
    {"max_active_runs", IMPORT_REFUSED, "use concurrency"},
    {"maxActiveRuns", IMPORT_REFUSED, "use concurrency"},
    {"delay_sec", IMPORT_REFUSED, why_delay},
    {"delaySec", IMPORT_REFUSED, why_delay},
    {"restart_wait_sec", IMPORT_APPROXIMATED, "runs are not restarted by a schedule"},
    {"restartWaitSec", IMPORT_APPROXIMATED, "runs are not restarted by a schedule"},
    {"max_clean_up_time_sec", IMPORT_REFUSED, "use grace"},
    {"maxCleanUpTimeSec", IMPORT_REFUSED, "use grace"},
    {"tags", IMPORT_APPROXIMATED, "use labels: {NAME: value}"},
    {"group", IMPORT_APPROXIMATED, "workflows have no group"},
    {"hist_retention_days", IMPORT_APPROXIMATED, why_kept},
    {"histRetentionDays", IMPORT_APPROXIMATED, why_kept},
    {"log_dir", IMPORT_APPROXIMATED, why_logs},
    {"logDir", IMPORT_APPROXIMATED, why_logs},
    {"mail_on", IMPORT_REFUSED, "send it in on_failure"},
    {"mailOn", IMPORT_REFUSED, "send it in on_failure"},
    {"smtp", IMPORT_REFUSED, "send mail in on_failure"},
    {NULL, IMPORT_DONE, NULL}};

const struct source_node *dagu_either(const struct source_node *map, const char *a,
                                      const char *b)
{
    const struct source_node *found = source_get(map, a);

    return found ? found : source_get(map, b);
}

static void add_param(struct import *im, const struct source_node *at, const char *name,
                      const char *value)
{
    const char *ours = im_name(im, "inputs", dagu_lower(im, name));
    const struct source_node fallback =
        source_made_text(&im->out, value, strlen(value));

    im_input(im, ours, "string", &fallback, NULL);
    dagu_note_value(im, name, source_text(&im->out, "inputs.%s", ours));
    im_did(im, at, name);
}

static void read_params(struct import *im, const struct source_node *params)
{
    for (size_t i = 0; params && params->kind != SOURCE_SCALAR && i < params->n; i++) {
        const struct source_pair *pair = &params->items[i];
        if (params->kind == SOURCE_MAP)
            add_param(im, &pair->key, pair->key.text, im_text(&pair->value));
        else if (pair->value.kind == SOURCE_MAP)
            read_params(im, &pair->value);
    }
    int position = 1;
    for (const char *p = im_text(params); *p;) {
        const size_t len = strcspn(p, " ");
        const char *word = arena_text(&im->out.arena, p, len);
        const char *equal = strchr(word, '=');
        const char *name =
            equal ? arena_text(&im->out.arena, word, (size_t)(equal - word))
                  : source_text(&im->out, "%d", position);
        add_param(im, params, name, equal ? equal + 1 : word);
        position++;
        p += len + strspn(p + len, " ");
    }
}

static void read_schedule(struct import *im, const struct source_node *schedule)
{
    struct source_node cron = source_made_list();

    if (!schedule)
        return;
    if (schedule->kind == SOURCE_MAP) {
        static const struct im_key keys[] = {
            {"start", IMPORT_DONE, ""},
            {"stop", IMPORT_REFUSED, "use timeout of the workflow"},
            {"restart", IMPORT_REFUSED, "use overlap: cancel"},
            {NULL, IMPORT_DONE, NULL}};
        im_keys(im, schedule, keys);
        read_schedule(im, source_get(schedule, "start"));
        return;
    }
    for (size_t i = 0; i < (schedule->kind == SOURCE_LIST ? schedule->n : 1); i++) {
        const char *text = schedule->kind == SOURCE_LIST
                               ? im_text(&schedule->items[i].value)
                               : schedule->text;
        struct source_node item = source_made_map();
        item.style = SOURCE_FLOW;
        if (text_starts(text, "CRON_TZ=")) {
            const size_t len = strcspn(text, " ");
            im_set(im, &item, "expr", text + len + 1);
            im_set(im, &item, "timezone",
                   source_text(&im->out, "%.*s", (int)len - 8, text + 8));
        } else {
            im_set(im, &item, "expr", text);
        }
        source_append(&im->out, &cron, item);
    }
    source_add(&im->out, &im->triggers, "cron", cron);
    im_did(im, schedule, "schedule");
}

static void read_handlers(struct import *im, const struct source_node *handlers)
{
    struct {
        const char *key;
        struct source_node *into;
    } const parts[] = {{"success", &im->on_success},
                       {"failure", &im->on_failure},
                       {"cancel", &im->on_cancel},
                       {"abort", &im->on_cancel},
                       {"exit", &im->finally}};

    for (size_t i = 0; handlers && handlers->kind == SOURCE_MAP && i < handlers->n;
         i++) {
        const struct source_pair *pair = &handlers->items[i];
        size_t k = 0;
        while (k < COUNT_OF(parts) && strcmp(parts[k].key, pair->key.text) != 0)
            k++;
        if (k == COUNT_OF(parts))
            im_refuse(im, &pair->key, pair->key.text, "make it the first task");
        else
            dagu_step(
                im, &pair->value,
                im_name(im, "handlers", source_text(&im->out, "on_%s", pair->key.text)),
                NULL, parts[k].into);
    }
}

static bool is_graph(const struct import *im, const struct source_node *steps)
{
    if (source_get(im->doc, "type"))
        return strcmp(im_get(im->doc, "type"), "graph") == 0;
    for (size_t i = 0; i < steps->n; i++)
        if (source_get(&steps->items[i].value, "depends"))
            return true;
    return false;
}

int import_dagu(struct import *im)
{
    const struct source_node *steps = source_get(im->doc, "steps");
    const struct source_node *most =
        dagu_either(im->doc, "max_active_steps", "maxActiveSteps");

    if (!steps || steps->kind == SOURCE_SCALAR)
        return ff_fail(im->err, FF_INVALID, 0,
                       "this is no DAG of Dagu: it has no steps");
    if (im_get(im->doc, "name")[0])
        im->name = im_get(im->doc, "name");
    im_keys(im, im->doc, dag_keys);
    if (source_get(im->doc, "description"))
        im_set(im, &im->out.root, "description", im_get(im->doc, "description"));
    im_set_duration(im, &im->out.root, "timeout",
                    dagu_either(im->doc, "timeout_sec", "timeoutSec"), "s");
    im_set_number(im, &im->out.root, "parallelism", most);
    read_params(im, source_get(im->doc, "params"));
    read_schedule(im, source_get(im->doc, "schedule"));
    dagu_env(im, source_get(im->doc, "env"), &im->env);
    const bool graph = is_graph(im, steps);
    const char *before = NULL;
    for (size_t i = 0; i < steps->n; i++) {
        const struct source_node *step = &steps->items[i].value;
        const char *theirs =
            steps->kind == SOURCE_MAP ? steps->items[i].key.text : dagu_step_name(step);
        if (!theirs[0])
            theirs = source_text(&im->out, "step_%zu", i + 1);
        const char *name = im_name(im, "steps", theirs);
        dagu_step(im, step, name, graph ? NULL : before, &im->tasks);
        before = name;
    }
    read_handlers(im, dagu_either(im->doc, "handler_on", "handlerOn"));
    return FF_OK;
}
