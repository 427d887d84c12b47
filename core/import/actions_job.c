/* A job of GitHub Actions as a task: what it needs, when it runs, its matrix. */
#include "import/actions.h"

#include <string.h>

static const struct im_key job_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"needs", IMPORT_DONE, ""},
    {"if", IMPORT_DONE, ""},
    {"strategy", IMPORT_DONE, ""},
    {"steps", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"outputs", IMPORT_DONE, ""},
    {"timeout-minutes", IMPORT_DONE, ""},
    {"continue-on-error", IMPORT_DONE, ""},
    {"defaults", IMPORT_DONE, ""},
    {"uses", IMPORT_DONE, ""},
    {"with", IMPORT_DONE, ""},
    {"runs-on", IMPORT_APPROXIMATED, "the machine is that of the engine"},
    {"permissions", IMPORT_APPROXIMATED, "tasks hold no token of GitHub"},
    {"container", IMPORT_APPROXIMATED,
     "an image is not started: programs are those of "
     "the machine"},
    {"services", IMPORT_REFUSED, "start what the job uses in a task, or outside"},
    {"environment", IMPORT_REFUSED, "put a task with approve before it"},
    {"concurrency", IMPORT_REFUSED, "use mutex of the task"},
    {"secrets", IMPORT_REFUSED, "secrets are not handed on: each file names its own"},
    {NULL, IMPORT_DONE, NULL}};

/* --- needs and if --- */

static size_t read_needs(struct import *im, const struct source_node *job,
                         const char *names[100])
{
    const struct source_node *needs = source_get(job, "needs");
    size_t n = 0;

    if (needs && needs->kind == SOURCE_SCALAR)
        names[n++] = im_name(im, "jobs", needs->text);
    for (size_t i = 0; needs && needs->kind == SOURCE_LIST && i < needs->n && n < 100;
         i++)
        names[n++] = im_name(im, "jobs", im_text(&needs->items[i].value));
    return n;
}

/* always() and failure() say what has to have become of the needs. */
static const char *formula_of(struct import *im, const char *condition,
                              const char *const *names, size_t n)
{
    const bool always = strstr(condition, "always()") != NULL;
    const bool failure = strstr(condition, "failure()") != NULL;
    struct buf text = {0};

    if ((!always && !failure) || n == 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%s.%s",
                   i == 0   ? ""
                   : always ? " && "
                            : " || ",
                   names[i], always ? "done" : "failed");
    const char *kept = source_text(&im->out, "%s", buf_text(&text));
    buf_done(&text);
    return kept;
}

/* Not run rather than run when it should not. */
static void refuse_condition(struct import *im, const struct source_node *at,
                             const char *text, struct source_node *task)
{
    im_set(im, task, "if", "false");
    im_refuse(im, at, "if",
              "%.100s cannot be converted; the task never runs until its if "
              "is written",
              text);
}

static void add_conditions(struct import *im, const struct source_node *job,
                           struct source_node *task)
{
    const struct source_node *condition = source_get(job, "if");
    const char *names[100];
    const size_t n = read_needs(im, job, names);
    const char *formula = formula_of(im, im_text(condition), names, n);
    struct buf expr = {0};

    if (formula)
        im_set(im, task, "needs", formula);
    else if (n > 0)
        im_set_list(im, task, "needs", names, n);
    if (!condition)
        return;
    const char *rest = actions_rest(im, im_text(condition));
    if (rest[0] && actions_convert(im, NULL, rest, &expr) &&
        !text_starts(buf_text(&expr), "secrets."))
        im_set(im, task, "if", buf_text(&expr));
    else if (rest[0])
        refuse_condition(im, condition, rest, task);
    else
        im_did(im, condition, "if");
    buf_done(&expr);
}

/* --- matrix --- */

/* include and exclude name the axes too. */
static void rename_axes(struct import *im, struct source_node *list)
{
    for (size_t i = 0; list->kind == SOURCE_LIST && i < list->n; i++) {
        struct source_node *cell = &list->items[i].value;
        for (size_t k = 0; cell->kind == SOURCE_MAP && k < cell->n; k++)
            source_rename(&im->out, &cell->items[k],
                          im_name(im, "matrix", cell->items[k].key.text));
    }
}

/* A matrix that an expression makes. */
static void add_made_matrix(struct import *im, const struct source_node *matrix,
                            struct source_node *task)
{
    im_set(im, task, "matrix",
           im_template(im, &actions_syntax, matrix, im_text(matrix)));
    im_approximate(im, matrix, "matrix",
                   "names in what the expression gives must be like_this");
}

static void add_strategy(struct import *im, const struct source_node *strategy,
                         struct source_node *task)
{
    const struct source_node *matrix = source_get(strategy, "matrix");
    struct source_node made = source_made_map();

    if (!strategy)
        return;
    for (size_t i = 0; matrix && matrix->kind == SOURCE_MAP && i < matrix->n; i++) {
        const char *key = matrix->items[i].key.text;
        const bool own = strcmp(key, "include") == 0 || strcmp(key, "exclude") == 0;
        struct source_pair *axis =
            source_add(&im->out, &made, own ? key : im_name(im, "matrix", key),
                       im_value(im, &actions_syntax, &matrix->items[i].value));
        if (own)
            rename_axes(im, &axis->value);
    }
    if (made.n > 0)
        source_add(&im->out, task, "matrix", made);
    else if (matrix)
        add_made_matrix(im, matrix, task);
    const struct source_node *fail_fast = source_get(strategy, "fail-fast");
    im_set_number(im, task, "max_parallel", source_get(strategy, "max-parallel"));
    if (source_is_text(fail_fast, "true") || source_is_text(fail_fast, "false"))
        im_set_plain(im, task, "fail_fast", fail_fast->text);
    else if (fail_fast)
        im_refuse(im, fail_fast, "fail-fast", "say true or false as fail_fast");
    im_did(im, strategy, "strategy");
}

/* --- the task --- */

void actions_job(struct import *im, const struct source_pair *pair)
{
    const struct source_node *job = &pair->value;
    const struct source_node *own = source_get(job, "env");
    struct source_node task = source_made_map();
    struct source_node env = source_made_map();

    im_keys(im, job, job_keys);
    if (source_get(job, "name"))
        im_set(im, &task, "description", im_get(job, "name"));
    add_conditions(im, job, &task);
    add_strategy(im, source_get(job, "strategy"), &task);
    im_set_duration(im, &task, "timeout", source_get(job, "timeout-minutes"), "m");
    const struct source_node *go_on = source_get(job, "continue-on-error");
    if (source_is_text(go_on, "true"))
        im_set_plain(im, &task, "continue_on_error", "true");
    else if (go_on && !source_is_text(go_on, "false"))
        im_refuse(im, go_on, "continue-on-error",
                  "it is true or false here, and no expression");
    if (source_get(job, "uses")) {
        const struct source_node *with = source_get(job, "with");
        im_set(im, &task, "uses", im_get(job, "uses"));
        if (with)
            source_add(&im->out, &task, "with", im_value(im, &actions_syntax, with));
        im_approximate(im, source_get(job, "uses"), "uses",
                       "import that file too, and name it here");
    } else {
        for (size_t i = 0; own && own->kind == SOURCE_MAP && i < own->n; i++)
            im_set(im, &env, own->items[i].key.text,
                   im_template(im, &actions_syntax, &own->items[i].value,
                               im_text(&own->items[i].value)));
        actions_steps(im, job, &env, &task);
    }
    source_add(&im->out, &im->tasks, im_name(im, "jobs", pair->key.text), task);
    im_did(im, &pair->key, pair->key.text);
}
