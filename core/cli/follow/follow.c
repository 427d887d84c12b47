/* follow.c - see follow.h. In turns: try to be the owner and lead; where somebody else
 * is, listen to it; when it goes, try again. */
#include "cli/follow/follow_priv.h"

#include "cli/owner/engine_need.h"
#include "cli/read/run_view.h"
#include "cli/view/track_read.h"

#include <signal.h>
#include <string.h>

/* Between two tries to be or to find the owner; the sum of all without any sign of it
 * is bounded too. */
#define PAUSE_US     (UNITS_SECOND / 50)
#define PAUSE_MAX_US UNITS_SECOND
#define PATIENCE_US  (60 * UNITS_SECOND)

enum stop follow_wait(struct follow *f)
{
    if (follow_all_final(f))
        return STOP_DONE;
    if (f->signo)
        return STOP_LEAVE;
    f->in_loop = true;
    const int why = loop_run(f->setup.s->loop);
    f->in_loop = false;
    return (enum stop)why;
}

/* --- as the owner --- */

static void on_changed(void *arg, const struct run_row *run)
{
    struct follow *f = arg;
    struct track *t = follow_find(f, run->run);

    if (!t && run_is_child(run))
        view_changed(&f->view); /* it may be one that the picture shows */
    if (!t)
        return;
    if (!f->setup.c->quiet || run_state_final(run->state))
        follow_read(f, t, false);
    if (run_state_final(run->state))
        follow_saw_final(f, t);
}

static struct track *find_any(const struct follow *f, int64_t run)
{
    struct track *t = follow_find(f, run);

    return t || f->view.kind != &view_live ? t : follow_inside_find(f, run);
}

static void on_progress(void *arg, int64_t run, const char *path,
                        const struct exec_progress *said)
{
    struct follow *f = arg;
    struct track *t = find_any(f, run);

    if (t && track_progress(t, path, said->progress, said->message))
        view_changed(&f->view);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    struct follow *f = arg;

    f->fatal = *err;
    const bool lost = err->code == FF_CONFLICT ||
                      (err->code == FF_DENIED && node_is_leased(f->setup.s->node));

    /* Somebody took the shard over: then there is an owner to listen to. */
    follow_end_wait(f, lost ? STOP_OWNER_LOST : STOP_FATAL);
}

/* Whoever led before us may have ended the runs since we looked, and of a run that is
 * over the owner hears nothing more. */
static void look_once_more(struct follow *f)
{
    for (size_t i = 0; i < f->tracks.n; i++) {
        struct track *t = f->tracks.items[i];
        if (follow_read(f, t, false) == CLI_OK && !run_state_final(t->state))
            track_read_end(t, node_store(f->setup.s->node));
    }
}

static enum stop lead(struct follow *f)
{
    f->leads = true;
    look_once_more(f);
    follow_pass_cancel(f);
    const enum stop why = follow_wait(f);
    f->leads = false;
    loop_timer_del(f->retry_cancel);
    return why;
}

/* --- as a client --- */

static void on_event(void *arg, const json_t *data)
{
    struct follow *f = arg;
    const char *id = json_string_value(json_object_get(data, "run"));
    const char *path = json_string_value(json_object_get(data, "task"));
    const json_t *message = json_object_get(data, "message");
    struct track *t;

    f->heard = true;
    if (path) {
        t = find_any(f, json_integer_value(json_object_get(data, "run_no")));
        if (t &&
            track_progress(t, path,
                           (int)json_integer_value(json_object_get(data, "progress")),
                           json_string_value(message)))
            view_changed(&f->view);
        return;
    }
    for (size_t i = 0; i < f->tracks.n; i++)
        if (!id || strcmp(f->tracks.items[i]->id, id) == 0)
            follow_read(f, f->tracks.items[i], false);
    view_changed(&f->view); /* it may be of a run inside */
}

static void on_ended(void *arg, const struct ff_err *err)
{
    if (err->code != FF_OK)
        log_debug("the owner: %s", err->msg);
    follow_end_wait(arg, STOP_OWNER_LOST);
}

static enum stop listen_to_owner(struct follow *f)
{
    struct owner_link_setup setup = {.loop = f->setup.s->loop,
                                     .socket = f->socket,
                                     .inside = f->view.kind == &view_live,
                                     .event = on_event,
                                     .ended = on_ended,
                                     .arg = f};
    struct ff_err err = {0};

    if (f->tracks.n == 1)
        setup.run = f->tracks.items[0]->id;
    if (owner_call(f->socket, "POST", "/api/v1/wake", NULL, NULL, &err) != FF_OK) {
        log_debug("the owner: %s", err.msg);
        return STOP_OWNER_LOST;
    }
    follow_pass_cancel(f);
    struct owner_link *link = owner_link_new(&setup, &err);
    if (!link) {
        log_debug("the owner: %s", err.msg);
        return STOP_OWNER_LOST;
    }
    const enum stop why = follow_wait(f);
    owner_link_free(link);
    return why;
}

/* --- in turns --- */

static void pause_over(void *arg)
{
    follow_end_wait(arg, STOP_OWNER_LOST);
}

/* With jitter, so that clients of one dead owner do not all come at once. */
static enum stop pause_for(struct follow *f, int64_t us)
{
    const int64_t jitter =
        (int64_t)(loop_random(f->setup.s->loop) % (uint64_t)us) - us / 2;

    loop_timer_add(f->setup.s->loop, us + jitter, pause_over, f, &f->pause);
    const enum stop why = follow_wait(f);
    loop_timer_del(f->pause);
    return why;
}

/* FF_OK with *why: it led until then. */
static int try_to_lead(struct follow *f, enum stop *why, struct ff_err *err)
{
    const struct owner_events events = {
        .arg = f, .changed = on_changed, .progress = on_progress, .fatal = on_fatal};
    const int code = owner_start(&f->owner, f->setup.s, &events, err);

    if (code == FF_OK)
        *why = lead(f);
    /* Who has lost a lease goes on, and waits for the store as long as it takes. */
    if (code == FF_OK && *why == STOP_OWNER_LOST)
        owner_step_down(&f->owner);
    else
        owner_stop(&f->owner, f->signo ? 128 + f->signo : CLI_IO);
    return code;
}

/* What the turns remember of each other. */
struct turns {
    int64_t heard_at;
    int64_t pause_us;
    struct ff_err err;
};

/* To an owner of this host; one of another host is followed in its rows, at first soon
 * after something happened and then less and less often. */
static enum stop listen(struct follow *f, struct turns *turns)
{
    enum stop why = listen_to_owner(f);

    f->elsewhere =
        why == STOP_OWNER_LOST && !f->heard && engine_is_elsewhere(f->setup.s);
    if (!f->elsewhere)
        return why;
    turns->heard_at = loop_mono_us(f->setup.s->loop);
    follow_pass_cancel(f);
    f->heard = f->happened;
    f->happened = false;
    return STOP_OWNER_LOST;
}

/* One turn. Exit code; *why says what ended it. */
static int take_turn(struct follow *f, struct turns *turns, enum stop *why)
{
    const int code = try_to_lead(f, why, &turns->err);

    f->heard = code == FF_OK;
    f->led = f->led || code == FF_OK;
    if (code == FF_OK)
        return CLI_OK;
    if (code == FF_BUSY)
        *why = listen(f, turns);
    else if (code == FF_CONFLICT || (node_is_leased(f->setup.s->node) && f->led &&
                                     (code == FF_UNAVAILABLE || code == FF_IN_DOUBT)))
        *why = STOP_OWNER_LOST;
    else
        return cli_fail_config(f->setup.s->config, &turns->err);
    return CLI_OK;
}

static int be_patient(struct follow *f, struct turns *turns, enum stop *why)
{
    const int64_t now = loop_mono_us(f->setup.s->loop);

    if (f->heard) {
        turns->heard_at = now;
        turns->pause_us = PAUSE_US;
    }
    if (now - turns->heard_at > PATIENCE_US)
        return cli_fail(CLI_UNAVAILABLE,
                        "the owner of %s does not answer; the run stays open",
                        node_settings(f->setup.s->node)->data_dir);
    *why = pause_for(f, turns->pause_us);
    turns->pause_us *= 2;
    if (turns->pause_us > PAUSE_MAX_US)
        turns->pause_us = PAUSE_MAX_US;
    return CLI_OK;
}

static int in_turns(struct follow *f, enum stop *why)
{
    struct turns turns = {.heard_at = loop_mono_us(f->setup.s->loop),
                          .pause_us = PAUSE_US};
    int code = follow_read_all(f, false);

    while (code == CLI_OK && !follow_all_final(f)) {
        code = take_turn(f, &turns, why);
        if (code != CLI_OK || *why != STOP_OWNER_LOST)
            break;
        code = follow_read_all(f, false);
        if (code == CLI_OK && !follow_all_final(f))
            code = be_patient(f, &turns, why);
        if (*why != STOP_OWNER_LOST)
            break;
    }
    if (follow_all_final(f))
        *why = STOP_DONE;
    return code;
}

/* --- the end --- */

static void print_results(struct follow *f)
{
    for (size_t i = 0; i < f->tracks.n; i++) {
        struct track *t = f->tracks.items[i];
        struct arena arena = {0};
        struct run_row run;
        struct ff_err err = {0};
        struct buf out = {0};
        struct jsonw w = {.out = &out};
        if (store_run_by_id(node_store(f->setup.s->node), STORE_READER_CALLER,
                            TENANT_DEFAULT, t->id, &arena, &run, &err) == FF_OK) {
            track_take_row(t, &run);
            run_view_open(f->setup.s, &run, &arena);
            jsonw_open(&w, '{');
            jsonw_key(&w, "type");
            jsonw_text(&w, "result");
            jsonw_key(&w, "run");
            jsonw_open(&w, '{');
            model_row_keys(&w, &record_run, &run, RUN_KEYS);
            jsonw_close(&w, '}');
            jsonw_close(&w, '}');
            buf_add_char(&out, '\n');
        } else {
            view_note(&f->view, "the result of run %s cannot be read: %s", t->id,
                      err.msg);
        }
        if (f->setup.c->json)
            cli_print(&out);
        buf_done(&out);
        arena_done(&arena);
    }
}

static int worst_result(const struct follow *f)
{
    int worst = CLI_OK;

    for (size_t i = 0; i < f->tracks.n; i++) {
        const int code = (int)cli_exit_of_run(f->tracks.items[i]->state);
        /* A failure is worse than a cancel. */
        if (code == CLI_RUN_FAILED || worst == CLI_OK)
            worst = code;
    }
    return worst;
}

static void say_open(struct follow *f)
{
    for (size_t i = 0; i < f->tracks.n; i++)
        if (!run_state_final(f->tracks.items[i]->state))
            view_note(&f->view, "run %s stays open; go on: flowforge resume %s",
                      f->tracks.items[i]->id, f->tracks.items[i]->id);
}

static int finish(struct follow *f, enum stop why)
{
    if (why == STOP_FATAL)
        return cli_fail(CLI_IO, "%s; the run stays open", f->fatal.msg);
    if (why == STOP_LEAVE) {
        view_end(&f->view);
        say_open(f);
        return 128 + f->signo;
    }
    print_results(f);
    view_end(&f->view);
    owner_leave(f->setup.c, &f->owner);
    return worst_result(f);
}

static int run_all(struct follow *f)
{
    const struct view_setup view = {
        .c = f->setup.c,
        .loop = f->setup.s->loop,
        .data_dir =
            f->setup.s->remote ? NULL : node_settings(f->setup.s->node)->files_dir,
        .tracks = f->tracks.items,
        .n_tracks = f->tracks.n,
        .look = follow_inside_look,
        .arg = f,
    };
    enum stop why = STOP_DONE;
    struct ff_err err = {0};

    f->signals = signals_open(f->setup.s->loop, follow_on_signal, f, &err);
    if (!f->signals)
        return cli_fail_err(&err);
    view_begin(&f->view, &view);
    follow_limits_begin(f);
    int code = f->setup.s->remote ? follow_there(f, &why) : in_turns(f, &why);
    if (code == CLI_OK)
        code = finish(f, why);
    else if (f->setup.s->remote && code == CLI_UNAVAILABLE)
        say_open(f);
    view_end(&f->view);
    loop_timer_del(f->look_at_limits);
    loop_timer_del(f->look_again);
    signals_close(f->signals);
    return code;
}

int follow_runs(const struct follow_setup *setup)
{
    struct follow f = {.setup = *setup};

    f.socket = setup->s->remote ? NULL : node_socket_path(setup->s->node);
    int code = follow_open_tracks(&f);
    if (code == CLI_OK)
        code = run_all(&f);
    for (size_t i = 0; i < f.tracks.n; i++)
        track_free(f.tracks.items[i]);
    ARRAY_DONE(&f.tracks);
    mem_free(f.socket);
    return code;
}
