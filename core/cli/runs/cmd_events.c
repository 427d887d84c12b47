/* cmd_events.c - what happens, as it happens, in all runs or in one. The owner's hints
 * say where to look; what is printed are committed rows, each once and in their order,
 * however often owners come and go meanwhile. */
#include "cli/frame/frame.h"
#include "cli/owner/owner_link.h"
#include "cli/runs/events_there.h"
#include "cli/runs/runs.h"
#include "cli/view/event_text.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define RETRY_US  (UNITS_SECOND / 20)
#define TRIES_MAX 5
/* Numbers of runs are taken in blocks, so a later run may have a lower one. */
#define OLDER_MAX 1000

struct watched {
    int64_t run, last_seq;
    json_t *named; /* {"run", "workflow"} */
    char *prefix;  /* "01a20426 etl " */
    bool over;
};

struct following {
    struct cli *c;
    struct cli_session *s;
    struct watched *only; /* --run; NULL: all runs */
    struct map by_id;     /* struct watched */
    int64_t since_us; /* runs that are made later are told of from their beginning */
    char *socket;
    struct owner_link *link;
    struct loop_timer *retry;
    struct loop_watch *watch;
    int inotify, tries, code;
    struct buf out;
};

static void stop(struct following *f, int code)
{
    f->code = code;
    loop_stop(f->s->loop, 0);
}

/* --- runs --- */

static struct watched *add_run(struct following *f, const struct run_row *run)
{
    struct watched *w = mem_alloc(sizeof(*w));
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    MEM_AUTO char *workflow = mem_text_len(run->workflow.s, run->workflow.len);
    struct buf prefix = {0};

    if (!f->only)
        buf_printf(&prefix, "%.8s  %s  ", id, workflow);
    w->run = run->run;
    w->named = json_pack("{s:s, s:s}", "run", id, "workflow", workflow);
    w->prefix = buf_take(&prefix);
    map_set_text(&f->by_id, id, w);
    return w;
}

static void free_all(struct following *f)
{
    void *x;

    for (size_t i = 0; map_next(&f->by_id, &i, &x);) {
        struct watched *w = x;
        json_decref(w->named);
        mem_free(w->prefix);
        mem_free(w);
    }
    map_done(&f->by_id);
}

/* --- their events --- */

struct telling {
    struct following *f;
    struct watched *w;
};

static int tell(void *arg, const void *row)
{
    const struct telling *t = arg;
    const struct event_row *event = row;
    struct ff_err err = {0};
    json_t *list = json_parse(event->body.s, event->body.len, &err);
    json_t *one;
    size_t i;

    const struct event_look look = {t->f->c->json, t->w->named, t->w->prefix};

    t->w->last_seq = event->seq;
    json_array_foreach(list, i, one)
    {
        const char *type = json_string_value(json_object_get(one, "type"));
        t->w->over = type && strcmp(type, "run.finished") == 0;
    }
    event_add_step(&t->f->out, &look, event, list);
    json_decref(list);
    return 0;
}

static int read_run(struct following *f, struct watched *w)
{
    const struct event_row last = {
        .tenant = TENANT_DEFAULT.no, .run = w->run, .seq = w->last_seq};
    const struct store_query query = {.record = &record_event,
                                      .like = &last,
                                      .n_equal = 2,
                                      .after = w->last_seq > 0 ? &last : NULL};
    struct telling t = {.f = f, .w = w};
    struct ff_err err = {0};

    if (store_scan(node_store(f->s->node), STORE_READER_CALLER, &query, tell, &t,
                   &err) != FF_OK)
        return cli_fail_err(&err);
    return cli_print(&f->out);
}

static int take_seq(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct event_row *)row)->seq;
    return 1;
}

/* What has happened already is not told. */
static int skip_past(struct following *f, struct watched *w)
{
    const struct event_row like = {.tenant = TENANT_DEFAULT.no, .run = w->run};
    const struct store_query query = {.record = &record_event,
                                      .like = &like,
                                      .n_equal = 2,
                                      .descending = true,
                                      .limit = 1};
    struct ff_err err = {0};

    return store_scan(node_store(f->s->node), STORE_READER_CALLER, &query, take_seq,
                      &w->last_seq, &err) == FF_OK
               ? CLI_OK
               : cli_fail_err(&err);
}

/* --- which runs there are --- */

struct found_runs {
    struct following *f;
    struct arena arena;
    struct run_row *items;
    size_t n, cap;
    size_t older; /* behind each other */
    bool past;    /* those that are open, not those that are new */
};

static int find_one(void *arg, const void *row)
{
    struct found_runs *found = arg;
    struct run_row run = *(const struct run_row *)row;
    MEM_AUTO char *id = mem_text_len(run.id.s, run.id.len);
    const bool is_new = run.created_at >= found->f->since_us;

    if (map_get_text(&found->f->by_id, id))
        return 0;
    if (is_new || (found->past && !run_state_final(run.state))) {
        store_own_row(&record_run, &run, &found->arena);
        ARRAY_ADD(found, run);
    }
    found->older = is_new ? 0 : found->older + 1;
    return !found->past && found->older >= OLDER_MAX;
}

/* Those open now, whose past is not told; later those that nobody hinted at. */
static int find_runs(struct following *f, bool past)
{
    const struct run_row like = {.tenant = TENANT_DEFAULT.no};
    const struct store_query query = {
        .record = &record_run, .like = &like, .n_equal = 1, .descending = true};
    struct found_runs found = {.f = f, .past = past};
    struct ff_err err = {0};
    int code = CLI_OK;

    if (store_scan(node_store(f->s->node), STORE_READER_CALLER, &query, find_one,
                   &found, &err) != FF_OK)
        code = cli_fail_err(&err);
    for (size_t i = found.n; code == CLI_OK && i > 0; i--) {
        struct watched *w = add_run(f, &found.items[i - 1]);
        if (past && found.items[i - 1].created_at < f->since_us)
            code = skip_past(f, w);
    }
    ARRAY_DONE(&found);
    arena_done(&found.arena);
    return code;
}

static void read_all(struct following *f)
{
    int code = f->only ? CLI_OK : find_runs(f, false);
    void *x;

    for (size_t i = 0; code == CLI_OK && map_next(&f->by_id, &i, &x);)
        if (!((struct watched *)x)->over)
            code = read_run(f, x);
    if (code != CLI_OK || (f->only && f->only->over))
        stop(f, code);
}

/* --- the owner --- */

static void try_owner(void *arg);

static struct watched *run_of(struct following *f, const char *id)
{
    struct watched *w = map_get_text(&f->by_id, id);
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};

    if (!w && !f->only &&
        store_run_by_id(node_store(f->s->node), STORE_READER_CALLER, TENANT_DEFAULT, id,
                        &arena, &run, &err) == FF_OK)
        w = add_run(f, &run);
    arena_done(&arena);
    return w;
}

static void on_hint(void *arg, const json_t *data)
{
    struct following *f = arg;
    const char *id = json_string_value(json_object_get(data, "run"));

    f->tries = 0;
    if (json_object_get(data, "task"))
        return; /* progress, which is no event */
    if (!id) {
        read_all(f);
        return;
    }
    struct watched *w = run_of(f, id);
    const int code = w ? read_run(f, w) : CLI_OK;
    if (code != CLI_OK || (f->only && f->only->over))
        stop(f, code);
}

static void on_link_ended(void *arg, const struct ff_err *err)
{
    struct following *f = arg;

    (void)err;
    owner_link_free(f->link);
    f->link = NULL;
    read_all(f);
    if (f->tries++ < TRIES_MAX)
        loop_timer_add(f->s->loop, RETRY_US << f->tries, try_owner, f, &f->retry);
    else
        cli_note(f->c, "nobody leads runs now; waiting");
}

static void try_owner(void *arg)
{
    struct following *f = arg;
    const struct owner_link_setup setup = {
        .loop = f->s->loop,
        .socket = f->socket,
        .run =
            f->only ? json_string_value(json_object_get(f->only->named, "run")) : NULL,
        .event = on_hint,
        .ended = on_link_ended,
        .arg = f};
    struct ff_err err = {0};

    if (f->link)
        return;
    f->link = owner_link_new(&setup, &err);
    if (!f->link)
        stop(f, cli_fail_err(&err));
}

/* A new owner has made its socket. */
static void on_folder(void *arg, int fd, uint32_t events)
{
    struct following *f = arg;
    union {
        struct inotify_event event; /* for its alignment */
        char bytes[4096];
    } buf;

    (void)events;
    while (read(fd, buf.bytes, sizeof(buf.bytes)) > 0)
        ;
    f->tries = 0;
    if (!f->link && !f->retry)
        try_owner(f);
}

static int watch_folder(struct following *f)
{
    f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->inotify < 0 ||
        inotify_add_watch(f->inotify, node_settings(f->s->node)->data_dir,
                          IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
        return cli_fail(CLI_INTERNAL, "inotify: %s", strerror(errno));
    f->watch = loop_watch_add(f->s->loop, f->inotify, FF_FD_READ, on_folder, f);
    return CLI_OK;
}

/* --- the command --- */

/* `only` is set before the run is added: its lines have no prefix. */
static int begin_one(struct following *f, const char *word)
{
    struct arena arena = {0};
    struct watched none;
    struct run_row run;
    int code = cli_find_run(f->s, word, &arena, &run);

    if (code == CLI_OK) {
        f->only = &none;
        f->only = add_run(f, &run);
        code = read_run(f, f->only);
    }
    arena_done(&arena);
    return code;
}

static int follow(struct following *f)
{
    f->socket = node_socket_path(f->s->node);
    f->code = watch_folder(f);
    if (f->code != CLI_OK)
        return f->code;
    try_owner(f);
    if (f->code == CLI_OK)
        loop_run(f->s->loop);
    return f->code;
}

static int events_here(struct following *f, const char *word, bool goes_on)
{
    f->since_us = loop_wall_us(f->s->loop);
    int code = word ? begin_one(f, word) : find_runs(f, true);

    if (code == CLI_OK && goes_on && !(f->only && f->only->over))
        code = follow(f);
    loop_timer_del(f->retry);
    owner_link_free(f->link);
    loop_watch_del(f->watch);
    if (f->inotify >= 0)
        close(f->inotify);
    free_all(f);
    mem_free(f->socket);
    buf_done(&f->out);
    return code;
}

int cmd_events(struct cli *c)
{
    const char *word = cli_get(&c->args, "run");
    const bool goes_on = cli_has(&c->args, "follow");
    struct cli_session s = {0};
    struct following f = {.c = c, .s = &s, .inotify = -1};

    if (!word && !goes_on)
        return cli_fail(CLI_USAGE, "--follow tells what happens from now on, and --run "
                                   "RUN what happened in one run");
    int code = cli_open(c, &s);
    if (code == CLI_OK)
        code = s.remote && goes_on ? events_there_follow(c, &s, word)
                                   : events_here(&f, word, goes_on);
    cli_close(&s);
    return code;
}
