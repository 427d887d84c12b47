/* Kinds of tasks of Conductor that hold no others: workers, requests, waits. */
#include "import/conductor.h"

#include <string.h>

const struct source_node *conductor_params(const struct source_node *theirs)
{
    return source_get(theirs, "inputParameters");
}

void conductor_simple(struct place *p, const struct source_node *theirs,
                      const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    struct source_node command = source_made_list();

    (void)name;
    (void)next;
    command.style = SOURCE_FLOW;
    source_append(&im->out, &command,
                  source_made_f(&im->out, "./%s", im_get(theirs, "name")));
    source_add(&im->out, task, "command", command);
    if (conductor_params(theirs) && conductor_params(theirs)->n > 0)
        source_add(&im->out, task, "stdin",
                   im_value(im, &conductor_syntax, conductor_params(theirs)));
    im_demand(im, name, "output", "stdout", true);
    im_approximate(im, theirs, name,
                   "a worker polled for it: ./%s reads its input as JSON here, and "
                   "prints its output as JSON",
                   im_get(theirs, "name"));
}

static const char why_time[] = "say how long all of it may take: timeout";

static const struct im_key http_keys[] = {
    {"uri", IMPORT_DONE, ""},
    {"method", IMPORT_DONE, ""},
    {"headers", IMPORT_DONE, ""},
    {"body", IMPORT_DONE, ""},
    {"accept", IMPORT_APPROXIMATED, "say it in headers"},
    {"contentType", IMPORT_APPROXIMATED, "say it in headers"},
    {"encode", IMPORT_APPROXIMATED, "the url is taken as it stands; query is encoded"},
    {"connectionTimeOut", IMPORT_REFUSED, why_time},
    {"readTimeOut", IMPORT_REFUSED, why_time},
    {NULL, IMPORT_DONE, NULL}};

void conductor_http(struct place *p, const struct source_node *theirs, const char *name,
                    struct source_node *task, struct before *next)
{
    static const char *const keys[][2] = {
        {"uri", "url"}, {"method", "method"}, {"headers", "headers"}, {"body", "json"}};
    struct import *im = p->im;
    const struct source_node *request =
        source_get(conductor_params(theirs), "http_request");
    struct source_node http = source_made_map();

    (void)next;
    if (!request)
        request = conductor_params(theirs);
    im_keys(im, request, http_keys);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct source_node *value = source_get(request, keys[i][0]);
        if (value)
            source_add(&im->out, &http, keys[i][1],
                       im_value(im, &conductor_syntax, value));
    }
    source_add(&im->out, task, "http", http);
    im_did(im, theirs, name);
}

void conductor_transform(struct place *p, const struct source_node *theirs,
                         const char *name, struct source_node *task,
                         struct before *next)
{
    struct import *im = p->im;

    (void)next;
    source_add(&im->out, task, "transform",
               conductor_params(theirs)
                   ? im_value(im, &conductor_syntax, conductor_params(theirs))
                   : source_made_map());
    im_approximate(im, theirs, name,
                   "variables of the workflow are outputs of this task: name it where "
                   "they are used");
}

/* "1 days 2 hours", "10 seconds" and "5m" as 1d2h, 10s and 5m. */
static const char *short_duration(struct import *im, const char *text)
{
    struct buf made = {0};

    while (*text && made.len < 40) {
        const size_t digits = strspn(text, "0123456789");
        const char *unit = text + digits + strspn(text + digits, " ");
        const size_t letters = strspn(unit, "abcdefghijklmnopqrstuvwxyz");
        if (digits == 0)
            break;
        buf_add(&made, text, digits);
        buf_add(&made, unit, letters > 0);
        text = unit + letters;
        text += strspn(text, " ,");
    }
    const char *kept = *text ? "" : source_text(&im->out, "%s", buf_text(&made));
    buf_done(&made);
    return kept;
}

void conductor_wait(struct place *p, const struct source_node *theirs, const char *name,
                    struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *duration =
        source_get(conductor_params(theirs), "duration");
    const struct source_node *until = source_get(conductor_params(theirs), "until");
    char made[UNITS_TEXT];

    (void)next;
    if (duration && im_duration(short_duration(im, im_text(duration)), "s", made)) {
        im_set(im, task, "sleep", made);
        im_did(im, theirs, name);
    } else if (duration) {
        im_set(im, task, "sleep",
               im_template(im, &conductor_syntax, duration, duration->text));
        im_approximate(im, theirs, name,
                       "the duration is text such as 90s or 1h30m, or seconds");
    } else if (until) {
        im_set(im, task, "wait_until",
               im_template(im, &conductor_syntax, until, im_text(until)));
        im_approximate(im, theirs, name,
                       "the time is RFC 3339 here: 2026-11-30T08:00:00Z");
    } else {
        struct source_node event = source_made_map();
        event.style = SOURCE_FLOW;
        im_set(im, &event, "name", name);
        source_add(&im->out, task, "wait_event", event);
        im_approximate(im, theirs, name, "it goes on by `flowforge signal RUN %s`",
                       name);
    }
}

void conductor_human(struct place *p, const struct source_node *theirs,
                     const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    struct source_node approve = source_made_map();

    (void)next;
    approve.style = SOURCE_FLOW;
    im_set(im, &approve, "message", im_get(theirs, "name"));
    source_add(&im->out, task, "approve", approve);
    im_approximate(im, theirs, name,
                   "it is approved or rejected; forms are inputs of "
                   "approve");
}

void conductor_sub(struct place *p, const struct source_node *theirs, const char *name,
                   struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *sub = source_get(theirs, "subWorkflowParam");
    const char *version = im_get(sub, "version");

    (void)next;
    im_set(im, task, "uses",
           source_text(&im->out, version[0] ? "%s@v%s" : "%s",
                       im_workflow(im, im_get(sub, "name")), version));
    if (conductor_params(theirs) && conductor_params(theirs)->n > 0)
        source_add(&im->out, task, "with",
                   im_value(im, &conductor_syntax, conductor_params(theirs)));
    im_approximate(im, theirs, name, "import that workflow too, and apply it");
}

void conductor_jq(struct place *p, const struct source_node *theirs, const char *name,
                  struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const char *query = im_get(conductor_params(theirs), "queryExpression");
    struct source_node command = source_made_list();

    (void)next;
    command.style = SOURCE_FLOW;
    source_append(&im->out, &command, source_made_f(&im->out, "jq"));
    source_append(&im->out, &command, source_made_f(&im->out, "%s", query));
    source_add(&im->out, task, "command", command);
    source_add(&im->out, task, "stdin",
               im_value(im, &conductor_syntax, conductor_params(theirs)));
    im_demand(im, name, "result", "stdout", true);
    im_approximate(im, theirs, name, "jq must be installed where tasks run");
}

void conductor_terminate(struct place *p, const struct source_node *theirs,
                         const char *name, struct source_node *task,
                         struct before *next)
{
    struct import *im = p->im;
    const char *status = im_get(conductor_params(theirs), "terminationStatus");
    const bool failed = strcmp(status, "COMPLETED") != 0;

    (void)next;
    im_set(im, task, "run",
           failed ? source_text(&im->out, "echo \"%s\" >&2\nexit 1",
                                im_get(conductor_params(theirs), "terminationReason"))
                  : "exit 0");
    im_approximate(im, theirs, name,
                   failed
                       ? "it fails, and what needs it is skipped; what does not need "
                         "it goes on"
                       : "it ends nothing: what follows it would run");
}

void conductor_noop(struct place *p, const struct source_node *theirs, const char *name,
                    struct source_node *task, struct before *next)
{
    (void)next;
    im_set_plain(p->im, task, "noop", "true");
    im_did(p->im, theirs, name);
}
