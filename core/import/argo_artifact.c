/* Artifacts of Argo: which of ours a reference means, and what those that a template
 * wants are where a task uses it. */
#include "import/argo.h"

#include <string.h>

const struct source_node *argo_artifacts(const struct source_node *node)
{
    return source_get(node, "artifacts");
}

/* A parameter and an artifact of one template may have the same name there; here both
 * are outputs. */
static bool is_parameter_too(const struct import *im, const char *theirs)
{
    const struct source_node *list = source_get(argo_spec(im), "templates");

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *outputs =
            source_get(&list->items[i].value, "outputs");
        if (argo_named(argo_parameters(outputs), theirs))
            return true;
    }
    return false;
}

const char *argo_artifact_name(struct import *im, const char *theirs)
{
    if (is_parameter_too(im, theirs))
        theirs = source_text(&im->out, "%s artifact", theirs);
    return im_name(im, "outputs", theirs);
}

/* --- references --- */

/* The task or step of that name where the template stands. */
static const struct source_node *find_use(const struct source_node *template,
                                          const char *name)
{
    const struct source_node *steps = source_get(template, "steps");
    const struct source_node *found =
        argo_named(source_get(source_get(template, "dag"), "tasks"), name);

    for (size_t i = 0; !found && steps && steps->kind == SOURCE_LIST && i < steps->n;
         i++)
        found = argo_named(&steps->items[i].value, name);
    return found;
}

/* {{tasks.NAME.outputs.artifacts.NAME}} in its parts. */
static bool is_of_task(char parts[][ARGO_PART], size_t n)
{
    return n == 5 &&
           (strcmp(parts[0], "tasks") == 0 || strcmp(parts[0], "steps") == 0) &&
           strcmp(parts[2], "outputs") == 0 && strcmp(parts[3], "artifacts") == 0;
}

static size_t split_ref(struct import *im, const struct source_node *from,
                        char parts[][ARGO_PART], size_t max)
{
    static const struct im_syntax braces = {.open = "{{", .close = "}}"};
    const char *ref = im_only_ref(im, &braces, im_text(from));

    return ref ? argo_split(ref, parts, max) : 0;
}

/* Where the outputs of a task in `group` have it: a group has outputs only, and
 * artifacts are among them. NULL: it does not hand this one on. */
static const char *side_of(struct import *im, const struct source_node *group,
                           const char *task, const char *artifact)
{
    const char *side = NULL;
    char parts[6][ARGO_PART];

    for (int depth = 0; depth < ARGO_MAX_DEPTH; depth++) {
        const struct source_node *template =
            argo_template_of(im, find_use(group, task));
        const struct source_node *one =
            argo_named(argo_artifacts(source_get(template, "outputs")), artifact);
        if (!source_get(template, "dag") && !source_get(template, "steps"))
            return argo_has_program(template) && argo_path_length(one) > 0
                       ? (side ? side : "artifacts")
                       : NULL;
        side = "outputs";
        const size_t n = split_ref(im, source_get(one, "from"), parts, COUNT_OF(parts));
        if (!is_of_task(parts, n))
            return n == 3 && strcmp(parts[0], "inputs") == 0 ? side : NULL;
        group = template;
        task = source_text(&im->out, "%s", parts[1]);
        artifact = source_text(&im->out, "%s", parts[4]);
    }
    return NULL;
}

const char *argo_artifact_ref(struct import *im, struct argo_scope *scope,
                              const struct source_node *from)
{
    char parts[6][ARGO_PART];
    const size_t n = split_ref(im, from, parts, COUNT_OF(parts));

    if (n == 3 && strcmp(parts[0], "inputs") == 0 && strcmp(parts[1], "artifacts") == 0)
        return source_get(&scope->artifacts, parts[2])
                   ? im_get(&scope->artifacts, parts[2])
                   : NULL;
    if (!is_of_task(parts, n))
        return NULL;
    const char *task = im_known(im, scope->names, parts[1]);
    const char *side = task ? side_of(im, scope->template, parts[1], parts[4]) : NULL;
    return side ? source_text(&im->out, "tasks.%s.%s.%s", task, side,
                              argo_artifact_name(im, parts[4]))
                : NULL;
}

/* --- what a template is given --- */

static const struct im_key in_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"path", IMPORT_DONE, ""},
    {"optional", IMPORT_DONE, ""},
    {"from", IMPORT_DONE, ""},
    {"raw", IMPORT_DONE, ""},
    {"http", IMPORT_DONE, ""},
    {"git", IMPORT_DONE, ""},
    {"s3", IMPORT_DONE, ""},
    {"mode", IMPORT_APPROXIMATED, "a file keeps whether it is executable"},
    {"recurseMode", IMPORT_APPROXIMATED, "a file keeps whether it is executable"},
    {"archive", IMPORT_APPROXIMATED, "nothing is unpacked but what was a folder here"},
    {"subPath", IMPORT_REFUSED, "hand that part on as an artifact of its own"},
    {"fromExpression", IMPORT_REFUSED, "choose in an expression of artifacts: in"},
    {"gcs", IMPORT_REFUSED, ARGO_WHY_FETCH},
    {"oss", IMPORT_REFUSED, ARGO_WHY_FETCH},
    {"hdfs", IMPORT_REFUSED, ARGO_WHY_FETCH},
    {"azure", IMPORT_REFUSED, ARGO_WHY_FETCH},
    {"artifactory", IMPORT_REFUSED, ARGO_WHY_FETCH},
    {"plugin", IMPORT_REFUSED, ARGO_WHY_FETCH},
    {NULL, IMPORT_DONE, NULL}};

/* Of one that was refused already nothing more is said. */
static bool has_elsewhere(const struct source_node *node)
{
    for (const struct im_key *k = in_keys; k->key; k++)
        if (k->grade == IMPORT_REFUSED && source_get(node, k->key))
            return true;
    return false;
}

/* What the entrypoint is given is fetched beside its tasks: nobody else needs it for
 * them. */
static void need_fetched(struct import *im, struct argo_use *use, const char *expr)
{
    char parts[4][ARGO_PART];

    if (argo_split(expr, parts, COUNT_OF(parts)) == 4)
        argo_add_need(im, use->task, parts[1]);
}

static const char *bind_one(struct import *im, struct argo_use *use,
                            const struct source_node *wanted)
{
    const char *name = im_get(wanted, "name");
    const struct source_node *given = argo_named(argo_artifacts(use->arguments), name);
    const struct source_node *node = given ? given : wanted;
    const struct source_node *from = source_get(node, "from");
    struct argo_scope *scope = given && use->inner->outer ? use->outer : use->inner;

    im_keys(im, wanted, in_keys);
    if (given)
        im_keys(im, given, in_keys);
    const char *expr =
        from ? argo_artifact_ref(im, scope, from) : argo_fetch(im, scope, use, node);
    if (expr && from && scope->is_entry)
        need_fetched(im, use, expr);
    if (expr)
        return expr;
    if (from)
        im_refuse(im, from, name, "%.80s is no artifact that is known here",
                  im_text(from));
    else if (!has_elsewhere(node) && !argo_is_fetched(node) &&
             strcmp(im_get(wanted, "optional"), "true") != 0)
        im_refuse(im, wanted, name, "this artifact is given by nobody");
    return NULL;
}

void argo_bind_artifacts(struct import *im, struct argo_use *use)
{
    const struct source_node *wanted =
        argo_artifacts(source_get(use->inner->template, "inputs"));

    use->inner->artifacts = source_made_map();
    use->needs = source_made_plain(&im->out, "");
    if (source_get(use->task, "needs"))
        use->needs = im_copy(im, source_get(use->task, "needs"));
    if (!argo_has_program(use->inner->template))
        return;
    for (size_t i = 0; wanted && wanted->kind == SOURCE_LIST && i < wanted->n; i++) {
        const struct source_node *one = &wanted->items[i].value;
        const char *expr = bind_one(im, use, one);
        if (expr)
            im_set(im, &use->inner->artifacts, im_get(one, "name"), expr);
    }
}

void argo_group_artifacts(struct import *im, struct argo_scope *scope,
                          const struct source_node *template,
                          struct source_node *outputs)
{
    const struct source_node *list = argo_artifacts(source_get(template, "outputs"));

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *one = &list->items[i].value;
        const char *name = im_get(one, "name");
        const char *expr = argo_artifact_ref(im, scope, source_get(one, "from"));
        if (!expr) {
            im_refuse(im, one, name, "only from: a task's artifact is known here");
            continue;
        }
        im_set(im, outputs, argo_artifact_name(im, name),
               source_text(&im->out, "${{ %s }}", expr));
        im_did(im, one, name);
    }
}
