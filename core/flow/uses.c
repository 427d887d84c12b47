/* uses.c - what is wrong with a task that uses another workflow, once it is known
 * which: does it fit what the task gives, and what others take of it? Finding it is not
 * here. */
#include "flow/problem.h"
#include "flow/spec.h"
#include <string.h>

static const int fault_codes[] = {
    [FLOW_USES_ABSENT] = PROBLEM_USES_ABSENT,
    [FLOW_USES_BROKEN] = PROBLEM_USES_BROKEN,
    [FLOW_USES_UNREACHED] = PROBLEM_USES_UNREACHED,
};

void flow_uses_refuse(struct flow_problems *all, const struct flow_task *t,
                      enum flow_uses_fault fault, const char *why, const char *remedy)
{
    const char *uses = t->work->uses;
    struct flow_problem *p = flow_problem_add(all, fault_codes[fault], t->line,
                                              (int)t->column, uses, strlen(uses));

    flow_problem_msg(p, "task %s: %s", t->name, why);
    flow_problem_hint(p, "%s", remedy);
    flow_problems_sort(all);
}

static void refuse_given(const struct flow_pair *given, const struct flow *used,
                         struct flow_problems *all)
{
    struct flow_problem *p =
        flow_problem_add(all, PROBLEM_USES_INPUT, given->value.line,
                         given->value.column, given->name, strlen(given->name));

    flow_problem_msg(p, "%s has no input %s", used->name, given->name);
    flow_problem_near(p, spec_nearest_input(used, given->name));
}

/* What an expression gives is judged when the task begins. Null is as if not given. */
static void check_value(const struct flow_input *input, const struct flow_value *value,
                        const struct flow *used, struct flow_problems *all)
{
    struct spec_blame b;
    struct flow_problem *p;

    if (!value->constant ||
        (!input->required && json_typeof(value->constant) == JSON_NULL) ||
        spec_input_accepts(input, value->constant, &b))
        return;
    p = flow_problem_add(all, PROBLEM_USES_INPUT, value->line, value->column,
                         input->name, strlen(input->name));
    flow_problem_msg(p, "%s: %s", used->name, b.msg);
    flow_problem_hint(p, "%s", b.hint);
}

static const struct flow_pair *given_as(const struct flow_work *work, const char *name)
{
    for (uint32_t i = 0; i < work->n_with; i++)
        if (strcmp(work->with[i].name, name) == 0)
            return &work->with[i];
    return NULL;
}

static void check_input(const struct flow_task *t, const struct flow_input *input,
                        const struct flow *used, struct flow_problems *all)
{
    const struct flow_pair *given = given_as(t->work, input->name);
    struct flow_problem *p;

    if (given)
        check_value(input, &given->value, used, all);
    if (given || !input->required)
        return;
    p = flow_problem_add(all, PROBLEM_USES_INPUT, t->line, (int)t->column, input->name,
                         strlen(input->name));
    flow_problem_msg(p, "task %s: %s needs the input %s", t->name, used->name,
                     input->name);
    flow_problem_hint(p, "give it in with: {%.63s: ...}", input->name);
}

static void check_output(const struct flow_asked *asked, const struct flow *used,
                         struct flow_problems *all)
{
    const char **names = mem_array((size_t)used->n_outputs + 1, sizeof(*names));
    struct flow_problem *p;
    bool has = false;

    for (uint32_t i = 0; i < used->n_outputs; i++) {
        names[i] = used->outputs[i].name;
        has = has || strcmp(names[i], asked->output) == 0;
    }
    if (!has) {
        p = flow_problem_add(all, PROBLEM_USES_OUTPUT, asked->line, asked->column,
                             asked->output, strlen(asked->output));
        flow_problem_msg(p, "task %s: %s has no output %s", asked->task, used->name,
                         asked->output);
        flow_problem_nearest(p, asked->output, names);
    }
    mem_free(names);
}

void flow_uses_check(const struct flow *file, const struct flow_task *t,
                     const struct flow *used, struct flow_problems *all)
{
    for (uint32_t i = 0; i < t->work->n_with; i++)
        if (!spec_find_input(used, t->work->with[i].name))
            refuse_given(&t->work->with[i], used, all);
    for (uint32_t i = 0; i < used->n_inputs; i++)
        check_input(t, &used->inputs[i], used, all);
    /* Tasks in two groups may have one name: the place tells them apart. */
    for (uint32_t i = 0; i < file->n_asked; i++)
        if (file->asked[i].task_line == t->line &&
            file->asked[i].task_column == (int)t->column)
            check_output(&file->asked[i], used, all);
    flow_problems_sort(all);
}
