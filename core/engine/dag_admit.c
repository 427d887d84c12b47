/* dag_admit.c - a run whose workflow limits its runs asks before it begins. Until it is
 * let in it is pending, and nothing of it has happened; one that was over and begins
 * again stays as it was. */
#include "engine/dag_priv.h"

#include <string.h>

#define REASON "concurrency"

static char *key_of(struct run *r, const struct step *s, struct ff_err *err)
{
    struct dag_scope sc;
    struct buf key = {0};

    /* The same after a restart: now() is when the run was made. */
    (void)s;
    dag_scope_init(&sc, r, NULL, -1, 0, r->row.created_at);
    json_t *v = dag_eval(&sc, flow_of(r)->concurrency->key, err);
    dag_scope_done(&sc);
    if (!v)
        return NULL;
    if (json_typeof(v) == JSON_STRING)
        buf_add(&key, json_string_value(v), json_string_length(v));
    else
        json_add_to(&key, v);
    json_decref(v);
    if (key.len > 0 && key.len <= FLOW_MAX_LIMIT_NAME)
        return buf_take(&key);
    ff_fail(err, FF_INVALID, 0, "concurrency.key: gives %zu bytes, must give 1 to %d",
            key.len, FLOW_MAX_LIMIT_NAME);
    buf_done(&key);
    return NULL;
}

bool dag_asks_to_begin(struct run *r, struct step *s)
{
    const struct flow_concurrency *c = flow_of(r)->concurrency;
    struct ff_err err = {0};

    if (!c)
        return false;
    MEM_AUTO char *key = key_of(r, s, &err);
    if (!key) {
        engine_run_ended(r, s, RUN_FAILED, "expression", err.msg, NULL);
        return true;
    }
    step_effect(s, (struct effect){.type = EFFECT_ADMIT,
                                   .key = arena_text(&s->batch.arena, key, strlen(key)),
                                   .count = c->limit,
                                   .overflow = (enum effect_overflow)c->overflow});
    mem_free(dag_of(r)->turn_key);
    dag_of(r)->turn_key = mem_text(key);
    return true;
}

bool dag_is_to_begin(const struct run *r)
{
    return r->row.state == RUN_PENDING || (r->row.reset.s && !dag_reset_is_open(r));
}

/* Its reason is no result: it goes when the run begins. */
static void wait(struct run *r, struct step *s)
{
    struct buf message = {0};

    if (r->row.reason.s)
        return;
    buf_printf(&message,
               "waiting for its turn under concurrency key %s: as many runs with it "
               "are under way as may be",
               dag_of(r)->turn_key);
    engine_run_waits(r, s, REASON, buf_text(&message));
    buf_done(&message);
}

void dag_admission(struct run *r, struct step *s, enum admission admission)
{
    static const char said[] =
        "as many runs with its concurrency.key were under way as "
        "may be";

    if (!dag_is_to_begin(r))
        return;
    if (admission == ADMISSION_GO)
        dag_begin(r, s);
    else if (admission == ADMISSION_WAIT)
        wait(r, s);
    else
        engine_run_ended(r, s, admission == ADMISSION_FAIL ? RUN_FAILED : RUN_CANCELLED,
                         REASON, said, NULL);
}

/* Nothing of it has begun, or begun again, so there is nothing to stop, and no handler
 * to run. */
bool dag_cancel_pending(struct run *r, struct step *s, const char *reason)
{
    if (!dag_is_to_begin(r))
        return false;
    engine_run_ended(
        r, s, RUN_CANCELLED, reason,
        r->row.reset.s ? "it had not begun again yet" : "it had not begun yet", NULL);
    return true;
}
