/* Files of other systems: known by what only they have, so that one sentence stands for
 * everything in them that is not ours. Nothing of them is read here; core/import does.
 */
#include "flow/spec.h"
#include <string.h>

static bool begins(const struct tree_node *map, const char *key, const char *with)
{
    const struct tree_node *value = spec_find(map, key);

    return value && value->kind == TREE_TEXT && text_starts(value->text, with);
}

static bool is_argo(const struct tree_node *root)
{
    return begins(root, "apiVersion", "argoproj.io/");
}

static bool is_actions(const struct tree_node *root)
{
    const struct tree_node *jobs = spec_find(root, "jobs");

    return jobs && jobs->kind == TREE_MAP && jobs->n > 0 &&
           (spec_find(&jobs->items[0].value, "runs-on") ||
            spec_find(&jobs->items[0].value, "uses"));
}

static bool is_conductor(const struct tree_node *root)
{
    const struct tree_node *tasks = spec_find(root, "tasks");

    return tasks && tasks->kind == TREE_LIST && tasks->n > 0 &&
           spec_find(&tasks->items[0].value, "taskReferenceName");
}

/* Others have steps too, but not at the top beside nothing else of theirs. */
static bool is_dagu(const struct tree_node *root)
{
    const struct tree_node *steps = spec_find(root, "steps");

    return steps && steps->kind >= TREE_LIST && !spec_find(root, "name");
}

static const struct {
    const char *title, *word;
    bool (*is)(const struct tree_node *root);
} systems[] = {{"Argo Workflows", "argo", is_argo},
               {"GitHub Actions", "actions", is_actions},
               {"Conductor", "conductor", is_conductor},
               {"Dagu", "dagu", is_dagu}};

bool spec_is_foreign(struct spec *s, const struct tree_node *root)
{
    if (spec_find(root, "flowforge"))
        return false;
    for (size_t i = 0; i < COUNT_OF(systems); i++) {
        if (!systems[i].is(root))
            continue;
        struct flow_problem *p = spec_problem(s, PROBLEM_NOT_A_WORKFLOW, root);
        flow_problem_msg(p, "this is a workflow of %s", systems[i].title);
        flow_problem_hint(p, "make one of FlowForge of it: flowforge import %s FILE",
                          systems[i].word);
        return true;
    }
    return false;
}
