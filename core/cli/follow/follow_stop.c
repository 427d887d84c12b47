/* follow_stop.c - what ends a wait: signals, and the wish to cancel that the first of
 * them express. */
#include "cli/follow/follow_priv.h"

#include "cli/remote/remote.h"

#include <signal.h>
#include <unistd.h>

#define RETRY_CANCEL_US (UNITS_SECOND / 10)

void follow_end_wait(struct follow *f, enum stop why)
{
    if (f->in_loop)
        loop_stop(f->setup.s->loop, (int)why);
    f->in_loop = false;
}

/* --- cancelling --- */

static void retry_cancel(void *arg)
{
    follow_pass_cancel(arg);
}

/* A run that was submitted a moment ago is not in memory yet. */
static void on_cancelled(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct follow *f = arg;

    (void)failed;
    if (code == FF_OK || code == FF_CANCELLED)
        return;
    if (code != FF_NOT_FOUND)
        view_note(&f->view, "the run could not be cancelled: %s", err->msg);
    else if (f->leads && !f->retry_cancel)
        loop_timer_add(f->setup.s->loop, RETRY_CANCEL_US, retry_cancel, f,
                       &f->retry_cancel);
}

static void cancel_by_owner(struct follow *f, const struct track *t)
{
    struct ff_err err = {0};
    const int code = owner_call_cancel(f->socket, t->id, f->asked == CANCEL_KILL, &err);

    /* Without an owner it is passed on as soon as there is one; CONFLICT: it has ended.
     */
    if (code != FF_OK && code != FF_UNAVAILABLE && code != FF_CONFLICT)
        view_note(&f->view, "the run could not be cancelled: %s", err.msg);
}

/* Each time it is passed on is one request; whoever leads finds it in the store. */
static void cancel_by_rows(struct follow *f, const struct track *t)
{
    struct node *node = f->setup.s->node;
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    int code = FF_OK;

    if (f->left == f->asked)
        return;
    code = store_run_by_id(node_store(node), STORE_READER_CALLER, TENANT_DEFAULT, t->id,
                           &arena, &run, &err);
    if (code == FF_OK)
        code = node_leave_cancel(node, TENANT_DEFAULT, &run, f->asked, &err);
    if (code != FF_OK && code != FF_CONFLICT)
        view_note(&f->view, "the run could not be cancelled: %s", err.msg);
    arena_done(&arena);
}

static void cancel_by_server(struct follow *f, const struct track *t)
{
    const bool kill = f->asked == CANCEL_KILL;
    MEM_AUTO char *path =
        remote_path("runs", t->id, kill ? "terminate" : "cancel", (char *)NULL);
    const struct remote_request what = {.method = "POST", .path = path};
    struct ff_err err = {0};

    f->untold = f->untold || f->away;
    if (f->away) /* the wait for it would keep the next Ctrl-C waiting */
        return;
    const int code = remote_call(f->setup.s->remote, &what, NULL, &err);
    if (code == FF_UNAVAILABLE)
        f->untold = true;
    if (code != FF_OK && err.sys != 409) /* which means that it has ended */
        view_note(&f->view, "the run could not be cancelled: %s", err.msg);
}

void follow_pass_cancel(struct follow *f)
{
    if (f->asked == CANCEL_NONE)
        return;
    f->untold = false;
    for (size_t i = 0; i < f->tracks.n; i++) {
        const struct track *t = f->tracks.items[i];
        if (run_state_final(t->state))
            continue;
        if (f->setup.s->remote)
            cancel_by_server(f, t);
        else if (f->leads)
            control_cancel(node_control(f->setup.s->node), TENANT_DEFAULT, t->run,
                           f->asked, on_cancelled, f);
        else if (f->elsewhere)
            cancel_by_rows(f, t);
        else if (f->socket)
            cancel_by_owner(f, t);
    }
    f->left = f->elsewhere ? f->asked : CANCEL_NONE;
}

static void interrupted(struct follow *f)
{
    f->n_interrupts++;
    if (!f->setup.interrupt_cancels || f->n_interrupts > 2) {
        f->signo = SIGINT;
        follow_end_wait(f, STOP_LEAVE);
        return;
    }
    f->asked = f->n_interrupts == 1 ? CANCEL_GRACEFUL : CANCEL_KILL;
    view_note(&f->view, f->n_interrupts == 1
                            ? "cancelling; Ctrl-C again kills the tasks"
                            : "killing; Ctrl-C again leaves");
    follow_pass_cancel(f);
}

void follow_on_signal(void *arg, int signo)
{
    struct follow *f = arg;

    if (signo == SIGWINCH) {
        view_changed(&f->view);
        return;
    }
    /* It is leaving already, and somebody has no patience. */
    if (f->signo)
        _exit(128 + signo);
    if (signo == SIGINT) {
        interrupted(f);
        return;
    }
    f->signo = signo;
    follow_end_wait(f, STOP_LEAVE);
}
