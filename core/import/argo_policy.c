/* What a template of Argo says beside its work: retries, times, mutexes, and whether
 * an earlier result will do. */
#include "import/argo.h"

#include <stdlib.h>
#include <string.h>

static void add_total(struct import *im, const struct source_node *most,
                      struct source_node *task)
{
    im_set_duration(im, task, "total_timeout", most, "s");
    im_approximate(im, most, "maxDuration",
                   "it counts from when the task is ready, and stops what runs then");
}

static void add_retry(struct import *im, const struct source_node *retry,
                      struct source_node *task)
{
    static const char *const failed[] = {"failed", "timeout"};
    static const char *const error[] = {"lost", "oom", "evicted"};
    const struct source_node *backoff = source_get(retry, "backoff");
    const char *policy = im_get(retry, "retryPolicy");
    struct source_node made = source_made_map();

    if (!retry)
        return;
    made.style = SOURCE_FLOW;
    /* Their limit counts retries. */
    const long limit = strtol(im_get(retry, "limit"), NULL, 10);
    im_set_plain(
        im, &made, "max_attempts",
        source_text(&im->out, "%ld",
                    source_get(retry, "limit") && limit < 1000 ? limit + 1 : 1000));
    if (source_get(backoff, "duration"))
        im_set_duration(im, &made, "delay", source_get(backoff, "duration"), "s");
    else
        im_set(im, &made, "delay", "1s");
    if (source_get(backoff, "factor"))
        im_set_number(im, &made, "factor", source_get(backoff, "factor"));
    else
        im_set(im, &made, "backoff", "constant");
    im_set_duration(im, &made, "max_delay", source_get(backoff, "cap"), "s");
    if (source_get(backoff, "maxDuration"))
        add_total(im, source_get(backoff, "maxDuration"), task);
    if (strcmp(policy, "OnError") == 0)
        im_set_list(im, &made, "on", error, COUNT_OF(error));
    else if (strcmp(policy, "Always") != 0)
        im_set_list(im, &made, "on", failed, COUNT_OF(failed));
    if (strcmp(policy, "OnTransientError") == 0)
        im_approximate(im, retry, "OnTransientError", "any failure is tried again");
    if (source_get(retry, "expression"))
        im_refuse(im, source_get(retry, "expression"), "expression",
                  "say it as retry.if, with exit_code, reason and attempt");
    if (source_get(retry, "affinity"))
        im_approximate(im, source_get(retry, "affinity"), "affinity", "%s",
                       ARGO_WHY_PLACE);
    source_add(&im->out, task, "retry", made);
    im_did(im, retry, "retryStrategy");
}

static bool is_pair(const struct source_node *key, const struct source_node *value)
{
    const char *text = im_text(value);

    return value->kind == SOURCE_SCALAR &&
           !labels_key_fault(key->text, strlen(key->text)) &&
           !labels_value_fault(text, strlen(text));
}

void argo_selector(struct import *im, const struct source_node *of,
                   struct source_node *into)
{
    const struct source_node *asked = source_get(of, "nodeSelector");
    struct source_node made = source_made_map();

    if (!asked)
        return;
    made.style = SOURCE_FLOW;
    for (size_t i = 0; asked->kind == SOURCE_MAP && i < asked->n; i++) {
        const struct source_pair *pair = &asked->items[i];
        if (is_pair(&pair->key, &pair->value))
            im_set(im, &made, pair->key.text, im_text(&pair->value));
        else
            im_refuse(im, &pair->key, "nodeSelector",
                      "node_selector takes no parameters: write the label out");
    }
    if (made.n > 0) {
        source_add(&im->out, into, "node_selector", made);
        im_approximate(im, asked, "nodeSelector",
                       "executors have these labels when their settings say so");
    }
}

void argo_no_selector(struct import *im, const struct source_node *template)
{
    const struct source_node *asked = source_get(template, "nodeSelector");

    if (asked)
        im_approximate(im, asked, "nodeSelector",
                       "only tasks that start a program run on a node");
}

void argo_policy(struct import *im, const struct source_node *template,
                 struct source_node *task)
{
    const struct source_node *sync = source_get(template, "synchronization");
    const struct source_node *mutex = source_get(sync, "mutex");

    add_retry(im, source_get(template, "retryStrategy"), task);
    if (source_get(template, "container") || source_get(template, "script"))
        argo_selector(im, template, task);
    else
        argo_no_selector(im, template);
    if (source_get(template, "timeout"))
        im_set_duration(im, task, "timeout", source_get(template, "timeout"), "s");
    else
        im_set_duration(im, task, "timeout",
                        source_get(template, "activeDeadlineSeconds"), "s");
    if (mutex)
        im_set(im, task, "mutex", im_get(mutex, "name"));
    else if (sync)
        im_refuse(im, sync, "synchronization",
                  "use semaphores with sizes in the settings");
}

/* Theirs has one store for a key wherever it is used, and keeps it until it is removed.
 */
void argo_memoize(struct import *im, struct argo_scope *scope,
                  const struct source_node *template, struct source_node *task)
{
    const struct source_node *memoize = source_get(template, "memoize");
    const struct source_node *key = source_get(memoize, "key");
    const struct im_syntax syntax = argo_syntax(scope);
    struct source_node made = source_made_map();

    if (!memoize)
        return;
    made.style = SOURCE_FLOW;
    if (!im_text(key)[0]) {
        im_refuse(im, memoize, "memoize", "it has no key");
        return;
    }
    im_set(im, &made, "key", im_template(im, &syntax, key, im_text(key)));
    if (source_get(memoize, "maxAge"))
        im_set_duration(im, &made, "ttl", source_get(memoize, "maxAge"), "s");
    else
        im_set(im, &made, "ttl", "365d");
    source_add(&im->out, task, "cache", made);
    im_approximate(im, memoize, "memoize",
                   "a change of what the task does is another key too%s",
                   source_get(memoize, "maxAge") ? "" : "; kept for 365d");
}
