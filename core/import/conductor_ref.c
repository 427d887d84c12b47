/* References of Conductor to inputs and to outputs of tasks, in our words. */
#include "import/conductor.h"

#include <string.h>

void conductor_note_kind(struct import *im, const char *ref, const char *kind)
{
    char key[256];

    snprintf(key, sizeof(key), "kinds/%.140s", ref);
    map_set_text(&im->names, key, source_text(&im->out, "%s", kind));
}

/* Those that have counterparts here: a JOIN, for instance, gathers nothing. */
static bool has_outputs(const char *kind)
{
    static const char *const kinds[] = {"SIMPLE",       "HTTP",
                                        "DO_WHILE",     "SET_VARIABLE",
                                        "SUB_WORKFLOW", "JSON_JQ_TRANSFORM",
                                        "HUMAN",        "FORK_JOIN_DYNAMIC"};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* ${ref.output.a.b} and ${workflow.input.a} */
static bool convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    char first[96] = "";
    int used = 0;

    (void)arg;
    if (sscanf(text, "workflow.input.%95[^.]%n", first, &used) == 1) {
        const char *name = im_name(im, "inputs", first);
        if (!source_get(&im->inputs, name))
            im_input(im, name, "string", NULL, NULL);
        buf_printf(expr, "inputs.%s%s", name, text + used);
        return true;
    }
    if (strcmp(text, "workflow.workflowId") == 0) {
        buf_add_text(expr, "run.id");
        return true;
    }
    if (sscanf(text, "%95[^.].output%n", first, &used) != 1 || used == 0)
        return false;
    const char *task = im_known(im, "refs", first);
    const char *kind = task ? im_known(im, "kinds", first) : NULL;
    const char *rest = text + used;
    if (!task || !kind || !has_outputs(kind) || strpbrk(rest, "[$( "))
        return false;
    if (strcmp(kind, "HTTP") == 0) {
        if (text_starts(rest, ".response"))
            rest += strlen(".response");
        if (text_starts(rest, ".statusCode"))
            buf_printf(expr, "tasks.%s.outputs.status", task);
        else
            buf_printf(expr, "tasks.%s.outputs%s", task, rest);
    } else if (strcmp(kind, "DO_WHILE") == 0) {
        if (strcmp(rest, ".iteration") != 0)
            return false;
        buf_add_text(expr, "iteration"); /* of the loop around */
    } else if (strcmp(kind, "SIMPLE") == 0) {
        buf_printf(expr, "tasks.%s.outputs.output%s", task, rest);
    } else {
        buf_printf(expr, "tasks.%s.outputs%s", task, rest);
    }
    return true;
}

const struct im_syntax conductor_syntax = {
    .open = "${", .close = "}", .convert = convert, .arg = NULL};
