/* logs_follow.c - see logs_follow.h. inotify tells of new folders, chunks and bytes;
 * the owner's hints tell which attempts have ended; nothing is asked twice in between.
 */
#include "cli/logs_follow.h"

#include "cli/owner_link.h"
#include "cli/run_view.h"
#include "cli/track_read.h"
#include "exec/exec.h"
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
#define LOG_EVENTS    (IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR)
#define RETRY_US      (UNITS_SECOND / 20)
#define TRIES_MAX     8

/* The folder of one attempt. */
struct attempt_dir {
    int wd; /* -1: not watched, its attempt is over */
    char *path;
    struct log_source *sources[2];
    size_t n_sources;
};

struct following {
    struct logs_follow_setup setup;
    struct track *track;
    int inotify;
    struct loop_watch *watch;
    struct map by_wd;   /* wd + 1 -> struct attempt_dir */
    struct map by_path; /* text -> the same */
    struct log_merge merge;
    struct owner_link *link;
    char *socket;
    struct loop_timer *retry;
    int tries;
    int logs_wd;
    bool picked_over; /* the item or the attempt that was asked for has ended */
    int code;
};

/* --- the end --- */

static bool is_over(const struct following *f)
{
    const struct logs_pick *pick = f->setup.pick;

    if (run_state_final(f->track->state) || f->picked_over)
        return true;
    if (!pick->task || pick->item >= 0 || pick->attempt > 0)
        return false;
    const int64_t task = flow_task_index(f->track->flow, pick->task);
    return task >= 0 && f->track->tasks[task].seen &&
           task_state_final(f->track->tasks[task].state);
}

static void stop(struct following *f, int code)
{
    f->code = code;
    loop_stop(f->setup.s->loop, 0);
}

/* --- printing --- */

static void print_ready(struct following *f, bool last)
{
    struct log_source *s;

    while ((s = log_merge_first(&f->merge))) {
        logs_print_line(f->setup.print, s);
        log_merge_pop(&f->merge, last);
    }
    if (cli_print(&f->setup.print->out) != CLI_OK)
        stop(f, CLI_IO);
}

static void look_at(struct following *f, const struct attempt_dir *d, bool last)
{
    for (size_t i = 0; i < d->n_sources; i++)
        log_merge_add(&f->merge, d->sources[i], last);
}

/* --- folders --- */

static bool attempt_runs(const struct following *f, const struct log_source *s)
{
    const int64_t task = flow_task_index(f->track->flow, s->task);
    const struct track_active *a =
        task < 0 ? NULL : track_active(&f->track->tasks[task], s->item);

    /* Its start may not have been read yet: then it is a new one. */
    return task >= 0 && (!a ? !f->track->tasks[task].seen || s->item >= 0
                            : a->attempt <= s->attempt);
}

static void watch_dir(struct following *f, struct attempt_dir *d)
{
    d->wd = inotify_add_watch(f->inotify, d->path, LOG_EVENTS);
    if (d->wd >= 0)
        map_set(&f->by_wd, d->wd + 1, d);
    else if (errno == ENOSPC)
        cli_note(f->setup.c,
                 "warning: too many folders to watch (fs.inotify.max_user_watches); "
                 "%s comes when its attempt has ended",
                 d->path);
}

/* A folder that is there: new sources, unless they are known. */
static void add_dir(struct following *f, const char *path, bool is_new)
{
    struct log_sources found = {0};

    if (map_get_text(&f->by_path, path))
        return;
    logs_pick_add(f->setup.pick, &found, path);
    if (found.n == 0)
        return;
    struct attempt_dir *d = mem_alloc(sizeof(*d));
    *d = (struct attempt_dir){.wd = -1, .path = mem_text(path)};
    for (size_t i = 0; i < found.n; i++) {
        d->sources[d->n_sources++] = found.items[i];
        ARRAY_ADD(f->setup.sources, found.items[i]);
    }
    map_set_text(&f->by_path, path, d);
    if (is_new || attempt_runs(f, d->sources[0]))
        watch_dir(f, d);
    look_at(f, d, false);
    ARRAY_DONE(&found);
}

/* The sources that were read before this began. */
static void adopt_sources(struct following *f)
{
    for (size_t i = 0; i < f->setup.sources->n; i++) {
        struct log_source *s = f->setup.sources->items[i];
        struct attempt_dir *d = map_get_text(&f->by_path, s->dir);
        if (!d) {
            d = mem_alloc(sizeof(*d));
            *d = (struct attempt_dir){.wd = -1, .path = mem_text(s->dir)};
            map_set_text(&f->by_path, s->dir, d);
            d->sources[d->n_sources++] = s;
            if (attempt_runs(f, s))
                watch_dir(f, d);
        } else if (d->n_sources < COUNT_OF(d->sources)) {
            d->sources[d->n_sources++] = s;
        }
    }
}

static void scan(struct following *f)
{
    struct log_sources found = {0};

    logs_pick_scan(f->setup.pick, &found, f->setup.logs_dir);
    for (size_t i = 0; i < found.n; i++)
        add_dir(f, found.items[i]->dir, false);
    logs_pick_free(&found);
}

/* Each folder on the way to the logs, as far as there are. */
static void watch_way(struct following *f)
{
    const char *data_dir = node_settings(f->setup.s->node)->data_dir;
    MEM_AUTO char *runs = file_join(data_dir, "runs");
    MEM_AUTO char *run = file_join(runs, f->track->id);
    const char *const way[] = {data_dir, runs, run, f->setup.logs_dir};
    int wd = -1;

    for (size_t i = 0; i < COUNT_OF(way); i++)
        wd = inotify_add_watch(f->inotify, way[i], FOLDER_EVENTS);
    if (wd >= 0 && f->logs_wd < 0) {
        f->logs_wd = wd;
        scan(f); /* what was made before it was watched */
    }
}

/* --- the owner --- */

static void try_owner(void *arg);

/* An attempt has ended: all it wrote is there. */
static void close_attempt(struct following *f, const struct track_event *e)
{
    char path[96];
    char name[128];

    track_path(f->track, e->task, e->item, path);
    snprintf(name, sizeof(name), "%s.%lld", path, (long long)e->attempt);
    MEM_AUTO char *dir = file_join(f->setup.logs_dir, name);
    add_dir(f, dir, false);
    struct attempt_dir *d = map_get_text(&f->by_path, dir);
    if (!d)
        return;
    look_at(f, d, true);
    if (d->wd >= 0) {
        map_del(&f->by_wd, d->wd + 1);
        inotify_rm_watch(f->inotify, d->wd);
        d->wd = -1;
    }
}

static void on_track_event(void *arg, const struct track *t,
                           const struct track_event *e)
{
    struct following *f = arg;
    const struct logs_pick *pick = f->setup.pick;
    const bool finished = strcmp(e->type, "task.finished") == 0;

    if (!finished && strcmp(e->type, "task.retrying") != 0 &&
        strcmp(e->type, "task.repeating") != 0)
        return;
    if (f->inotify >= 0)
        close_attempt(f, e);
    if (!pick->task || strcmp(t->flow->tasks[e->task].name, pick->task) != 0 ||
        (pick->item >= 0 && pick->item != e->item))
        return;
    if ((pick->attempt > 0 && e->attempt >= pick->attempt && e->item == pick->item) ||
        (pick->item >= 0 && finished))
        f->picked_over = true;
}

static void read_events(struct following *f)
{
    struct ff_err err = {0};

    if (track_read(f->track, node_store(f->setup.s->node), on_track_event, f, &err) !=
        FF_OK)
        stop(f, cli_fail_err(&err));
    print_ready(f, true);
    if (is_over(f))
        stop(f, CLI_OK);
}

static void on_hint(void *arg, const json_t *data)
{
    struct following *f = arg;

    f->tries = 0;
    if (!json_object_get(data, "task"))
        read_events(f);
}

static void on_link_ended(void *arg, const struct ff_err *err)
{
    struct following *f = arg;

    (void)err;
    owner_link_free(f->link);
    f->link = NULL;
    read_events(f);
    if (track_read_end(f->track, node_store(f->setup.s->node)))
        stop(f, CLI_OK);
    else if (f->tries++ < TRIES_MAX)
        loop_timer_add(f->setup.s->loop, RETRY_US << f->tries, try_owner, f, &f->retry);
    else
        cli_note(f->setup.c,
                 "nobody leads this run now; waiting for: flowforge resume");
}

static void try_owner(void *arg)
{
    struct following *f = arg;
    const struct owner_link_setup setup = {.loop = f->setup.s->loop,
                                           .socket = f->socket,
                                           .run = f->track->id,
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

/* --- inotify --- */

static void on_file_event(struct following *f, const struct inotify_event *e)
{
    const struct attempt_dir *d = map_get(&f->by_wd, e->wd + 1);

    if (d) {
        look_at(f, d, false);
        return;
    }
    if (e->len == 0)
        return;
    if (e->wd == f->logs_wd) {
        MEM_AUTO char *path = file_join(f->setup.logs_dir, e->name);
        add_dir(f, path, true);
    } else if (strcmp(e->name, "owner.sock") == 0) {
        f->tries = 0;
        if (!f->link && !f->retry)
            try_owner(f);
    } else if (f->logs_wd < 0) {
        watch_way(f);
    }
}

static void on_readable(void *arg, int fd, uint32_t events)
{
    struct following *f = arg;
    union {
        struct inotify_event event; /* for its alignment */
        char bytes[16384];
    } buf;

    (void)events;
    const ssize_t n = read(fd, buf.bytes, sizeof(buf.bytes));
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(buf.bytes + at);
        /* Events were lost: look everywhere. */
        if (e->mask & IN_Q_OVERFLOW)
            scan(f);
        else if (!(e->mask & IN_IGNORED))
            on_file_event(f, e);
        at += (ssize_t)sizeof(*e) + e->len;
    }
    print_ready(f, false);
}

/* --- all of it --- */

static int begin(struct following *f)
{
    struct flow *flow = run_view_flow(f->setup.s, f->setup.run);

    if (!flow)
        return CLI_IO;
    f->track = track_new(f->setup.run, flow);
    f->inotify = -1;
    struct ff_err err = {0};
    if (track_read(f->track, node_store(f->setup.s->node), on_track_event, f, &err) !=
        FF_OK)
        return cli_fail_err(&err);
    f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->inotify < 0)
        return cli_fail(CLI_INTERNAL, "inotify: %s", strerror(errno));
    f->watch = loop_watch_add(f->setup.s->loop, f->inotify, FF_FD_READ, on_readable, f);
    f->logs_wd = -1;
    adopt_sources(f);
    watch_way(f);
    /* What was written between the first reading and the watches. */
    for (size_t i = 0; i < f->setup.sources->n; i++)
        log_merge_add(&f->merge, f->setup.sources->items[i], false);
    print_ready(f, false);
    return CLI_OK;
}

static void end(struct following *f)
{
    void *d;

    if (f->code == CLI_OK) {
        scan(f);
        for (size_t i = 0; i < f->setup.sources->n; i++)
            log_merge_add(&f->merge, f->setup.sources->items[i], true);
        print_ready(f, true);
        logs_print_end(f->setup.print);
        cli_print(&f->setup.print->out);
    }
    loop_timer_del(f->retry);
    owner_link_free(f->link);
    loop_watch_del(f->watch);
    if (f->inotify >= 0)
        close(f->inotify);
    for (size_t i = 0; map_next(&f->by_path, &i, &d);) {
        mem_free(((struct attempt_dir *)d)->path);
        mem_free(d);
    }
    map_done(&f->by_path);
    map_done(&f->by_wd);
    log_merge_done(&f->merge);
    track_free(f->track);
    mem_free(f->socket);
}

int logs_follow(const struct logs_follow_setup *setup)
{
    struct following f = {.setup = *setup};

    f.socket = node_socket_path(setup->s->node);
    f.code = begin(&f);
    if (f.code == CLI_OK && !is_over(&f)) {
        try_owner(&f);
        loop_run(setup->s->loop);
    }
    const int code = f.code;
    end(&f);
    return code;
}
