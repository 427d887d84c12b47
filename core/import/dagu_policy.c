/* When a step of Dagu runs, and how often: preconditions, retries, repeats. */
#include "import/dagu.h"

#include <stdlib.h>
#include <string.h>

void dagu_retry(struct import *im, const struct source_node *retry,
                struct source_node *task)
{
    const struct source_node *interval =
        dagu_either(retry, "interval_sec", "intervalSec");
    const struct source_node *codes = dagu_either(retry, "exit_code", "exit_codes");
    const struct source_node *backoff = source_get(retry, "backoff");
    struct source_node made = source_made_map();

    if (!retry)
        return;
    made.style = SOURCE_FLOW;
    im_set_plain(
        im, &made, "max_attempts",
        source_text(&im->out, "%ld", strtol(im_get(retry, "limit"), NULL, 10) + 1));
    im_set_duration(im, &made, "delay", interval, "s");
    if (!backoff || source_is_text(backoff, "false"))
        im_set(im, &made, "backoff", "constant");
    else if (!source_is_text(backoff, "true"))
        im_set_number(im, &made, "factor", backoff);
    im_set_duration(im, &made, "max_delay",
                    dagu_either(retry, "max_interval_sec", "maxIntervalSec"), "s");
    if (codes)
        source_add(&im->out, &made, "exit_codes", im_copy(im, codes));
    source_add(&im->out, task, "retry", made);
    im_did(im, retry, "retry_policy");
}

void dagu_repeat(struct import *im, const struct source_node *repeat,
                 struct source_node *task)
{
    const struct source_node *limit = source_get(repeat, "limit");
    struct source_node made = source_made_map();

    if (!repeat)
        return;
    made.style = SOURCE_FLOW;
    im_set(im, &made, "until", "false");
    if (limit)
        im_set_number(im, &made, "max", limit);
    else
        im_set_plain(im, &made, "max", "10000");
    im_set_duration(im, &made, "delay",
                    dagu_either(repeat, "interval_sec", "intervalSec"), "s");
    im_set(im, &made, "on_max", "succeed");
    source_add(&im->out, task, "repeat", made);
    if (source_get(repeat, "condition"))
        im_refuse(im, source_get(repeat, "condition"), "condition",
                  "say it as repeat.until, with the outputs of the task");
    else
        im_did(im, repeat, "repeat_policy");
}

/* One precondition as an expression; false: it cannot be said. */
static bool convert_condition(struct import *im, const struct source_node *item,
                              struct buf *expr)
{
    const struct source_node *condition = source_get(item, "condition");
    const char *wanted = im_get(item, "expected");
    const char *ref = condition ? im_only_ref(im, &dagu_syntax, condition->text) : NULL;
    const bool pattern = text_starts(wanted, "re:");

    if (!ref && im_text(condition)[0] == '$')
        ref = im_text(condition) + 1;
    if (!ref || !dagu_convert(im, NULL, ref, expr))
        return false;
    wanted += pattern ? 3 : 0;
    buf_add_text(expr, pattern ? ".matches(" : " == ");
    im_quote(expr, wanted, strlen(wanted));
    buf_add_text(expr, pattern ? ")" : "");
    return true;
}

void dagu_condition(struct import *im, const struct source_node *list,
                    struct source_node *task)
{
    struct buf text = {0};
    const size_t n = list && list->kind == SOURCE_LIST ? list->n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct source_node *item = &list->items[i].value;
        struct buf expr = {0};
        const bool good = convert_condition(im, item, &expr);

        if (good)
            im_did(im, item, "preconditions");
        else
            im_refuse(im, item, "preconditions",
                      "only a variable with its expected value is known here; the step "
                      "never runs until its if is written");
        buf_printf(&text, "%s%s", text.len ? " && " : "",
                   good ? buf_text(&expr) : "false");
        buf_done(&expr);
    }
    if (text.len > 0)
        im_set(im, task, "if", buf_text(&text));
    buf_done(&text);
}
