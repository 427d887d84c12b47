/* logs_follow_run.c - see logs_follow_priv.h. A run inside is followed from the event
 * that its task has started to the one that it has ended; all that it wrote is there
 * then. */
#include "cli/logs/logs_follow_priv.h"

#include "cli/logs/logs_inside.h"
#include "cli/read/run_children.h"
#include "cli/view/track_read.h"
#include "exec/exec.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
#define LOG_EVENTS    (IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR)

/* --- folders of attempts --- */

void followed_look_at(struct following *f, const struct attempt_dir *d, bool last)
{
    for (size_t i = 0; i < d->n_sources; i++)
        log_merge_add(&f->merge, d->sources[i], last);
}

static bool attempt_runs(const struct followed *x, const struct log_source *s)
{
    const char *slash = strrchr(s->task, '/');
    const int64_t task = flow_task_index(x->track->flow, slash ? slash + 1 : s->task);
    const struct track_active *a =
        task < 0 ? NULL : track_active(&x->track->tasks[task], s->item);

    /* Its start may not have been read yet: then it is a new one. */
    return task >= 0 && (!a ? !x->track->tasks[task].seen || s->item >= 0
                            : a->attempt <= s->attempt);
}

static void watch_dir(struct following *f, struct followed *x, struct attempt_dir *d)
{
    d->wd = inotify_add_watch(f->inotify, d->path, LOG_EVENTS);
    if (d->wd >= 0) {
        map_set(&f->dirs_by_wd, d->wd + 1, d);
        ARRAY_ADD(&x->dirs, d);
    } else if (errno == ENOSPC) {
        cli_note(f->setup.c,
                 "warning: too many folders to watch (fs.inotify.max_user_watches); "
                 "%s comes when its attempt has ended",
                 d->path);
    }
}

static void unwatch_dir(struct following *f, struct attempt_dir *d)
{
    if (d->wd < 0)
        return;
    map_del(&f->dirs_by_wd, d->wd + 1);
    inotify_rm_watch(f->inotify, d->wd);
    d->wd = -1;
}

void followed_adopt(struct following *f, struct log_source *s)
{
    struct attempt_dir *d = map_get_text(&f->by_path, s->dir);

    if (!d) {
        d = mem_alloc(sizeof(*d));
        *d = (struct attempt_dir){.wd = -1, .path = mem_text(s->dir)};
        map_set_text(&f->by_path, s->dir, d);
    }
    if (d->n_sources < COUNT_OF(d->sources))
        d->sources[d->n_sources++] = s;
    ARRAY_ADD(f->setup.sources, s);
}

/* Nothing is made of a folder that is not wanted. */
static struct attempt_dir *make_dir(struct following *f, const struct followed *x,
                                    const char *path)
{
    struct log_sources found = {0};

    logs_pick_add(f->setup.pick, &found, path);
    for (size_t i = 0; i < found.n; i++) {
        logs_inside_name(found.items[i], x->way);
        followed_adopt(f, found.items[i]);
    }
    ARRAY_DONE(&found);
    return map_get_text(&f->by_path, path);
}

void followed_add_dir(struct following *f, struct followed *x, const char *path,
                      bool is_new)
{
    struct attempt_dir *d = map_get_text(&f->by_path, path);

    if (!d)
        d = make_dir(f, x, path);
    if (!d)
        return;
    if (d->wd < 0 && (is_new || attempt_runs(x, d->sources[0])))
        watch_dir(f, x, d);
    followed_look_at(f, d, false);
}

void followed_scan(struct following *f, struct followed *x)
{
    struct log_sources found = {0};

    logs_pick_scan(f->setup.pick, &found, x->logs_dir);
    for (size_t i = 0; i < found.n; i++)
        followed_add_dir(f, x, found.items[i]->dir, false);
    logs_pick_free(&found);
}

/* --- folders of runs --- */

static void unwatch_run(struct following *f, int *wd)
{
    if (*wd < 0)
        return;
    map_del(&f->runs_by_wd, *wd + 1);
    inotify_rm_watch(f->inotify, *wd);
    *wd = -1;
}

static int watch_run(struct following *f, struct followed *x, const char *path)
{
    const int wd = inotify_add_watch(f->inotify, path, FOLDER_EVENTS);

    if (wd >= 0)
        map_set(&f->runs_by_wd, wd + 1, x);
    return wd;
}

/* From the outside in, so that what is made meanwhile is seen at one of them. */
void followed_watch(struct following *f, struct followed *x)
{
    if (x->logs_wd >= 0)
        return;
    if (x->run_wd < 0)
        x->run_wd = watch_run(f, x, x->run_dir);
    x->logs_wd = watch_run(f, x, x->logs_dir);
    if (x->logs_wd < 0)
        return;
    unwatch_run(f, &x->run_wd);
    followed_scan(f, x); /* what was made before it was watched */
}

/* --- runs --- */

struct followed *followed_new(struct following *f, struct track *track, char *way)
{
    const char *data_dir = node_settings(f->setup.s->node)->files_dir;
    struct followed *x = mem_alloc(sizeof(*x));

    *x = (struct followed){.track = track, .way = way, .run_wd = -1, .logs_wd = -1};
    x->run_dir = exec_run_dir(data_dir, track->id);
    x->logs_dir = file_join(x->run_dir, "logs");
    map_set_text(&f->by_id, track->id, x);
    return x;
}

void followed_free(struct following *f, struct followed *x)
{
    void *value;

    if (!x)
        return;
    for (size_t i = 0; map_next(&x->inside, &i, &value);)
        followed_free(f, value);
    for (size_t i = 0; map_next(&x->flows, &i, &value);)
        flow_unref(value);
    for (size_t i = 0; i < x->dirs.n; i++)
        unwatch_dir(f, x->dirs.items[i]);
    unwatch_run(f, &x->run_wd);
    unwatch_run(f, &x->logs_wd);
    map_del_text(&f->by_id, x->track->id);
    map_done(&x->inside);
    map_done(&x->flows);
    ARRAY_DONE(&x->dirs);
    ARRAY_DONE(&x->turns);
    track_free(x->track);
    mem_free(x->run_dir);
    mem_free(x->logs_dir);
    mem_free(x->way);
    mem_free(x);
}

/* --- runs inside --- */

static char *way_of(const struct followed *x, int64_t node, int64_t attempt)
{
    struct buf way = {0};
    char path[96];

    track_path(x->track, NODE_TASK(node), NODE_ITEM(node), path);
    buf_printf(&way, "%s%s", x->way, path);
    if (attempt > 1)
        buf_printf(&way, "#%lld", (long long)attempt);
    buf_add_char(&way, '/');
    return buf_take(&way);
}

/* Looks once more: what is read now was written before it ended. */
static int close_inside(struct following *f, struct followed *x, int64_t node)
{
    struct followed *y = map_del(&x->inside, node + 1);

    if (!y)
        return CLI_OK;
    const int code = followed_read(f, y);
    followed_scan(f, y);
    for (size_t i = 0; i < y->dirs.n; i++)
        followed_look_at(f, y->dirs.items[i], true);
    followed_free(f, y);
    return code;
}

static int open_inside(struct following *f, struct followed *x, int64_t node,
                       int64_t attempt)
{
    const int64_t task = NODE_TASK(node);
    struct track *track;
    int code = close_inside(f, x, node);

    if (code == CLI_OK)
        code = run_child_track(f->setup.s, x->track, node, attempt,
                               map_get(&x->flows, task + 1), &track);
    if (code != CLI_OK || !track)
        return code;
    if (!map_get(&x->flows, task + 1))
        map_set(&x->flows, task + 1, flow_ref(track->flow));
    struct followed *y = followed_new(f, track, way_of(x, node, attempt));
    map_set(&x->inside, node + 1, y);
    code = followed_read(f, y);
    if (code == CLI_OK && !f->begun)
        code = followed_open_inside(f, y);
    followed_watch(f, y);
    return code;
}

int followed_open_inside(struct following *f, struct followed *x)
{
    int code = CLI_OK;
    void *value;

    for (uint32_t i = 0; i < x->track->flow->n_tasks; i++) {
        if (!track_is_run(x->track, i))
            continue;
        for (size_t k = 0;
             code == CLI_OK && map_next(&x->track->tasks[i].active, &k, &value);) {
            const struct track_active *a = value;
            if (a->state == TASK_RUNNING)
                code = open_inside(f, x, NODE_OF(i, a->item), a->attempt);
        }
    }
    return code;
}

/* --- events --- */

/* An attempt has ended: all it wrote is there. */
static void close_attempt(struct following *f, struct followed *x,
                          const struct track_event *e)
{
    char path[96];
    char name[128];

    track_path(x->track, e->task, e->item, path);
    snprintf(name, sizeof(name), "%s.%lld", path, (long long)e->attempt);
    MEM_AUTO char *dir = file_join(x->logs_dir, name);
    followed_add_dir(f, x, dir, false);
    struct attempt_dir *d = map_get_text(&f->by_path, dir);
    if (!d)
        return;
    followed_look_at(f, d, true);
    unwatch_dir(f, d);
}

static void note_turn(struct followed *x, const struct track_event *e, bool begins)
{
    const struct turn turn = {NODE_OF(e->task, e->item), e->attempt, begins};

    ARRAY_ADD(&x->turns, turn);
}

static void judge_pick(struct following *f, const struct track *t,
                       const struct track_event *e, bool finished)
{
    const struct logs_pick *pick = f->setup.pick;

    if (!pick->task || strcmp(t->flow->tasks[e->task].name, pick->task) != 0 ||
        (pick->item >= 0 && pick->item != e->item))
        return;
    if ((pick->attempt > 0 && e->attempt >= pick->attempt && e->item == pick->item) ||
        (pick->item >= 0 && finished))
        f->picked_over = true;
}

struct reading {
    struct following *f;
    struct followed *x;
};

static void on_track_event(void *arg, const struct track *t,
                           const struct track_event *e)
{
    const struct reading *r = arg;
    const bool finished = strcmp(e->type, "task.finished") == 0;
    const bool ended = finished || strcmp(e->type, "task.retrying") == 0 ||
                       strcmp(e->type, "task.repeating") == 0;
    const bool started = strcmp(e->type, "task.started") == 0;

    if (!ended && !started)
        return;
    if (r->f->begun && track_is_run(t, (uint32_t)e->task) && !r->f->setup.pick->task)
        note_turn(r->x, e, started);
    else if (r->f->begun && ended)
        close_attempt(r->f, r->x, e);
    if (ended)
        judge_pick(r->f, t, e, finished);
}

/* A scan of the store is over before the next one begins. */
int followed_read(struct following *f, struct followed *x)
{
    struct reading r = {f, x};
    struct ff_err err = {0};
    int code = CLI_OK;

    if (track_read(x->track, node_store(f->setup.s->node), on_track_event, &r, &err) !=
        FF_OK)
        return cli_fail_err(&err);
    for (size_t i = 0; i < x->turns.n && code == CLI_OK; i++) {
        const struct turn turn = x->turns.items[i];
        code = turn.begins ? open_inside(f, x, turn.node, turn.attempt)
                           : close_inside(f, x, turn.node);
    }
    x->turns.n = 0;
    return code;
}
