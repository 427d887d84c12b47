/* http: a request, carried out by a program of ours that is the attempt. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {
    "stdin", "working_dir", "outputs", "heartbeat_timeout", "artifacts", NULL};

const struct spec_kind spec_kind_http = {.key = "http", .without = without};

const char *const flow_http_methods[] = {"GET",   "HEAD",   "POST",    "PUT",
                                         "PATCH", "DELETE", "OPTIONS", NULL};

static const struct spec_value_rule text_rule = {.place = PLACE_ATTEMPT,
                                                 .keep_text = true};
static const struct spec_value_rule body_rule = {
    .place = PLACE_ATTEMPT, .keep_text = true, .secrets = true};
static const struct spec_value_rule json_rule = {.place = PLACE_ATTEMPT};
static const struct spec_range bytes_range = {1, 16 << 20, "at most 16MiB"};
static const struct spec_range follow_range = {0, 20, "from 0 to 20"};

/* --- maps of values: headers and query --- */

static void read_pairs(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct flow_pairs *pairs = slot;
    const struct spec_value_rule *rule = field->arg;

    if (!spec_want_names(s, field, node))
        return;
    pairs->items = spec_alloc(s, node->n, sizeof(*pairs->items));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        struct flow_pair *pair = &pairs->items[pairs->n];

        if (!spec_read_value(s, rule, &node->items[i].value, &pair->value))
            continue;
        pair->name = arena_text(&s->flow->arena, key->text, key->n);
        pairs->n++;
    }
}

static json_t *schema_pairs(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ss}", "type", "object");
}

static const struct spec_type pairs_type = {.name = "map of values",
                                            .is = "a map of names and values",
                                            .read = read_pairs,
                                            .schema = schema_pairs};

/* --- expect --- */

static bool is_status(const struct tree_node *node)
{
    return node->kind == TREE_INT && node->integer >= 100 && node->integer <= 599;
}

static void read_expect(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    bool good = node->kind == TREE_LIST && node->n > 0;

    for (uint32_t i = 0; good && i < node->n; i++)
        good = is_status(&node->items[i].value);
    if (good)
        *(json_t **)slot = spec_own_json(s, tree_json(node));
    else
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "%s must be a list of statuses from 100 to 599", field->key);
}

static json_t *schema_expect(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sss{sssisi}si}", "type", "array", "items", "type", "integer",
                     "minimum", 100, "maximum", 599, "minItems", 1);
}

static const struct spec_type expect_type = {.name = "list of integers",
                                             .is = "a list of statuses",
                                             .read = read_expect,
                                             .schema = schema_expect};

/* --- http --- */

#define SLOT(member) offsetof(struct flow_http, member)

static const struct spec_field http_fields[] = {
    {.key = "url",
     .type = &spec_value_pointer,
     .offset = SLOT(url),
     .arg = &text_rule,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "http or https, without a user name"},
    {.key = "method",
     .type = &spec_choice,
     .offset = SLOT(method),
     .arg = flow_http_methods,
     .fallback = "\"GET\"",
     .since = "0.2",
     .help = "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"},
    {.key = "headers",
     .type = &pairs_type,
     .offset = SLOT(headers),
     .arg = &body_rule,
     .since = "0.2",
     .help = "by name; a value may be a secret as a whole"},
    {.key = "query",
     .type = &pairs_type,
     .offset = SLOT(query),
     .arg = &text_rule,
     .since = "0.2",
     .help = "added to the url, encoded"},
    {.key = "body",
     .type = &spec_value_pointer,
     .offset = SLOT(body),
     .arg = &body_rule,
     .since = "0.2",
     .help = "text to send; may be a secret as a whole"},
    {.key = "json",
     .type = &spec_value_pointer,
     .offset = SLOT(json),
     .arg = &json_rule,
     .since = "0.2",
     .help = "a value to send as JSON"},
    {.key = "expect",
     .type = &expect_type,
     .offset = SLOT(expect),
     .since = "0.2",
     .help = "statuses that are a success; 200 to 299 when absent"},
    {.key = "follow_redirects",
     .type = &spec_integer,
     .offset = SLOT(follow),
     .arg = &follow_range,
     .fallback = "5",
     .since = "0.2",
     .help = "how many redirects are followed"},
    {.key = "max_bytes",
     .type = &spec_size,
     .offset = SLOT(max_bytes),
     .arg = &bytes_range,
     .fallback = "\"1MiB\"",
     .since = "0.2",
     .help = "the largest body that is taken"},
    {.key = "allow_private",
     .type = &spec_boolean,
     .offset = SLOT(allow_private),
     .fallback = "false",
     .since = "0.2",
     .help =
         "private addresses may be asked, where the engine's http_allow names them"},
};

const struct spec_object spec_http = {
    .name = "http",
    .example = "http: {url: \"https://example.org/\"}",
    .phrase = "http",
    .fields = http_fields,
    .n_fields = COUNT_OF(http_fields),
    .help = "One HTTP request.",
};

static void check_bodies(struct spec *s, const struct tree_node *node)
{
    const struct tree_node *json = spec_find(node, "json");

    if (json && spec_find(node, "body"))
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, json),
                         "http has both body and json");
}

/* What flowforge-http would refuse when it is too late. */
static void check_url(struct spec *s, const struct flow_http *http,
                      const struct tree_node *node)
{
    const char *url = http->url ? json_string_value(http->url->constant) : NULL;
    const char *host = url ? strstr(url, "://") : NULL;

    if (!host)
        return;
    if (!text_starts(url, "http://") && !text_starts(url, "https://"))
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "url begins with http:// or https://");
    host += strlen("://");
    if (memchr(host, '@', strcspn(host, "/?#"))) {
        struct flow_problem *p = spec_problem(s, PROBLEM_VALUE, node);

        flow_problem_msg(p, "url cannot hold a user name");
        flow_problem_hint(p, "headers: {Authorization: \"${{ secrets.NAME }}\"}");
    }
}

static void check_headers(struct spec *s, const struct tree_node *headers)
{
    static const char allowed[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (uint32_t i = 0; i < headers->n; i++) {
        const struct tree_key *key = &headers->items[i].key;

        if (strspn(key->text, allowed) < key->n)
            flow_problem_msg(spec_problem_key(s, PROBLEM_NAME, key),
                             "that cannot be the name of a header");
    }
}

static void check_request(struct spec *s, const struct flow_http *http,
                          const struct tree_node *node)
{
    const struct tree_node *headers = spec_find(node, "headers");

    check_bodies(s, node);
    check_url(s, http, spec_find(node, "url"));
    if (http->headers.n > 0)
        check_headers(s, headers);
}

static void add_outputs(struct spec *s, struct flow_work *work)
{
    static const char *const names[] = {"status", "headers", "body", "encoding"};

    work->outputs = spec_alloc(s, COUNT_OF(names), sizeof(*work->outputs));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        work->outputs[i] = spec_own_output(s, names[i]);
        work->outputs[i].from = FLOW_FROM_FILE;
    }
    work->n_outputs = COUNT_OF(names);
}

static void read_http(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_http *http;

    (void)field;
    if (work->kind != FLOW_HTTP)
        return;
    http = spec_alloc(s, 1, sizeof(*http));
    http->follow = 5;
    http->max_bytes = 1 << 20;
    if (spec_read(s, &spec_http, node, http, NULL))
        check_request(s, http, node);
    work->http = http;
    add_outputs(s, work);
}

static json_t *schema_http(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_http);
}

const struct spec_type spec_http_type = {
    .name = "http", .is = "a map", .read = read_http, .schema = schema_http};
