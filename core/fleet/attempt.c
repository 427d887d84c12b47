/* attempt.c - the attempts that this process knows of, and how each comes to its end.
 */
#include "fleet/fleet_priv.h"

#include <string.h>

struct fleet_attempt *fleet_attempt_new(struct fleet *f, const char *id,
                                        enum fleet_state state)
{
    struct fleet_attempt *a = mem_alloc(sizeof(*a));

    a->fleet = f;
    a->id = mem_text(id);
    a->state = state;
    a->tenant_hash = -1;
    list_init(&a->waiting);
    map_set_text(&f->attempts, id, a);
    return a;
}

/* It may hold secrets. */
static void forget_spec(struct fleet_attempt *a)
{
    if (a->spec)
        explicit_bzero(a->spec, a->spec_len);
    mem_free(a->spec);
    a->spec = NULL;
}

void fleet_attempt_answer(struct fleet_attempt *a, const struct ff_err *err)
{
    const struct ff_host *host = a->fleet->host;
    struct ff_op *op = a->op;

    a->op = NULL;
    if (op && host)
        host->complete(host->self, op, err);
}

void fleet_attempt_free(struct fleet_attempt *a)
{
    struct ff_err err;

    ff_fail(&err, FF_CANCELLED, 0, "%.200s is forgotten", a->id);
    fleet_attempt_answer(a, &err);
    list_del(&a->waiting);
    map_del_text(&a->fleet->attempts, a->id);
    forget_spec(a);
    mem_free(a->log_dir);
    mem_free(a->files_dir);
    mem_free(a->selector);
    mem_free(a->message);
    mem_free(a->id);
    mem_free(a);
}

void fleet_attempt_tell(const struct fleet_attempt *a)
{
    const struct fleet_setup *s = &a->fleet->setup;

    if (!a->named)
        return;
    if (a->member && a->state != FLEET_IS_ENDED)
        s->placed(s->arg, a->id, a->member->labels);
    if (a->state != FLEET_IS_ENDED)
        return;
    ARRAY_ADD(&a->fleet->tells, mem_text(a->id));
    fleet_later(a->fleet);
}

/* The core may release it inside, and start or stop others. */
void fleet_tell_ends(struct fleet *f)
{
    for (size_t i = 0; i < f->tells.n; i++) {
        const struct fleet_attempt *a = map_get_text(&f->attempts, f->tells.items[i]);
        if (a && a->state == FLEET_IS_ENDED)
            f->fn(f->fn_arg, &a->end);
        mem_free(f->tells.items[i]);
    }
    f->tells.n = 0;
}

void fleet_attempt_end(struct fleet_attempt *a, const struct ff_run_event *event)
{
    if (a->state == FLEET_IS_ENDED)
        return;
    list_del(&a->waiting);
    forget_spec(a);
    fleet_attempt_answer(a, NULL);
    a->state = FLEET_IS_ENDED;
    a->message = mem_text(event->message);
    a->end = *event;
    a->end.struct_size = sizeof(a->end);
    a->end.attempt_id = a->id;
    a->end.message = a->message;
    fleet_attempt_tell(a);
}

/* Who has it is told to end it should he come back: he holds what nobody knows then. */
void fleet_attempt_lost(struct fleet_attempt *a, const char *why)
{
    const struct ff_run_event lost = {
        .state = FF_RUN_LOST,
        .message = why,
        .ended_us = loop_wall_us(a->fleet->setup.loop),
    };

    a->member = NULL;
    a->fleet->n_lost++;
    fleet_attempt_end(a, &lost);
}

void fleet_attempt_cancelled(struct fleet_attempt *a)
{
    const struct ff_run_event event = {
        .state = FF_RUN_EXITED,
        .reason = FF_REASON_CANCELLED,
        .exit_code = 128 + 15,
        .signal = 15,
        .message = "it was cancelled before it began",
        .ended_us = loop_wall_us(a->fleet->setup.loop),
    };

    fleet_attempt_end(a, &event);
}

void fleet_attempt_wait(struct fleet_attempt *a)
{
    struct list *head = &a->fleet->waiting;

    a->member = NULL;
    if (a->stop) {
        fleet_attempt_cancelled(a);
        return;
    }
    a->state = FLEET_IS_WAITING;
    list_del(&a->waiting);
    list_add_tail(head->next, &a->waiting); /* before the first */
    fleet_later(a->fleet);
}

void fleet_attempt_runs(struct fleet_attempt *a, struct member *m)
{
    list_del(&a->waiting);
    forget_spec(a);
    a->state = FLEET_IS_RUNNING;
    a->member = m;
    fleet_attempt_tell(a);
    fleet_attempt_answer(a, NULL);
    if (a->stop)
        fleet_member_command(m, COMMAND_CANCEL, a->id, a->grace_us);
}

void fleet_attempt_unknown(struct fleet_attempt *a)
{
    struct fleet *f = a->fleet;
    const struct ff_run_event event = {
        .struct_size = sizeof(event), .state = FF_RUN_UNKNOWN, .attempt_id = a->id};

    map_del_text(&f->attempts, a->id); /* it may be started inside */
    if (a->named)
        f->fn(f->fn_arg, &event);
    struct fleet_attempt *again = map_get_text(&f->attempts, a->id);
    fleet_attempt_free(a);
    if (again)
        map_set_text(&f->attempts, again->id, again);
}

const char *fleet_attempt_log_dir(struct fleet_attempt *a)
{
    const struct fleet_setup *s = &a->fleet->setup;

    if (!a->log_dir && a->named && s->log_dir)
        a->log_dir = s->log_dir(s->arg, a->id);
    return a->log_dir;
}

const char *fleet_attempt_files_dir(struct fleet_attempt *a)
{
    const struct fleet_setup *s = &a->fleet->setup;

    if (!a->files_dir && a->named && s->files_dir)
        a->files_dir = s->files_dir(s->arg, a->id);
    return a->files_dir;
}

/* An id is no name of a folder: it has slashes. */
char *fleet_attempt_dir(const struct fleet *f, const char *id)
{
    char hash[SHA256_TEXT];

    sha256_text(id, strlen(id), hash);
    return file_join(f->dir, hash);
}
