/* flow/problem.h - what can be wrong with a workflow file: the codes, and how a problem
 * is written down. Private to the room. */
#ifndef FLOW_PROBLEM_H
#define FLOW_PROBLEM_H

#include "flow/flow.h"

/* Codes are for ever: one that is no longer used is not given to another problem. */
#define FLOW_CODES(X)                                                                  \
    X(1, SYNTAX, "The file is not YAML")                                               \
    X(2, LIMIT, "Something is larger than FlowForge accepts")                          \
    X(3, BYTES, "The file holds bytes that are not text")                              \
    X(4, YAML_FEATURE, "A feature of YAML that workflow files do not have")            \
    X(5, DUPLICATE_KEY, "A key stands twice in one place")                             \
    X(6, DOCUMENTS, "The file holds more than one document")                           \
    X(7, KEY, "A key is not a simple text")                                            \
    X(8, NUMBER, "A number cannot be represented")                                     \
    X(9, NOT_A_WORKFLOW, "The file is empty, not a map, or of another system")         \
    X(10, UNKNOWN_KEY, "There is no such key here")                                    \
    X(11, MISSING, "A required key is missing")                                        \
    X(12, TYPE, "A value is of the wrong type")                                        \
    X(13, VALUE, "A value is of the right type but not allowed here")                  \
    X(14, NAME, "A name is not well formed or is reserved")                            \
    X(15, DUPLICATE_NAME, "Two tasks have the same name")                              \
    X(16, LATER, "A part of the format that this version does not have yet")           \
    X(17, EXCLUSIVE, "Keys that exclude each other stand together")                    \
    X(18, VERSION, "The file is for another version of the format")                    \
    X(20, EXPRESSION, "An expression cannot be understood")                            \
    X(21, EXPRESSION_IN_CODE, "${{ }} stands in a script")                             \
    X(22, UNKNOWN_ROOT, "An expression uses a name or function that does not exist")   \
    X(23, UNKNOWN_TASK, "An expression uses a task that does not exist")               \
    X(24, UNKNOWN_FIELD, "An expression uses an output or field that does not exist")  \
    X(25, UNKNOWN_INPUT, "An expression uses an input that is not declared")           \
    X(26, UNKNOWN_ENV, "An expression uses a variable that env does not have")         \
    X(27, NOT_HERE, "An expression uses a name that has no value in this place")       \
    X(28, NOT_AN_ANCESTOR, "An expression uses a task that may not have run yet")      \
    X(29, CONSTANT, "${{ }} stands where only a constant can")                         \
    X(30, UNKNOWN_NEED, "needs names a task that does not exist")                      \
    X(31, SELF_NEED, "A task needs itself")                                            \
    X(32, CYCLE, "Tasks need each other in a circle")                                  \
    X(33, NEED_TWICE, "needs names a task twice")                                      \
    X(34, HANDLER_NEEDS, "A handler has needs")                                        \
    X(35, RESERVED_ENV, "A variable belongs to FlowForge")                             \
    X(36, STDOUT_TWICE, "Two outputs of a task are read from its standard output")     \
    X(37, SCRIPT_FILE, "The file of a script is not there")                            \
    X(40, INPUT_UNKNOWN, "An input was given that the workflow does not declare")      \
    X(41, INPUT_MISSING, "A required input was not given")                             \
    X(42, INPUT_TYPE, "An input has the wrong type")                                   \
    X(43, INPUT_VALUE, "An input has a value that its declaration refuses")            \
    X(70, USES, "uses is not the name of a workflow")                                  \
    X(71, USES_ABSENT, "uses names a workflow that is not there")                      \
    X(72, USES_BROKEN, "The workflow that a task uses has problems itself")            \
    X(73, USES_UNREACHED, "uses names a file where only workflows can be found")       \
    X(74, USES_INPUT, "with does not fit the inputs of the workflow that is used")     \
    X(75, USES_OUTPUT, "An expression uses an output that a used workflow lacks")      \
    X(50, FORMULA, "A formula of needs cannot be understood")                          \
    X(51, ASKED, "A formula of needs asks for something that a task does not have")    \
    X(52, FOLLOWERS, "A handler has handlers of its own")                              \
    X(53, SWITCH, "The cases of a switch do not fit together")                         \
    X(60, WAIT, "A time to wait for cannot be understood")                             \
    X(61, APPROVE, "An approval is not described as it must be")                       \
    X(80, LIMIT_NAME, "A semaphore is not written as it must be")                      \
    X(81, LIMIT_TWICE, "A task names a semaphore twice")                               \
    X(90, CRON, "A cron expression cannot be understood")                              \
    X(91, TIMEZONE, "That is not the name of a time zone")                             \
    X(92, TRIGGER_INPUT, "A trigger gives an input that the workflow does not take")   \
    X(93, TRIGGER_INPUT_MISSING, "A trigger does not give a required input")           \
    X(94, TRIGGER_NAME, "Two triggers have the same id")                               \
    X(100, UNKNOWN_VAR, "An expression uses a constant that vars does not have")       \
    X(101, SCHEMA, "A schema is not one that FlowForge can check")                     \
    X(102, SECRET, "A secret stands where it would be computed with or stored")        \
    X(103, ARTIFACT, "An artifact is not described as it must be")                     \
    X(105, CACHE, "The outputs of a task cannot be cached")

#define FLOW_CODE(number, symbol, title) PROBLEM_##symbol = (number),
enum { FLOW_CODES(FLOW_CODE) PROBLEM_END };
#undef FLOW_CODE

struct flow_code {
    int number;
    const char *title;
};
extern const struct flow_code flow_codes[]; /* ends with number 0 */

/* A new problem, to be completed by the two below; NULL when there are enough, and the
 * two below take that. `at` need not end in NUL. */
struct flow_problem *flow_problem_add(struct flow_problems *all, int code, int line,
                                      int column, const char *at, size_t at_len);
void FF_PRINTF(2, 3) flow_problem_msg(struct flow_problem *p, const char *fmt, ...);
void FF_PRINTF(2, 3) flow_problem_hint(struct flow_problem *p, const char *fmt, ...);

/* The hint "did you mean `near`?", or nothing when near is NULL. */
void flow_problem_near(struct flow_problem *p, const char *near);
void flow_problem_nearest(struct flow_problem *p, const char *word,
                          const char *const *candidates);

/* Whether further problems are only counted: then what is worth knowing of them is not
 * worth finding out. */
static inline bool flow_problems_full(const struct flow_problems *all)
{
    return all->n >= FLOW_MAX_ERRORS;
}

/* By line and column; problems of one place keep their order. */
void flow_problems_sort(struct flow_problems *all);

#endif
