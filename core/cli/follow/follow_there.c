/* follow_there.c - the runs of a server: a stream of each tells its steps, from the
 * first one to the last, over the server's death and restarts. Nothing is asked beside
 * it, but for runs that have none, beyond MAX_STREAMS or where the server has no room:
 * they are read now and then until there is. */
#include "cli/follow/follow_priv.h"

#include "cli/remote/stream.h"
#include "cli/view/track_read.h"

#include <string.h>

#define MAX_STREAMS 64 /* a server lets one caller have 256 by default */
#define ASK_US      (2 * UNITS_SECOND)
#define AWAY_US     (3 * UNITS_SECOND) /* as long as it may be away without a word */

/* One of the runs. */
struct told {
    struct follow_there *there;
    struct track *track;
    struct remote_stream *stream; /* NULL: not yet, or not any more */
    bool lost;
};

struct follow_there {
    struct follow *f;
    struct told *items;
    size_t n, n_streams, n_lost;
    size_t room; /* streams that the server has room for, as far as is known */
    struct loop_timer *ask, *away;
    char why[128]; /* it is away */
    bool said;     /* that it is */
    int code;
};

static const char *server_of(const struct follow_there *there)
{
    return there->f->setup.s->remote->server;
}

static void leave(struct follow_there *there, int code)
{
    if (there->code == CLI_OK)
        there->code = code;
    follow_end_wait(there->f, STOP_OWNER_LOST);
}

/* --- the way to the server --- */

static void on_away(void *arg)
{
    struct follow_there *there = arg;

    there->said = true;
    view_note(&there->f->view, "%s does not tell what happens: %s; asking again",
              server_of(there), there->why);
}

static void on_back(struct follow_there *there)
{
    struct follow *f = there->f;

    loop_timer_del(there->away);
    if (there->said)
        view_note(&f->view, "%s tells what happens again", server_of(there));
    there->said = false;
    if (f->untold)
        follow_pass_cancel(f);
}

static void set_lost(struct told *told, bool lost)
{
    struct follow_there *there = told->there;
    const bool was = there->f->away;

    if (told->lost == lost)
        return;
    told->lost = lost;
    there->n_lost += lost ? 1 : (size_t)-1;
    there->f->away = there->n_lost > 0;
    if (there->f->away && !was)
        loop_timer_add(there->f->setup.s->loop, AWAY_US, on_away, there, &there->away);
    else if (was && !there->f->away)
        on_back(there);
}

static void on_lost(void *arg, const char *why)
{
    struct told *told = arg;

    if (why)
        snprintf(told->there->why, sizeof(told->there->why), "%s", why);
    set_lost(told, why != NULL);
}

/* --- what it tells --- */

static void on_step(void *arg, const json_t *step)
{
    struct told *told = arg;
    const char *at = json_string_value(json_object_get(step, "at"));
    struct event_row row = {.seq = json_integer_value(json_object_get(step, "seq"))};

    if (at && units_time(at, &row.at))
        follow_step(told->there->f, told->track, &row, json_object_get(step, "events"));
}

static void ask_later(struct follow_there *there);

/* While the server is away, of which streams tell, it is not asked. */
static void read_now(struct told *told)
{
    struct follow *f = told->there->f;

    if (!f->away)
        follow_try(f, told->track);
}

static void let_go(struct told *told)
{
    remote_stream_close(told->stream);
    told->stream = NULL;
    told->there->n_streams--;
    set_lost(told, false);
}

/* It answers, so it can be read. */
static void on_crowded(void *arg)
{
    struct told *told = arg;
    struct follow_there *there = told->there;

    let_go(told);
    there->room = there->n_streams;
    read_now(told);
    ask_later(there);
}

/* Not every run ends with a step that says so: then its row does. Where that cannot be
 * read now, the stream that is asked for again says what there is. */
static void on_ended(void *arg, int code)
{
    struct told *told = arg;
    struct follow_there *there = told->there;

    if (code != CLI_OK) { /* the way may still be lost */
        leave(there, code);
        return;
    }
    let_go(told);
    if (track_read_end(told->track, node_store(there->f->setup.s->node)) &&
        follow_all_final(there->f))
        follow_end_wait(there->f, STOP_DONE);
    ask_later(there);
}

/* --- which runs --- */

static int open_one(struct told *told)
{
    const struct cli_session *s = told->there->f->setup.s;
    MEM_AUTO char *path = remote_path("runs", told->track->id, "history", (char *)NULL);
    struct ff_err err = {0};
    const struct remote_stream_setup setup = {.c = told->there->f->setup.c,
                                              .loop = s->loop,
                                              .remote = s->remote,
                                              .path = path,
                                              .event = on_step,
                                              .lost = on_lost,
                                              .known = true,
                                              .crowded = on_crowded,
                                              .ended = on_ended,
                                              .arg = told};

    told->stream = remote_stream_open(&setup, &err);
    if (!told->stream)
        return cli_fail_err(&err);
    told->there->n_streams++;
    return CLI_OK;
}

/* Streams where there is room for them; what is left is read. */
static int look(struct follow_there *there)
{
    int code = CLI_OK;

    for (size_t i = 0; i < there->n && code == CLI_OK; i++) {
        struct told *told = &there->items[i];

        if (told->stream || run_state_final(told->track->state))
            continue;
        if (there->n_streams < there->room) {
            code = open_one(told);
            continue;
        }
        read_now(told);
        ask_later(there);
    }
    return code;
}

static void on_ask(void *arg)
{
    struct follow_there *there = arg;

    if (there->room < MAX_STREAMS) /* it may have some again */
        there->room = there->n_streams + 1;

    const int code = look(there);

    if (code != CLI_OK)
        leave(there, code);
}

static void ask_later(struct follow_there *there)
{
    if (!there->ask && !follow_all_final(there->f))
        loop_timer_add(there->f->setup.s->loop, ASK_US, on_ask, there, &there->ask);
}

int follow_there(struct follow *f, enum stop *why)
{
    struct follow_there there = {.f = f,
                                 .n = f->tracks.n,
                                 .items = mem_array(f->tracks.n, sizeof(struct told)),
                                 .room = MAX_STREAMS};

    for (size_t i = 0; i < there.n; i++)
        there.items[i] = (struct told){.there = &there, .track = f->tracks.items[i]};
    int code = look(&there);
    if (code == CLI_OK) {
        *why = follow_wait(f);
        code = *why == STOP_OWNER_LOST ? there.code : CLI_OK;
    }
    for (size_t i = 0; i < there.n; i++)
        remote_stream_close(there.items[i].stream);
    loop_timer_del(there.ask);
    loop_timer_del(there.away);
    mem_free(there.items);
    f->away = false;
    return code;
}
