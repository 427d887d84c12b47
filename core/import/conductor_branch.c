/* Kinds of tasks of Conductor that hold others: switches, forks and loops. */
#include "import/conductor.h"

#include <stdlib.h>
#include <string.h>

static const char *case_name(struct import *im, const char *task, const char *theirs)
{
    char scope[96];

    snprintf(scope, sizeof(scope), "case:%.80s", task);
    return im_name(im, scope, theirs);
}

/* What follows the switch waits for the end of each branch; one that was not taken is
 * known by its first task, which is skipped. */
static void add_case(struct place *p, const struct source_node *tasks, const char *name,
                     const char *ours, struct before *end)
{
    struct import *im = p->im;
    struct before branch = conductor_after(source_text(&im->out, "%s.%s", name, ours));

    if (tasks->kind != SOURCE_LIST || tasks->n == 0)
        return;
    const char *outer = p->guard;
    p->guard = branch.names[0];
    conductor_list(p, tasks, &branch);
    p->guard = outer;
    const char *first =
        im_name(im, "refs", im_get(&tasks->items[0].value, "taskReferenceName"));
    for (size_t k = 0; k < branch.n && end->n < COUNT_OF(end->names); k++)
        end->names[end->n++] =
            source_text(&im->out,
                        strchr(branch.names[k], '(') ? "(%s || %s.skipped)"
                                                     : "(%s.ok || %s.skipped)",
                        branch.names[k], first);
}

/* A condition of JavaScript or a value: value-param names one input. */
void conductor_switch(struct place *p, const struct source_node *theirs,
                      const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *cases = source_get(theirs, "decisionCases");
    const struct source_node *otherwise = source_get(theirs, "defaultCase");
    const char *old = im_get(theirs, "caseValueParam");
    const struct source_node *value = source_get(
        conductor_params(theirs), old[0] ? old : im_get(theirs, "expression"));
    struct source_node list = source_made_list();
    struct before end = {.n = 0};

    if (!value ||
        (!old[0] && strcmp(im_get(theirs, "evaluatorType"), "value-param") != 0))
        im_refuse(im, theirs, name, "a switch by a script: write when of each case");
    const char *expr =
        value ? im_expression(im, &conductor_syntax, value, im_text(value)) : "null";
    for (size_t i = 0; cases && i < cases->n; i++) {
        struct source_node one = source_made_map();
        struct buf when = {0};
        one.style = SOURCE_FLOW;
        buf_printf(&when, "%s == ", expr);
        im_quote(&when, cases->items[i].key.text, strlen(cases->items[i].key.text));
        im_set(im, &one, "case", case_name(im, name, cases->items[i].key.text));
        im_set(im, &one, "when", buf_text(&when));
        source_append(&im->out, &list, one);
        buf_done(&when);
    }
    if (otherwise && otherwise->n > 0) {
        struct source_node one = source_made_map();
        one.style = SOURCE_FLOW;
        im_set(im, &one, "case", case_name(im, name, "otherwise"));
        source_append(&im->out, &list, one);
    }
    source_add(&im->out, task, "switch", list);
    im_did(im, theirs, name);
    source_add(&im->out, p->into, name, *task);
    for (size_t i = 0; cases && i < cases->n; i++)
        add_case(p, &cases->items[i].value, name,
                 case_name(im, name, cases->items[i].key.text), &end);
    if (otherwise && otherwise->n > 0)
        add_case(p, otherwise, name, case_name(im, name, "otherwise"), &end);
    *next = end.n > 0 ? end : conductor_after(name);
}

void conductor_fork(struct place *p, const struct source_node *theirs, const char *name,
                    struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *branches = source_get(theirs, "forkTasks");
    struct before end = {.n = 0};

    im_set_plain(im, task, "noop", "true");
    source_add(&im->out, p->into, name, *task);
    im_did(im, theirs, name);
    for (size_t i = 0; branches && i < branches->n; i++) {
        struct before branch = conductor_after(name);
        conductor_list(p, &branches->items[i].value, &branch);
        for (size_t k = 0; k < branch.n && end.n < COUNT_OF(end.names); k++)
            end.names[end.n++] = branch.names[k];
    }
    *next = end;
}

void conductor_dynamic_fork(struct place *p, const struct source_node *theirs,
                            const char *name, struct source_node *task,
                            struct before *next)
{
    struct import *im = p->im;
    const struct source_node *params = conductor_params(theirs);
    const struct source_node *inputs = source_get(params, "forkTaskInputs");
    const char *worker = im_get(params, "forkTaskName");
    const char *text = im_text(inputs);

    (void)next;
    if (!inputs || !im_only_ref(im, &conductor_syntax, text) || !worker[0]) {
        im_refuse(im, theirs, name,
                  "only forkTaskName with forkTaskInputs is known here: "
                  "use foreach");
        im_set_plain(im, task, "noop", "true");
        return;
    }
    im_set(im, task, "foreach", im_template(im, &conductor_syntax, inputs, text));
    struct source_node command = source_made_list();
    command.style = SOURCE_FLOW;
    source_append(&im->out, &command, source_made_f(&im->out, "./%s", worker));
    source_add(&im->out, task, "command", command);
    im_set(im, task, "stdin", "${{ item }}");
    im_demand(im, name, "output", "stdout", true);
    im_approximate(im, theirs, name,
                   "each item is given to ./%s as JSON; the output is a list", worker);
}

void conductor_loop(struct place *p, const struct source_node *theirs, const char *name,
                    struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const char *condition = im_get(theirs, "loopCondition");
    const char *counter = strstr(condition, "['iteration'] < ");
    struct source_node inner = source_made_map();
    struct source_node repeat = source_made_map();
    struct place inside = {.im = im, .into = &inner, .depth = p->depth + 1};
    struct before none = {.n = 0};

    (void)next;
    repeat.style = SOURCE_FLOW;
    long most = counter ? strtol(counter + 16, NULL, 10) : 0;
    if (most > 0) {
        im_set(im, &repeat, "until", source_text(&im->out, "iteration >= %ld", most));
        im_set_plain(im, &repeat, "max", source_text(&im->out, "%ld", most));
        im_did(im, theirs, name);
    } else {
        im_set(im, &repeat, "until", "false");
        im_set_plain(im, &repeat, "max", "100");
        im_set(im, &repeat, "on_max", "succeed");
        im_refuse(
            im, source_get(theirs, "loopCondition"), "loopCondition",
            "a condition of JavaScript: say it as repeat.until; it is repeated 100 "
            "times until then");
    }
    source_add(&im->out, task, "repeat", repeat);
    conductor_list(&inside, source_get(theirs, "loopOver"), &none);
    conductor_note_kind(im, im_get(theirs, "taskReferenceName"), "DO_WHILE, over");
    source_add(&im->out, task, "tasks", inner);
}
