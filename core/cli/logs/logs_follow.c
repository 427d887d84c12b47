/* logs_follow.c - see logs_follow.h. inotify tells of new folders, chunks and bytes;
 * the owner's hints tell which attempts have ended; nothing is asked twice in between.
 */
#include "cli/logs/logs_follow_priv.h"

#include "cli/logs/logs_inside.h"
#include "cli/read/run_view.h"
#include "cli/view/track_read.h"
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
#define RETRY_US      (UNITS_SECOND / 20)
#define TRIES_MAX     8
#define FLUSH_BYTES   ((size_t)64 * 1024)

/* --- the end --- */

static bool is_over(const struct following *f)
{
    const struct logs_pick *pick = f->setup.pick;

    if (run_state_final(f->root->track->state) || f->picked_over)
        return true;
    if (!pick->task || pick->item >= 0 || pick->attempt > 0)
        return false;
    const int64_t task = flow_task_index(f->root->track->flow, pick->task);
    return task >= 0 && f->root->track->tasks[task].seen &&
           task_state_final(f->root->track->tasks[task].state);
}

static void stop(struct following *f, int code)
{
    f->code = code;
    loop_stop(f->setup.s->loop, 0);
}

/* --- printing --- */

static void print_out(struct following *f)
{
    if (cli_print(&f->setup.print->out) != CLI_OK)
        stop(f, CLI_IO);
}

static void print_ready(struct following *f, bool last)
{
    struct log_source *s;

    while (f->code == CLI_OK && (s = log_merge_first(&f->merge))) {
        logs_print_line(f->setup.print, s);
        log_merge_pop(&f->merge, last);
        if (f->setup.print->out.len >= FLUSH_BYTES)
            print_out(f);
    }
    print_out(f);
}

/* --- the owner --- */

static void try_owner(void *arg);

static void done_reading(struct following *f, int code)
{
    if (code != CLI_OK)
        stop(f, code);
    print_ready(f, true);
    if (is_over(f))
        stop(f, f->code);
}

static void read_all(struct following *f)
{
    int code = CLI_OK;
    void *x;

    for (size_t i = 0; code == CLI_OK && map_next(&f->by_id, &i, &x);)
        code = followed_read(f, x);
    done_reading(f, code);
}

/* One of a run that is not followed yet comes with the event that begins it. */
static void on_hint(void *arg, const json_t *data)
{
    struct following *f = arg;
    const char *id = json_string_value(json_object_get(data, "run"));
    struct followed *x = id ? map_get_text(&f->by_id, id) : NULL;

    f->tries = 0;
    if (json_object_get(data, "task"))
        return;
    if (x)
        done_reading(f, followed_read(f, x));
    else if (!id)
        read_all(f);
}

static void on_link_ended(void *arg, const struct ff_err *err)
{
    struct following *f = arg;

    (void)err;
    owner_link_free(f->link);
    f->link = NULL;
    read_all(f);
    if (track_read_end(f->root->track, node_store(f->setup.s->node)))
        stop(f, f->code);
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
                                           .run = f->root->track->id,
                                           .inside = !f->setup.pick->task,
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

static void watch_all(struct following *f)
{
    void *x;

    for (size_t i = 0; map_next(&f->by_id, &i, &x);)
        followed_watch(f, x);
}

/* The folders on the way to all runs, as far as there are. */
static void watch_top(struct following *f)
{
    const char *data_dir = node_settings(f->setup.s->node)->data_dir;
    MEM_AUTO char *runs = file_join(node_settings(f->setup.s->node)->files_dir, "runs");

    f->data_wd = inotify_add_watch(f->inotify, data_dir, FOLDER_EVENTS);
    f->runs_wd = inotify_add_watch(f->inotify, runs, FOLDER_EVENTS);
    watch_all(f);
}

static void on_top_event(struct following *f, const struct inotify_event *e)
{
    struct followed *x = e->wd == f->runs_wd ? map_get_text(&f->by_id, e->name) : NULL;

    if (x) {
        followed_watch(f, x);
    } else if (e->wd == f->data_wd && strcmp(e->name, "owner.sock") == 0) {
        f->tries = 0;
        if (!f->link && !f->retry)
            try_owner(f);
    } else if (e->wd == f->data_wd && strcmp(e->name, "runs") == 0) {
        watch_top(f);
    }
}

static void on_file_event(struct following *f, const struct inotify_event *e)
{
    const struct attempt_dir *d = map_get(&f->dirs_by_wd, e->wd + 1);
    struct followed *x = d ? NULL : map_get(&f->runs_by_wd, e->wd + 1);

    if (d) {
        followed_look_at(f, d, false);
    } else if (x && e->wd == x->logs_wd && e->len > 0) {
        MEM_AUTO char *path = file_join(x->logs_dir, e->name);
        followed_add_dir(f, x, path, true);
    } else if (x) {
        followed_watch(f, x);
    } else if (e->len > 0) {
        on_top_event(f, e);
    }
}

static void scan_all(struct following *f)
{
    void *x;

    watch_all(f);
    for (size_t i = 0; map_next(&f->by_id, &i, &x);)
        followed_scan(f, x);
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
            scan_all(f);
        else if (!(e->mask & IN_IGNORED))
            on_file_event(f, e);
        at += (ssize_t)sizeof(*e) + e->len;
    }
    print_ready(f, false);
}

/* --- all of it --- */

/* Of runs inside what is not known yet: those that have ended, or that began and ended
 * unseen. */
static int add_missed(struct following *f)
{
    struct log_sources found = {0};

    if (f->setup.pick->task)
        return CLI_OK;
    const int code = logs_inside_scan(f->setup.s, f->setup.run, f->setup.pick, &found);
    /* The two of one attempt come one after the other. */
    const char *dir = NULL;
    for (size_t i = 0; i < found.n; i++) {
        struct log_source *one = found.items[i];
        const bool same = dir && strcmp(dir, one->dir) == 0;
        if (!same && map_get_text(&f->by_path, one->dir)) {
            log_source_free(one);
            continue;
        }
        followed_adopt(f, one);
        dir = one->dir;
    }
    ARRAY_DONE(&found);
    return code;
}

/* What runs is known first, and then what has ended: so nothing falls between. */
static int begin_runs(struct following *f)
{
    int code = f->setup.pick->task ? CLI_OK : followed_open_inside(f, f->root);

    f->begun = true;
    watch_top(f);
    if (f->root->logs_wd < 0)
        followed_scan(f, f->root); /* it could not be watched */
    if (code == CLI_OK)
        code = add_missed(f);
    for (size_t i = 0; i < f->setup.sources->n; i++)
        log_merge_add(&f->merge, f->setup.sources->items[i], false);
    print_ready(f, false);
    return code == CLI_OK ? f->code : code;
}

static int begin(struct following *f)
{
    struct flow *flow = run_view_flow(f->setup.s, f->setup.run);

    if (!flow)
        return CLI_IO;
    f->root = followed_new(f, track_new(f->setup.run, flow), mem_text(""));
    const int code = followed_read(f, f->root);
    if (code != CLI_OK)
        return code;
    f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->inotify < 0)
        return cli_fail(CLI_INTERNAL, "inotify: %s", strerror(errno));
    f->watch = loop_watch_add(f->setup.s->loop, f->inotify, FF_FD_READ, on_readable, f);
    return begin_runs(f);
}

static void print_rest(struct following *f)
{
    if (f->waited) {
        followed_scan(f, f->root);
        f->code = add_missed(f);
    }
    for (size_t i = 0; i < f->setup.sources->n; i++)
        log_merge_add(&f->merge, f->setup.sources->items[i], true);
    print_ready(f, true);
    logs_print_end(f->setup.print);
    cli_print(&f->setup.print->out);
}

static void end(struct following *f)
{
    void *d;

    if (f->code == CLI_OK)
        print_rest(f);
    loop_timer_del(f->retry);
    owner_link_free(f->link);
    loop_watch_del(f->watch);
    followed_free(f, f->root);
    if (f->inotify >= 0)
        close(f->inotify);
    for (size_t i = 0; map_next(&f->by_path, &i, &d);) {
        mem_free(((struct attempt_dir *)d)->path);
        mem_free(d);
    }
    map_done(&f->by_path);
    map_done(&f->by_id);
    map_done(&f->dirs_by_wd);
    map_done(&f->runs_by_wd);
    log_merge_done(&f->merge);
    mem_free(f->socket);
}

int logs_follow(const struct logs_follow_setup *setup)
{
    struct following f = {.setup = *setup, .inotify = -1, .data_wd = -1, .runs_wd = -1};

    f.socket = node_socket_path(setup->s->node);
    f.code = begin(&f);
    if (f.code == CLI_OK && !is_over(&f)) {
        f.waited = true;
        try_owner(&f);
        loop_run(setup->s->loop);
    }
    const int code = f.code;
    end(&f);
    return code;
}
