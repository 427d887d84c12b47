/* limits.c - how many places semaphores have: as configured, and as rows say. */
#include "node/node_priv.h"

#include <string.h>

static int wrong_sizes(const char *part, size_t len, struct ff_err *err)
{
    return ff_fail(
        err, FF_INVALID, 0,
        "engine.limits: \"%.*s\" is not NAME=PLACES, with a number from 0 to "
        "%d; write gpu=2, db=8",
        len < 80 ? (int)len : 80, part, NODE_LIMIT_MAX);
}

bool node_limit_size_parse(const char *text, int64_t *size)
{
    const size_t len = strlen(text);

    *size = 0;
    if (len == 0 || len > 6 || strspn(text, "0123456789") != len)
        return false;
    for (size_t i = 0; i < len; i++)
        *size = *size * 10 + text[i] - '0';
    return *size <= NODE_LIMIT_MAX;
}

/* At the end; those within are the comma that is missing in "gpu=2 db=8". */
static void cut_blanks(char *text)
{
    for (size_t len = strlen(text); len > 0 && text[len - 1] == ' '; len--)
        text[len - 1] = '\0';
}

/* "gpu=2", blanks around its parts. */
static int add_size(struct node *n, const char *part, size_t len, struct ff_err *err)
{
    MEM_AUTO char *text = mem_text_len(part, len);
    char *value = strchr(text, '=');
    struct control_size size;

    if (!value)
        return wrong_sizes(part, len, err);
    *value++ = '\0';
    value += strspn(value, " ");
    cut_blanks(text);
    cut_blanks(value);
    if (!text_is_name(text, true) || !node_limit_size_parse(value, &size.size))
        return wrong_sizes(part, len, err);
    size.name = mem_text(text);
    ARRAY_ADD(&n->sizes, size);
    return FF_OK;
}

int node_read_sizes(struct node *n, struct ff_err *err)
{
    const char *at = n->settings.limits;
    int code = FF_OK;

    while (at && *at && code == FF_OK) {
        at += strspn(at, " ");
        const size_t len = strcspn(at, ",");
        code = add_size(n, at, len, err);
        at += len + (at[len] == ',');
    }
    return code;
}

void node_forget_sizes(struct node *n)
{
    for (size_t i = 0; i < n->sizes.n; i++)
        mem_free((char *)(uintptr_t)n->sizes.items[i].name);
    ARRAY_DONE(&n->sizes);
}

const struct control_size *node_sizes(const struct node *n, size_t *count)
{
    *count = n->sizes.n;
    return n->sizes.items;
}

/* --- rows --- */

int node_plan_limit(const struct node_plan *p, struct tenant t, const char *name,
                    int64_t size, struct ff_err *err)
{
    const struct limit_size_row row = {
        .tenant = t.no,
        .name = span_of(name),
        .size = size,
        .changed_at = loop_wall_us(p->node->loop),
    };

    if (size < 0 || size > NODE_LIMIT_MAX || !text_is_name(name, true))
        return ff_fail(err, FF_INVALID, 0,
                       "%.80s cannot have %lld places: a name of a-z, 0-9, _ and -, no "
                       "digit or - first, and 0 to %d places",
                       name, (long long)size, NODE_LIMIT_MAX);
    batch_put(p->batch, &record_limit_size, &row, FF_ANY_VERSION);
    return FF_OK;
}

static int note_found(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return 1;
}

int node_plan_forget_limit(const struct node_plan *p, struct tenant t, const char *name,
                           struct ff_err *err)
{
    const struct limit_size_row row = {.tenant = t.no, .name = span_of(name)};
    bool found = false;
    const int code = store_scan(
        p->node->store, p->reader,
        &(struct store_query){.record = &record_limit_size, .like = &row, .n_equal = 2},
        note_found, &found, err);

    if (code != FF_OK || (!found && p->doubted))
        return code;
    if (!found)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "no size of %s was set: `flowforge limit list` shows all", name);
    batch_delete(p->batch, &record_limit_size, &row, FF_ANY_VERSION);
    return FF_OK;
}

struct sizing {
    struct tenant tenant;
    const char *name;
    int64_t size;
};

static int plan_set(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct sizing *x = arg;

    return node_plan_limit(p, x->tenant, x->name, x->size, err);
}

int node_set_limit(struct node *n, struct tenant t, const char *name, int64_t size,
                   struct ff_err *err)
{
    struct sizing x = {.tenant = t, .name = name, .size = size};

    return node_change_now(n, plan_set, &x, err);
}

static int plan_forget(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct sizing *x = arg;

    return node_plan_forget_limit(p, x->tenant, x->name, err);
}

int node_delete_limit(struct node *n, struct tenant t, const char *name,
                      struct ff_err *err)
{
    struct sizing x = {.tenant = t, .name = name};

    return node_change_now(n, plan_forget, &x, err);
}

/* --- tokens of rates --- */

#define TOKENS_MAX    2000 /* in one commit */
#define TOKEN_KEEP_US (3600 * UNITS_SECOND)

struct expired {
    struct batch batch;
    int64_t before_us;
};

/* A token that is over says nothing; which one it was the next start does not ask. */
static int take_expired(void *arg, const void *row)
{
    struct expired *e = arg;
    const struct rate_token_row *token = row;

    if (token->until_at < e->before_us)
        batch_delete(&e->batch, &record_rate_token, row, token->version);
    return e->batch.n >= TOKENS_MAX;
}

/* The owner may take the same place anew meanwhile: that row stays, and the others are
 * left for the next pass. */
int node_sweep_tokens(struct node *n, int64_t now, struct ff_err *err)
{
    struct expired e = {.before_us = now - TOKEN_KEEP_US};
    size_t failed;
    int code = store_scan(n->store, STORE_READER_CALLER,
                          &(struct store_query){.record = &record_rate_token},
                          take_expired, &e, err);

    if (code == FF_OK && e.batch.n > 0)
        code = store_commit_now(n->store, &e.batch, &failed, err);
    batch_done(&e.batch);
    return code == FF_CONFLICT ? FF_OK : code;
}
