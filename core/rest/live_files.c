/* live_files.c - inotify tells when something was written to a folder that streams
 * follow. A folder that is not there yet is looked for now and then, as long as
 * somebody waits for it. */
#include "rest/live.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_US (UNITS_SECOND / 4)
#define WRITTEN (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

struct live_watch {
    int fd;
    struct loop_watch *watch;
    struct loop_timer *look;
    struct map by_wd; /* live_source, under wd + 1 */
};

/* One folder is one watch, however many sources read there. */
static struct live_source *next_at(struct live_source *s, int wd)
{
    while (s && s->files.wd != wd)
        s = s->next_of_run;
    return s;
}

static void wake_all(struct live_streams *all, int wd)
{
    const struct live_source *any = map_get(&all->watch->by_wd, wd + 1);
    struct live_source *s = any ? map_get(&all->by_run, any->about.run) : NULL;

    for (s = next_at(s, wd); s; s = next_at(s->next_of_run, wd))
        live_wake(all, s);
}

/* The kernel's queue was full, and what was written where is not known. */
static void wake_every(struct live_streams *all)
{
    void *source;

    for (size_t i = 0; map_next(&all->sources, &i, &source);)
        if (((struct live_source *)source)->files.wd >= 0)
            live_wake(all, source);
}

static void on_written(void *arg, int fd, uint32_t events)
{
    struct live_streams *all = arg;
    union {
        struct inotify_event event; /* for its alignment */
        char bytes[4096];
    } buf;
    ssize_t len;

    (void)events;
    while ((len = read(fd, buf.bytes, sizeof(buf.bytes))) > 0) {
        for (const char *p = buf.bytes; p < buf.bytes + len;) {
            const struct inotify_event *e =
                (const struct inotify_event *)(const void *)p;

            if (e->mask & IN_Q_OVERFLOW)
                wake_every(all);
            else
                wake_all(all, e->wd);
            p += sizeof(*e) + e->len;
        }
    }
}

static struct live_watch *watch_of(struct live_streams *all)
{
    struct live_watch *w = all->watch;

    if (w)
        return w;
    w = mem_alloc(sizeof(*w));
    *w = (struct live_watch){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    if (w->fd >= 0)
        w->watch =
            loop_watch_add(all->rest->setup.loop, w->fd, FF_FD_READ, on_written, all);
    else
        log_warn("logs are followed by looking now and then: inotify: %s",
                 strerror(errno));
    all->watch = w;
    return w;
}

/* Without a watch whoever waits is told to look. */
static void on_look(void *arg)
{
    struct live_streams *all = arg;
    void *source;

    for (size_t i = 0; map_next(&all->sources, &i, &source);)
        if (((struct live_source *)source)->files.missing)
            live_wake(all, source);
}

static void look_later(struct live_streams *all, struct live_source *s)
{
    struct live_watch *w = all->watch;

    s->files.missing = true;
    if (!w->look)
        loop_timer_add(all->rest->setup.loop, LOOK_US, on_look, all, &w->look);
}

void live_files_leave(struct live_streams *all, struct live_source *s)
{
    const int wd = s->files.wd;
    struct live_source *other;

    if (wd < 0)
        return;
    s->files.wd = -1;
    other = next_at(map_get(&all->by_run, s->about.run), wd);
    if (other) {
        map_set(&all->watch->by_wd, wd + 1, other);
        return;
    }
    inotify_rm_watch(all->watch->fd, wd);
    map_del(&all->watch->by_wd, wd + 1);
}

bool live_files_watch(struct live_streams *all, struct live_source *s, int64_t attempt)
{
    const char *data_dir = node_settings(all->rest->setup.node)->files_dir;
    struct live_watch *w = watch_of(all);

    if (s->files.wd >= 0 && s->files.attempt == attempt)
        return false;
    live_files_leave(all, s);

    MEM_AUTO char *dir =
        exec_log_dir(data_dir, s->about.run_id, s->about.task, attempt);
    const int wd = w->fd >= 0 ? inotify_add_watch(w->fd, dir, WRITTEN) : -1;

    if (wd < 0) {
        look_later(all, s);
        return false;
    }
    s->files = (struct live_files){.wd = wd, .attempt = attempt};
    map_set(&w->by_wd, wd + 1, s);
    return true;
}

void live_files_free(struct live_streams *all)
{
    struct live_watch *w = all->watch;

    if (!w)
        return;
    loop_timer_del(w->look);
    loop_watch_del(w->watch);
    if (w->fd >= 0)
        close(w->fd);
    map_done(&w->by_wd);
    mem_free(w);
}
