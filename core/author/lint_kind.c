/* Advice about images, waits, requests and schedules. */
#include "author/lint.h"

#include <string.h>

static void visit_image(struct lint *l, struct lint_task *t)
{
    const struct source_node *image = lint_policy(l, t, "image");
    const char *name = image && image->kind == SOURCE_SCALAR ? image->text : "";
    const char *base = strrchr(name, '/') ? strrchr(name, '/') : name;
    const char *tag = strchr(base, ':');

    if (!name[0] || lint_has_expression(image) || strchr(name, '@'))
        return;
    if (!tag || strcmp(tag, ":latest") == 0)
        lint_say(
            l, image, NULL,
            "%s is another image tomorrow: name a version, or a digest with @sha256:",
            name);
}

static void visit_endless_wait(struct lint *l, struct lint_task *t)
{
    const struct source_node *wait = source_get(t->node, t->kind);
    const bool waits =
        strcmp(t->kind, "approve") == 0 || strcmp(t->kind, "wait_event") == 0;

    if (waits && wait && !source_get(wait, "timeout"))
        lint_say(
            l, wait, NULL,
            "%s may wait for ever: add timeout, and on_timeout for what happens then",
            t->name);
}

static bool is_local(const char *host)
{
    static const char *const hosts[] = {"localhost", "127.", "[::1]", "10.",
                                        "192.168."};

    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        if (text_starts(host, hosts[i]))
            return true;
    return false;
}

static void visit_plain_http(struct lint *l, struct lint_task *t)
{
    const struct source_node *url = source_get(source_get(t->node, "http"), "url");

    if (url && text_starts(url->text, "http://") && !is_local(url->text + 7) &&
        !text_starts(url->text + 7, "${{"))
        lint_say(l, url, NULL, "%.100s goes over the network for all to read",
                 url->text);
}

static void visit_repeated_request(struct lint *l, struct lint_task *t)
{
    const struct source_node *http = source_get(t->node, "http");
    const struct source_node *method = source_get(http, "method");
    const struct source_node *headers = source_get(http, "headers");
    const struct source_node *retry = lint_policy(l, t, "retry");

    if (!method || !retry ||
        (strcasecmp(method->text, "POST") != 0 &&
         strcasecmp(method->text, "PATCH") != 0))
        return;
    for (size_t i = 0; headers && headers->kind == SOURCE_MAP && i < headers->n; i++)
        if (strcasecmp(headers->items[i].key.text, "idempotency-key") == 0)
            return;
    lint_say(l, method, NULL,
             "a retry sends this %s again, also when the first one has arrived",
             method->text);
}

static void visit_busy_loop(struct lint *l, struct lint_task *t)
{
    const struct source_node *repeat = source_get(t->node, "repeat");

    if (repeat && repeat->kind == SOURCE_MAP && !source_get(repeat, "delay"))
        lint_say(
            l, repeat, NULL,
            "%s repeats without a pause: add delay, unless each turn does new work",
            t->name);
}

static void visit_zoneless_cron(struct lint *l)
{
    const struct source_node *cron =
        source_get(source_get(l->root, "triggers"), "cron");

    for (size_t i = 0; cron && cron->kind == SOURCE_LIST && i < cron->n; i++) {
        const struct source_node *item = &cron->items[i].value;
        if (!source_get(item, "timezone"))
            lint_say(l, item, NULL,
                     "the schedule is in UTC, as no timezone is said: say so, or say "
                     "which");
    }
}

const struct lint_visit lint_kind_visits[] = {
    {240, visit_image, NULL},
    {241, visit_endless_wait, NULL},
    {242, visit_plain_http, NULL},
    {243, visit_repeated_request, NULL},
    {244, NULL, visit_zoneless_cron},
    {246, visit_busy_loop, NULL},
    {0, NULL, NULL},
};
