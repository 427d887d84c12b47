/* hosted.c - the attempts that are here. Each has a folder, DIR/attempts/HASH, from
 * before its start until the server lets go of it: the file `id` names it, so that a
 * later process finds it, `tenant_hash` says of which part of the tenants it is; `logs`
 * has its chunks; `work` is where it works.
 *
 * What the runtime does not know for good is never said to have started, and an end is
 * kept by the runtime until it is released: this process may die at any time. */
#include "cli/executor/executor_priv.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS  "attempts"
#define ID_FILE   "id"
#define HASH_FILE "tenant_hash"
#define WRITTEN   (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

static struct hosted *hosted_by_id(const struct executor *ex, const char *id)
{
    return map_get_text(&ex->hosted, id);
}

int64_t hosted_running(const struct executor *ex, const struct link *l)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&ex->hosted, &i, &value);) {
        const struct hosted *h = value;
        n += (!l || h->link == l) &&
             (h->state == HOSTED_STARTING || h->state == HOSTED_RUNNING);
    }
    return n;
}

/* --- its log is watched --- */

static void on_written(void *arg, int fd, uint32_t events)
{
    struct executor *ex = arg;
    union {
        struct inotify_event event; /* for its alignment */
        char bytes[4096];
    } buf;
    ssize_t len;
    void *value;

    (void)events;
    while ((len = read(fd, buf.bytes, sizeof(buf.bytes))) > 0)
        for (const char *p = buf.bytes; p < buf.bytes + len;) {
            const struct inotify_event *e =
                (const struct inotify_event *)(const void *)p;
            struct hosted *h = map_get(&ex->by_watch, e->wd + 1);
            p += sizeof(*e) + e->len;
            if (h)
                ship_later(h);
            /* The kernel's queue was full: what was written where is not known. */
            for (size_t i = 0;
                 (e->mask & IN_Q_OVERFLOW) && map_next(&ex->hosted, &i, &value);)
                ship_later(value);
        }
}

static void watch_log(struct hosted *h)
{
    struct executor *ex = h->ex;

    h->watch = inotify_add_watch(ex->inotify, h->log_dir, WRITTEN);
    if (h->watch >= 0)
        map_set(&ex->by_watch, h->watch + 1, h);
    else
        log_warn("the log of %s is sent when it ends: inotify: %s", h->id,
                 strerror(errno));
}

static void unwatch_log(struct hosted *h)
{
    if (h->watch < 0)
        return;
    inotify_rm_watch(h->ex->inotify, h->watch);
    map_del(&h->ex->by_watch, h->watch + 1);
    h->watch = -1;
}

/* --- one comes, one goes --- */

static struct hosted *hosted_new(struct executor *ex, const char *id,
                                 enum hosted_state state)
{
    struct hosted *h = mem_alloc(sizeof(*h));
    char hash[SHA256_TEXT];
    struct buf dir = {0};

    sha256_text(id, strlen(id), hash);
    buf_printf(&dir, "%s/" ATTEMPTS "/%s", ex->dir, hash);
    *h = (struct hosted){.ex = ex,
                         .id = mem_text(id),
                         .dir = buf_take(&dir),
                         .tenant_hash = -1,
                         .state = state,
                         .watch = -1,
                         .mark = {.chunk = 1}};
    h->log_dir = file_join(h->dir, "logs");
    list_init(&h->queue);
    map_set_text(&ex->hosted, id, h);
    return h;
}

static void forget_spec(struct hosted *h)
{
    if (h->spec)
        fleet_spec_done(h->spec);
    mem_free(h->spec);
    h->spec = NULL;
}

static void hosted_free(struct hosted *h)
{
    unwatch_log(h);
    list_del(&h->queue);
    loop_timer_del(h->fetch_again);
    forget_spec(h);
    mem_free(h->artifacts);
    mem_free(h->script);
    map_del_text(&h->ex->hosted, h->id);
    mem_free(h->id);
    mem_free(h->dir);
    mem_free(h->log_dir);
    mem_free(h->message);
    mem_free(h);
}

static void remove_on_lane(void *arg)
{
    file_remove_tree(arg);
    mem_free(arg);
}

/* It may be started anew before the lane comes to it, in a folder of the same name. */
static void remove_place(const struct hosted *h)
{
    struct buf gone = {0};

    buf_printf(&gone, "%s.%016llx", h->dir,
               (unsigned long long)loop_random(h->ex->loop));
    if (rename(h->dir, buf_text(&gone)) == 0)
        lane_do(h->ex->sweep_lane, remove_on_lane, NULL, buf_take(&gone));
    buf_done(&gone);
}

static void forget(struct hosted *h)
{
    struct executor *ex = h->ex;

    remove_place(h);
    hosted_free(h);
    executor_check_left(ex);
}

static void on_told(void *arg, int code, const struct ff_err *err)
{
    struct executor *ex = arg;

    if (code != FF_OK && code != FF_NOT_FOUND && code != FF_CANCELLED)
        log_warn("runtime: %s", err->msg);
    ex->n_asked--;
    executor_check_left(ex);
}

static void stop(struct hosted *h, int64_t grace_us)
{
    struct executor *ex = h->ex;

    ex->n_asked++;
    ex->ops->cancel(ex->runtime, h->id, grace_us, driver_op(ex->driver, on_told, ex));
}

void hosted_settle(struct hosted *h)
{
    struct executor *ex = h->ex;
    const char *id = h->id;

    if (h->shipping || h->fetching ||
        ex->gone) /* the lanes are: the next process does it */
        return;
    if (h->dropped && h->state == HOSTED_ENDED) {
        ex->n_asked++;
        ex->ops->release(ex->runtime, &id, 1, driver_op(ex->driver, on_told, ex));
        forget(h);
    } else if (h->dropped && h->state == HOSTED_UNBORN) {
        forget(h);
    }
}

/* --- start --- */

struct starting {
    struct executor *ex;
    char *id;
};

static void never_began(struct hosted *h, enum fleet_word word, int code,
                        const char *why)
{
    h->state = HOSTED_UNBORN;
    forget_spec(h);
    list_del(&h->queue);
    h->unborn = word;
    h->end.exit_code = code;
    mem_free(h->message);
    h->message = mem_text(why);
    if (h->dropped)
        hosted_settle(h);
    else
        links_share(h->ex, h->link);
}

static void on_started(void *arg, int code, const struct ff_err *err)
{
    struct starting *st = arg;
    struct executor *ex = st->ex;
    struct hosted *h = hosted_by_id(ex, st->id);
    const bool later = code == FF_BUSY || code == FF_UNAVAILABLE;

    mem_free(st->id);
    mem_free(st);
    ex->n_asked--;
    if (!h || h->state != HOSTED_STARTING || code == FF_CANCELLED)
        return;
    if (code == FF_OK) {
        h->state = HOSTED_RUNNING;
        ex->n_starts++;
        links_share(ex, h->link);
        if (h->dropped)
            stop(h, 0);
        return;
    }
    log_warn("%s cannot start: %s", h->id, err->msg);
    if (later)
        links_rest(ex);
    never_began(h, later ? FLEET_UNSTARTED : FLEET_FAILED, code, err->msg);
}

static int write_text(const char *dir, const char *name, const char *text)
{
    MEM_AUTO char *path = file_join(dir, name);
    FILE *file = fopen(path, "we");
    int sys = !file || fputs(text, file) == EOF ? -errno : 0;

    if (file && fclose(file) != 0 && sys == 0)
        sys = -errno;
    return sys;
}

/* The file that names it comes last, when all else is there. */
static int make_place(const struct hosted *h, const char *work, struct ff_err *err)
{
    char hash[24];
    int sys = file_make_dirs(h->log_dir, 0700);

    snprintf(hash, sizeof(hash), "%" PRId64, h->tenant_hash);
    if (sys == 0)
        sys = file_make_dirs(work, 0700);
    if (sys == 0)
        sys = write_text(h->dir, HASH_FILE, hash);
    if (sys == 0)
        sys = write_text(h->dir, ID_FILE, h->id);
    return sys == 0 ? FF_OK
                    : ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", h->dir,
                              strerror(-sys));
}

/* A script beside the workflow lies elsewhere here. */
static void use_script(const struct hosted *h, struct fleet_spec *s)
{
    const char **argv = arena_alloc(&s->arena, 3 * sizeof(*argv));

    argv[0] = s->spec.argv[0];
    argv[1] = h->script;
    argv[2] = NULL;
    s->spec.argv = argv;
}

static void ask_runtime(struct hosted *h, struct fleet_spec *s, const char *dir)
{
    struct executor *ex = h->ex;
    struct starting *st = mem_alloc(sizeof(*st));
    const char *const http[] = {ex->http_program, NULL};

    s->spec.env = env_here(ex, &s->arena, s->spec.env, h->artifacts);
    s->spec.dir = dir;
    if (h->script)
        use_script(h, s);
    s->spec.log_dir = h->log_dir;
    if (strcmp(s->spec.argv[0], WORK_HTTP_PROGRAM) == 0 && !s->spec.argv[1])
        s->spec.argv = http;
    *st = (struct starting){.ex = ex, .id = mem_text(h->id)};
    ex->n_asked++;
    ex->ops->start(ex->runtime, &s->spec, driver_op(ex->driver, on_started, st));
}

/* NULL: it is said again, or cannot be now. */
static struct hosted *hosted_begin(struct link *l, const char *id, uint64_t seq)
{
    struct executor *ex = l->ex;
    struct hosted *h = hosted_by_id(ex, id);

    if (h && (h->state != HOSTED_UNBORN || h->link != l))
        return NULL;
    if (h && h->shipping) { /* its folder is in use: that it was not is said again */
        h->seq = seq;
        h->dropped = false;
        link_tell(l);
        return NULL;
    }
    if (h)
        hosted_free(h); /* the server has heard that it was not, or need not */
    h = hosted_new(ex, id, HOSTED_STARTING);
    h->link = l;
    h->seq = seq;
    return h;
}

/* A folder that is not said begins in one of its own. */
static char *working_dir(const struct hosted *h, const struct fleet_spec *s)
{
    MEM_AUTO char *work = file_join(h->dir, "work");

    return file_join(work, s->spec.dir ? s->spec.dir : "");
}

void hosted_go_on(struct hosted *h, const struct ff_err *err, enum fleet_word word)
{
    struct fleet_spec *s = h->spec;

    if (err) {
        if (word == FLEET_FAILED)
            log_warn("%s cannot start: %s", h->id, err->msg);
        never_began(h, word, err->code, err->msg);
        return;
    }
    MEM_AUTO char *dir = working_dir(h, s);
    ask_runtime(h, s, dir);
    forget_spec(h);
}

static void fetch(struct hosted *h, struct fleet_spec *s)
{
    h->has_files = true;
    h->spec = mem_alloc(sizeof(*h->spec));
    *h->spec = *s;
    *s = (struct fleet_spec){0};
    files_fetch(h);
}

static void start(struct hosted *h, struct fleet_spec *s)
{
    const struct executor *ex = h->ex;
    struct ff_err err = {0};

    MEM_AUTO char *work = file_join(h->dir, "work");
    MEM_AUTO char *dir = working_dir(h, s);
    const bool own = !s->spec.dir || s->spec.dir[0] != '/';
    h->mark.known = h->mark.fresh = true;
    if (ex->leaving || hosted_running(ex, NULL) > ex->settings.places) {
        never_began(h, FLEET_UNSTARTED, FF_BUSY, "there is no place free");
    } else if (make_place(h, own ? dir : work, &err) != FF_OK) {
        log_error("%s", err.msg);
        links_rest(h->ex);
        never_began(h, FLEET_UNSTARTED, err.code, err.msg);
    } else {
        watch_log(h);
        if (s->files)
            fetch(h, s);
        else
            ask_runtime(h, s, dir);
    }
}

void hosted_start(struct link *l, const char *id, const json_t *command, uint64_t seq)
{
    const json_t *hash = json_object_get(command, "tenant_hash");
    struct hosted *h = hosted_begin(l, id, seq);
    struct fleet_spec s;
    struct ff_err err = {0};

    if (!h)
        return;
    if (json_is_integer(hash))
        h->tenant_hash = json_integer_value(hash);
    if (fleet_spec_read(json_object_get(command, "spec"), &s, &err) != FF_OK) {
        log_error("%s cannot start: %s", id, err.msg);
        never_began(h, FLEET_FAILED, err.code, err.msg);
        return;
    }
    start(h, &s);
    fleet_spec_done(&s);
}

/* --- cancel, drop --- */

/* One that is another's, or of which nobody has said whose it is: what a server says
 * that no longer leads it does not count. */
static struct hosted *hosted_of(const struct link *l, const char *id)
{
    struct hosted *h = hosted_by_id(l->ex, id);

    return h && h->link == l ? h : NULL;
}

void hosted_cancel(const struct link *l, const char *id, int64_t grace_us)
{
    struct hosted *h = hosted_of(l, id);

    if (h && h->spec) {
        h->cancelled = true;
        atomic_store(&h->halt, true);
        files_fetch(h);
    } else if (h && (h->state == HOSTED_RUNNING || h->state == HOSTED_STARTING)) {
        stop(h, grace_us);
    }
}

void hosted_drop(const struct link *l, const char *id)
{
    struct hosted *h = hosted_of(l, id);

    if (!h || h->dropped)
        return;
    h->dropped = true;
    atomic_store(&h->halt, true);
    list_del(&h->queue);
    if (h->spec) {
        files_fetch(h);
        return;
    }
    if (h->state == HOSTED_RUNNING) {
        log_warn("%s is given up by the server: it ends", h->id);
        stop(h, 0);
    }
    hosted_settle(h);
}

static void send_anew(struct hosted *h)
{
    h->told = h->shipped = false;
    h->n_sent = 0;
    h->again = true;
    if (!h->shipping)
        h->mark = (struct ship_mark){.chunk = 1};
    ship_later(h);
}

void hosted_bind(struct hosted *h, struct link *l, bool again)
{
    const bool other = h->link != l;

    h->link = l;
    if (other)
        h->seq = 0;
    if (l && (other || again))
        send_anew(h);
}

/* --- what the runtime reports --- */

static void on_event(void *arg, const struct ff_run_event *event)
{
    struct executor *ex = arg;
    struct hosted *h = hosted_by_id(ex, event->attempt_id);

    if (!h || h->state == HOSTED_ENDED || event->state == FF_RUN_STARTED)
        return;
    if (event->state == FF_RUN_UNKNOWN) {
        never_began(h, FLEET_UNSTARTED, FF_NOT_FOUND, "its start never came");
        return;
    }
    h->state = HOSTED_ENDED;
    ex->n_ends++;
    h->message = mem_text(event->message);
    h->end = *event;
    h->end.struct_size = sizeof(h->end);
    h->end.attempt_id = h->id;
    h->end.message = h->message;
    unwatch_log(h);
    ship_later(h);
    links_share(ex, h->link); /* a place is free */
    hosted_settle(h);
}

/* --- opening and closing --- */

static int open_runtime(struct executor *ex, struct ff_err *err)
{
    const struct executor_settings *s = &ex->settings;
    MEM_AUTO char *dir = s->driver_dir ? mem_text(s->driver_dir) : driver_default_dir();
    MEM_AUTO char *own = file_join(ex->dir, "runtime");

    config_default(ex->config, "runtime-local.dir", own);
    ex->driver =
        driver_chain_new(dir, s->runtime, NULL, FF_RUNTIME, ex->loop, ex->config, err);
    if (!ex->driver)
        return err->code;
    ex->ops = driver_runtime_ops(ex->driver);
    if (driver_instance_info(ex->driver)->d.caps & FF_RUNTIME_SHOWS_ENV)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "%.80s shows the environment of attempts to others, and those "
                       "of an executor have their tokens in it",
                       s->runtime);
    if (!ex->ops->outputs)
        return ff_fail(err, FF_UNSUPPORTED, 0, "%.80s cannot say what a task leaves",
                       s->runtime);
    return driver_open_runtime(ex->driver, on_event, ex, &ex->runtime, err);
}

int hosted_open(struct executor *ex, struct ff_err *err)
{
    MEM_AUTO char *dir = file_join(ex->dir, ATTEMPTS);
    const int sys = file_make_dirs(dir, 0700);

    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", dir, strerror(-sys));
    ex->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (ex->inotify < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "inotify: %s", strerror(errno));
    ex->inotify_watch =
        loop_watch_add(ex->loop, ex->inotify, FF_FD_READ, on_written, ex);
    ex->sweep_lane = lane_new(ex->loop, "sweep", err);
    return ex->sweep_lane ? open_runtime(ex, err) : err->code;
}

static int64_t read_hash(const char *dir)
{
    MEM_AUTO char *path = file_join(dir, HASH_FILE);
    struct buf text = {0};
    int64_t hash = -1;

    if (file_read(path, 32, &text) == 0)
        sscanf(buf_text(&text), "%" SCNd64, &hash);
    buf_done(&text);
    return hash;
}

/* Of a folder without a name nothing was started. */
static void find_one(struct executor *ex, const char *dir)
{
    MEM_AUTO char *path = file_join(dir, ID_FILE);
    struct buf id = {0};

    if (file_read(path, 255, &id) == 0 && id.len > 0) {
        struct hosted *h = hosted_new(ex, buf_text(&id), HOSTED_RUNNING);
        h->has_files = files_are_here(h);
        h->tenant_hash = read_hash(dir);
        watch_log(h);
        ship_later(h); /* what it wrote while nobody looked */
    } else {
        file_remove_tree(dir);
    }
    buf_done(&id);
}

static void find_all(struct executor *ex)
{
    MEM_AUTO char *path = file_join(ex->dir, ATTEMPTS);
    DIR *dir = file_open_dir(path);
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        MEM_AUTO char *one = file_join(path, e->d_name);
        if (strlen(e->d_name) == SHA256_TEXT - 1)
            find_one(ex, one);
        else if (e->d_name[0] != '.')
            file_remove_tree(one); /* remove_place */
    }
    if (dir)
        closedir(dir);
}

/* Nobody would hear of their ends otherwise. */
static bool is_adopted(struct executor *ex, int code, const struct ff_err *err)
{
    ex->n_asked--;
    if (code != FF_OK && code != FF_CANCELLED)
        executor_end(ex, cli_fail_err(err));
    return code == FF_OK;
}

static void on_named(void *arg, int code, const struct ff_err *err)
{
    is_adopted(arg, code, err);
}

static void on_adopted(void *arg, int code, const struct ff_err *err)
{
    if (is_adopted(arg, code, err))
        links_register(arg);
}

/* Who registers says what he holds, so the runtime is asked before. */
void hosted_adopt(struct executor *ex)
{
    const char **ids;
    size_t n = 0;
    void *value;

    find_all(ex);
    ids = mem_array(ex->hosted.n + 1, sizeof(*ids));
    for (size_t i = 0; map_next(&ex->hosted, &i, &value);)
        ids[n++] = ((const struct hosted *)value)->id;
    if (n > 0) {
        ex->n_asked++;
        ex->ops->adopt(ex->runtime, ids, n, driver_op(ex->driver, on_named, ex));
    }
    ex->n_asked++;
    ex->ops->adopt(ex->runtime, ids, 0, driver_op(ex->driver, on_adopted, ex));
    mem_free(ids);
}

void hosted_finish(struct executor *ex)
{
    if (ex->sweep_lane)
        lane_free(ex->sweep_lane);
}

void hosted_close(struct executor *ex)
{
    void *value;

    for (size_t i = 0; map_next(&ex->hosted, &i, &value);)
        hosted_free(value);
    map_done(&ex->hosted);
    map_done(&ex->by_watch);
    loop_watch_del(ex->inotify_watch);
    if (ex->inotify >= 0)
        close(ex->inotify);
    if (ex->runtime)
        ex->ops->close(ex->runtime);
    driver_instance_free(ex->driver);
}
