/* secrets.c - what an attempt is given that is not the run's: read on the lane when it
 * starts, and again when it is taken over after a restart, since what it prints must be
 * masked then too. In memory only, wiped with the attempt. */
#include "exec/exec_priv.h"

#include <string.h>

/* Asked on the lane; the attempt may be gone when the answer comes. */
struct asking {
    struct exec *exec;
    int64_t handle;
    struct tenant tenant;
    struct work_secret *wanted; /* copies */
    size_t n;
    struct attempt_secrets *got;
    struct ff_err err;
};

/* "TOKEN=value" for the environment, or the standard input. */
static void take(struct attempt_secrets *got, const struct work_secret *wanted,
                 struct exec_secret *value)
{
    masks_add(&got->masks, value->text, value->len);
    if (wanted->variable) {
        const size_t size = strlen(wanted->variable) + value->len + 2;
        char *pair = mem_alloc(size);

        snprintf(pair, size, "%s=%s", wanted->variable, value->text);
        ARRAY_ADD(&got->pairs, pair);
    } else {
        got->input = *value;
        return;
    }
    explicit_bzero(value->text, value->len);
    mem_free(value->text);
}

struct attempt_secrets *secrets_read(const struct exec *x, struct tenant tenant,
                                     const struct work_secret *wanted, size_t n,
                                     struct ff_err *err)
{
    const struct exec_source *source = &x->setup.source;
    struct attempt_secrets *got = mem_alloc(sizeof(*got));

    for (size_t i = 0; i < n; i++) {
        struct exec_secret value = {0};

        if (source->secret(source->arg, tenant, wanted[i].name, &value, err) != FF_OK) {
            secrets_free(got);
            return NULL;
        }
        take(got, &wanted[i], &value);
    }
    return got;
}

void secrets_free(struct attempt_secrets *s)
{
    if (!s)
        return;
    masks_done(&s->masks);
    for (size_t i = 0; i < s->pairs.n; i++) {
        explicit_bzero(s->pairs.items[i], strlen(s->pairs.items[i]));
        mem_free(s->pairs.items[i]);
    }
    ARRAY_DONE(&s->pairs);
    if (s->input.text)
        explicit_bzero(s->input.text, s->input.len);
    mem_free(s->input.text);
    mem_free(s);
}

/* --- for attempts that start or were taken over --- */

static void on_lane(void *arg)
{
    struct asking *as = arg;

    as->got = secrets_read(as->exec, as->tenant, as->wanted, as->n, &as->err);
}

static void after(void *arg)
{
    struct asking *as = arg;
    struct exec *x = as->exec;
    struct attempt *a = attempt_by_handle(x, as->handle);

    if (a && !a->secrets) {
        a->secrets = as->got;
        as->got = NULL;
    }
    secrets_free(as->got);
    if (a && a->state == ATTEMPT_STARTING)
        attempt_go_on(a, a->secrets != NULL,
                      as->err.code == FF_NOT_FOUND ? "secret_missing"
                                                   : "secret_unreadable",
                      &as->err);
    else if (a && !a->secrets)
        log_warn("%s was taken over, but its secrets cannot be read: %s", a->id,
                 as->err.msg);
    for (size_t i = 0; i < as->n; i++) {
        mem_free((char *)as->wanted[i].name);
        mem_free((char *)as->wanted[i].variable);
    }
    mem_free(as->wanted);
    mem_free(as);
    exec_came_back(x);
}

void attempt_ask_secrets(struct attempt *a)
{
    const struct work *w = &a->work;
    struct asking *as = mem_alloc(sizeof(*as));

    *as = (struct asking){.exec = a->exec,
                          .handle = a->handle,
                          .tenant = a->key.tenant,
                          .wanted = mem_array(w->n_secrets, sizeof(*as->wanted)),
                          .n = w->n_secrets};
    for (size_t i = 0; i < w->n_secrets; i++)
        as->wanted[i] =
            (struct work_secret){.name = mem_text(w->secrets[i].name),
                                 .variable = mem_text(w->secrets[i].variable)};
    exec_pending(a->exec);
    lane_do(a->exec->lane, on_lane, after, as);
}

bool attempt_is_masked(const struct attempt *a)
{
    return a->work.n_secrets == 0 || a->secrets;
}
