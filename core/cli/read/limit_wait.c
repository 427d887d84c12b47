/* limit_wait.c - see limit_wait.h. */
#include "cli/read/limit_wait.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [FLOW_SEMAPHORE] = "semaphore",
    [FLOW_MUTEX] = "mutex",
    [FLOW_RATE] = "rate",
};

/* --- reading --- */

struct reading {
    struct limit_waits *waits;
    int64_t now_us;
};

static int add_token(void *arg, const void *row)
{
    const struct rate_token_row *token = row;
    const struct reading *r = arg;
    const struct limit_token live = {.until_us = token->until_at};

    if (token->until_at <= r->now_us)
        return 0;
    ARRAY_ADD(&r->waits->tokens, live);
    r->waits->tokens.items[r->waits->tokens.n - 1].name =
        mem_text_len(token->name.s, token->name.len);
    return 0;
}

static int by_end(const void *a, const void *b)
{
    const struct limit_token *x = a, *y = b;

    return (x->until_us > y->until_us) - (x->until_us < y->until_us);
}

int limit_waits_read(struct limit_waits *w, const struct cli_session *s)
{
    const struct rate_token_row like = {.tenant = TENANT_DEFAULT.no};
    struct reading r = {.waits = w, .now_us = loop_wall_us(s->loop)};
    struct ff_err err = {0};

    *w = (struct limit_waits){0};
    const int code = limit_views_read(&w->views, s);
    if (code != CLI_OK)
        return code;
    if (store_scan(node_store(s->node), STORE_READER_CALLER,
                   &(struct store_query){
                       .record = &record_rate_token, .like = &like, .n_equal = 1},
                   add_token, &r, &err) != FF_OK) {
        limit_waits_done(w);
        return cli_fail_err(&err);
    }
    if (w->tokens.n > 1)
        qsort(w->tokens.items, w->tokens.n, sizeof(*w->tokens.items), by_end);
    return CLI_OK;
}

void limit_waits_done(struct limit_waits *w)
{
    limit_views_done(&w->views);
    for (size_t i = 0; i < w->tokens.n; i++)
        mem_free(w->tokens.items[i].name);
    ARRAY_DONE(&w->tokens);
}

/* --- one task --- */

/* As the engine writes it. False: an expression, or too long. */
static bool name_of(const struct flow_limit *limit, char *out, size_t size)
{
    const json_t *value = limit->name->constant;

    if (!value)
        return false;
    MEM_AUTO char *text =
        json_is_string(value) ? mem_text(json_string_value(value)) : json_text(value);
    const int len = snprintf(out, size, "%s:%s", kinds[limit->kind], text);
    return len > 0 && (size_t)len < size;
}

/* The token whose end makes room is the first that leaves few enough behind it. */
static void count_tokens(const struct limit_waits *w, struct limit_wait *wait)
{
    int64_t n = 0;

    for (size_t i = 0; i < w->tokens.n; i++)
        wait->held += strcmp(w->tokens.items[i].name, wait->name) == 0;
    for (size_t i = 0; i < w->tokens.n; i++) {
        if (strcmp(w->tokens.items[i].name, wait->name) != 0)
            continue;
        n++;
        if (wait->until_us == MODEL_NULL && wait->held - n + wait->wanted <= wait->size)
            wait->until_us = w->tokens.items[i].until_us;
    }
}

static void count_places(const struct limit_waits *w, struct limit_wait *wait)
{
    wait->view = limit_view_find(&w->views, wait->name);
    wait->held = wait->view ? (int64_t)wait->view->holders.n : 0;
    wait->size = wait->view && wait->view->size >= 0 ? wait->view->size : 1;
}

bool limit_wait_find(const struct limit_waits *w, const struct flow_limits *limits,
                     struct limit_wait *found)
{
    for (uint32_t i = 0; limits && i < limits->n; i++) {
        const struct flow_limit *limit = &limits->items[i];
        *found = (struct limit_wait){
            .wanted = limit->amount, .size = limit->size, .until_us = MODEL_NULL};
        if (!name_of(limit, found->name, sizeof(found->name)))
            continue;
        if (limit->kind == FLOW_RATE)
            count_tokens(w, found);
        else
            count_places(w, found);
        if (found->held + found->wanted > found->size)
            return true;
    }
    return false;
}

void limit_wait_text(const struct limit_wait *wait, struct buf *out)
{
    const char *colon = strchr(wait->name, ':');
    char until[UNITS_TEXT];

    buf_add_text(out, "waiting for ");
    if (wait->wanted > 1)
        buf_printf(out, "%lld places of ", (long long)wait->wanted);
    buf_printf(out, "%.*s ", (int)(colon - wait->name), wait->name);
    cli_add_clean(out, colon + 1, strlen(colon + 1));
    if (wait->until_us != MODEL_NULL) {
        cli_time_text(wait->until_us, until);
        buf_printf(out, " until %s", until);
        return;
    }
    buf_printf(out, " (%lld of %lld held", (long long)wait->held,
               (long long)wait->size);
    if (wait->held > 0 && wait->view) {
        buf_add_text(out, " by ");
        limit_view_holders(wait->view, out);
    }
    buf_add_char(out, ')');
}

static void json_number(struct jsonw *w, const char *key, int64_t value)
{
    jsonw_key(w, key);
    jsonw_int(w, value);
}

void limit_wait_json(const struct limit_wait *wait, struct jsonw *w)
{
    char until[UNITS_TEXT];

    jsonw_key(w, "waits_for");
    jsonw_open(w, '{');
    jsonw_key(w, "limit");
    jsonw_text(w, wait->name);
    json_number(w, "wanted", wait->wanted);
    json_number(w, "held", wait->held);
    json_number(w, "size", wait->size);
    if (wait->until_us != MODEL_NULL) {
        units_time_text(wait->until_us, until);
        jsonw_key(w, "until_at");
        jsonw_text(w, until);
    }
    jsonw_key(w, "holders");
    jsonw_open(w, '[');
    for (size_t i = 0; wait->view && i < wait->view->holders.n; i++) {
        const struct limit_holder *h = &wait->view->holders.items[i];
        jsonw_open(w, '{');
        jsonw_key(w, "run");
        jsonw_text(w, h->id);
        jsonw_key(w, "task");
        jsonw_text(w, h->path);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

bool limit_wait_may(const struct flow *flow)
{
    for (uint32_t i = 0; i < flow->n_tasks; i++)
        if (flow->tasks[i].policy->limits)
            return true;
    return false;
}
