/* Handlers of a task: on_success, on_failure and finally inside it. They are main tasks
 * that follow it, one after the other; what they wait for is a formula of needs made
 * here. They are read after all other tasks, so that no task is read inside another. */
#include "flow/spec.h"
#include <string.h>

static void refuse(struct spec *s, const struct spec_field *field,
                   const struct tree_node *node, const char *whose)
{
    struct flow_problem *p = spec_problem(s, PROBLEM_FOLLOWERS, node);

    flow_problem_msg(p, "%s has no %s of its own", whose, field->key);
    flow_problem_hint(p, "put what shall follow it behind it in the same list");
}

static void read_follow(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    const struct spec_follow follow = {
        .owner = s->task, .field = field, .node = node, .last = SPEC_NO_TASK};

    (void)slot;
    if (s->part != FLOW_MAIN)
        refuse(s, field, node, "a handler");
    else if (s->follow)
        refuse(s, field, node, "a handler of a task");
    else
        ARRAY_ADD(&s->follows, follow);
}

static json_t *schema_follow(const struct spec_field *field)
{
    return spec_tasks_type.schema(field);
}

const struct spec_type spec_follow_type = {.name = "map of tasks",
                                           .is = "a map of names and tasks, or a list",
                                           .read = read_follow,
                                           .schema = schema_follow};

/* "OWNER.ask && LAST.done": each waits for the one before it, however that ended. */
struct flow_formula *spec_follow_formula(struct spec *s)
{
    struct spec_follow *follow = s->follow;
    struct flow_formula *formula = spec_alloc(s, 1, sizeof(*formula));

    formula->terms = spec_alloc(s, 3, sizeof(*formula->terms));
    formula->terms[formula->n++] =
        (struct flow_term){.op = FLOW_ASK,
                           .ask = *(const enum flow_ask *)follow->field->arg,
                           .task = follow->owner};
    if (follow->last != SPEC_NO_TASK) {
        formula->terms[formula->n++] = (struct flow_term){
            .op = FLOW_ASK, .ask = FLOW_ASK_DONE, .task = follow->last};
        formula->terms[formula->n++] = (struct flow_term){.op = FLOW_AND};
    }
    follow->last = (uint32_t)s->tasks.n;
    return formula;
}

void spec_add_followers(struct spec *s)
{
    for (size_t i = 0; i < s->follows.n; i++) {
        s->follow = &s->follows.items[i];
        if (i > 0 && s->follow[-1].owner == s->follow->owner)
            s->follow->last = s->follow[-1].last;
        spec_read_tasks(s, s->follow->field, s->follow->node);
    }
    s->follow = NULL;
    s->follows.n = 0;
}
