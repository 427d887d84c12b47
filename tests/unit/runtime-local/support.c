/* support.c - see support.h. */
#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_WATCHES 8

struct ff_watch {
    int fd;
    uint32_t events;
    ff_fd_fn *fn;
    void *arg;
    bool used;
};

struct ff_timer {
    struct ff_timer *next;
    int64_t due_us;
    ff_call_fn *fn;
    void *arg;
};

struct engine {
    struct ff_host host;
    struct ff_watch watches[MAX_WATCHES];
    struct ff_timer *timers;
    const struct ff_runtime_ops *ops;
    void *runtime;
    struct seen *seen;
    size_t n_seen;
    char dir[400];
    char logs[450];
    bool own_dir;
};

int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct engine *engine_of(struct ff_core *self)
{
    return (struct engine *)(void *)self;
}

static void host_log(struct ff_core *self, int level, const char *file, int line,
                     const char *fmt, ...)
{
    va_list ap;

    (void)self;
    (void)level;
    fprintf(stderr, "%s:%d: ", strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
            line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static int64_t host_now(struct ff_core *self)
{
    (void)self;
    return clock_us();
}

static uint64_t host_random(struct ff_core *self)
{
    static uint64_t state = 88172645463325252u;

    (void)self;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct ff_watch *host_watch_add(struct ff_core *self, int fd, uint32_t events,
                                       ff_fd_fn *fn, void *arg)
{
    struct engine *engine = engine_of(self);

    for (int i = 0; i < MAX_WATCHES; i++) {
        if (engine->watches[i].used)
            continue;
        engine->watches[i] = (struct ff_watch){fd, events, fn, arg, true};
        return &engine->watches[i];
    }
    return NULL;
}

static int host_watch_set(struct ff_core *self, struct ff_watch *watch, uint32_t events)
{
    (void)self;
    watch->events = events;
    return 0;
}

static void host_watch_del(struct ff_core *self, struct ff_watch *watch)
{
    (void)self;
    watch->used = false;
}

static struct ff_timer *host_timer_add(struct ff_core *self, int64_t delay_us,
                                       ff_call_fn *fn, void *arg)
{
    struct engine *engine = engine_of(self);
    struct ff_timer *timer = malloc(sizeof(*timer));

    *timer = (struct ff_timer){engine->timers, clock_us() + delay_us, fn, arg};
    engine->timers = timer;
    return timer;
}

static void host_timer_del(struct ff_core *self, struct ff_timer *timer)
{
    struct ff_timer **at = &engine_of(self)->timers;

    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    free(timer);
}

static void host_complete(struct ff_core *self, struct ff_op *op,
                          const struct ff_err *err)
{
    struct asked *asked = (struct asked *)(void *)op;

    (void)self;
    assert_false(asked->done);
    asked->done = true;
    asked->code = err ? err->code : FF_OK;
    snprintf(asked->msg, sizeof(asked->msg), "%s", err ? err->msg : "");
}

static void on_event(void *arg, const struct ff_run_event *event)
{
    struct engine *engine = arg;
    struct seen *seen = calloc(1, sizeof(*seen));

    seen->event = *event;
    snprintf(seen->id, sizeof(seen->id), "%s", event->attempt_id);
    seen->event.attempt_id = seen->id;
    if (event->message) {
        snprintf(seen->message, sizeof(seen->message), "%s", event->message);
        seen->event.message = seen->message;
    }
    seen->next = engine->seen;
    engine->seen = seen;
    engine->n_seen++;
}

static const struct ff_driver *load(void)
{
    static const struct ff_driver *driver;
    char path[500];

    if (driver)
        return driver;
    const char *lib = getenv("FLOWFORGE_LIB");
    assert_non_null(lib);
    snprintf(path, sizeof(path), "%s/runtime-local.so", lib);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        fail_msg("%s", dlerror());
    ff_driver_entry_fn *entry = NULL;
    void *symbol = dlsym(handle, FF_DRIVER_ENTRY);
    memcpy(&entry, &symbol, sizeof(entry));
    assert_non_null(entry);
    driver = entry();
    assert_int_equal(driver->magic, FF_DRIVER_MAGIC);
    assert_int_equal(driver->kind, FF_RUNTIME);
    return driver;
}

static void set_option(const struct ff_driver *driver, void *config, const char *name,
                       const void *value, size_t size)
{
    for (const struct ff_opt *opt = driver->opts; opt->name; opt++)
        if (strcmp(opt->name, name) == 0) {
            memcpy((char *)config + opt->offset, value, size);
            return;
        }
    fail_msg("no option %s", name);
}

struct engine *engine_with(const char *dir, int64_t idle_exit_us,
                           const char *supervisor)
{
    const struct ff_driver *driver = load();
    struct engine *engine = calloc(1, sizeof(*engine));
    struct ff_err err;

    engine->host = (struct ff_host){
        .struct_size = sizeof(struct ff_host),
        .self = (struct ff_core *)(void *)engine,
        .log = host_log,
        .now_us = host_now,
        .random = host_random,
        .watch_add = host_watch_add,
        .watch_set = host_watch_set,
        .watch_del = host_watch_del,
        .timer_add = host_timer_add,
        .timer_del = host_timer_del,
        .complete = host_complete,
    };
    if (dir) {
        snprintf(engine->dir, sizeof(engine->dir), "%s", dir);
    } else {
        strcpy(engine->dir, "/tmp/ff-runtime-XXXXXX");
        assert_non_null(mkdtemp(engine->dir));
        engine->own_dir = true;
    }
    snprintf(engine->logs, sizeof(engine->logs), "%s/logs", engine->dir);
    void *config = calloc(1, driver->config_size);
    const char *state = engine->dir;
    set_option(driver, config, "dir", &state, sizeof(state));
    set_option(driver, config, "idle_exit", &idle_exit_us, sizeof(idle_exit_us));
    set_option(driver, config, "supervisor", &supervisor, sizeof(supervisor));
    engine->ops = driver->ops.runtime;
    if (engine->ops->open(&engine->host, config, on_event, engine, &engine->runtime,
                          &err))
        fail_msg("%s", err.msg);
    free(config);
    return engine;
}

struct engine *engine_new(const char *dir)
{
    return engine_with(dir, 100000, NULL);
}

void forget_seen(struct engine *engine)
{
    while (engine->seen) {
        struct seen *seen = engine->seen;
        engine->seen = seen->next;
        free(seen);
    }
    engine->n_seen = 0;
}

void engine_close_keep(struct engine *engine)
{
    engine->ops->close(engine->runtime);
    forget_seen(engine);
    assert_null(engine->timers);
    for (int i = 0; i < MAX_WATCHES; i++)
        assert_false(engine->watches[i].used);
    free(engine);
}

static void remove_tree(const char *path)
{
    char command[500];

    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    if (system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", path);
}

/* A sanitizer's last words in the supervisor end in its log. */
static void look_for_sanitizer(const char *dir)
{
    char path[500];

    snprintf(path, sizeof(path), "%s/supervisor.log", dir);
    char *text = read_all(path, NULL);
    if (text && (strstr(text, "Sanitizer") || strstr(text, "runtime error")))
        fail_msg("%s", text);
    free(text);
}

/* The supervisor goes by itself soon after its last client; the test waits so that
 * nothing of it is left behind. */
void engine_free(struct engine *engine)
{
    char dir[400];
    const pid_t pid = supervisor_pid(engine);

    snprintf(dir, sizeof(dir), "%s", engine->dir);
    engine_close_keep(engine);
    const int64_t until_us = clock_us() + DEADLINE_US;
    while (pid > 0 && !is_gone(pid)) {
        if (clock_us() > until_us)
            fail_msg("the supervisor %d does not end", (int)pid);
        poll(NULL, 0, 5);
    }
    look_for_sanitizer(dir);
    remove_tree(dir);
}

const char *engine_dir(const struct engine *engine)
{
    return engine->dir;
}

const char *engine_logs(const struct engine *engine)
{
    return engine->logs;
}

const struct ff_runtime_ops *engine_ops(const struct engine *engine)
{
    return engine->ops;
}

void *engine_runtime(const struct engine *engine)
{
    return engine->runtime;
}

static int timer_wait_ms(const struct engine *engine, int timeout_ms)
{
    const int64_t now = clock_us();

    for (const struct ff_timer *timer = engine->timers; timer; timer = timer->next) {
        const int64_t left_ms = (timer->due_us - now + 999) / 1000;
        if (left_ms < timeout_ms)
            timeout_ms = left_ms < 0 ? 0 : (int)left_ms;
    }
    return timeout_ms;
}

static bool run_a_timer(struct engine *engine)
{
    for (struct ff_timer *timer = engine->timers; timer; timer = timer->next) {
        if (timer->due_us > clock_us())
            continue;
        ff_call_fn *fn = timer->fn;
        void *arg = timer->arg;
        host_timer_del(engine->host.self, timer);
        fn(arg);
        return true;
    }
    return false;
}

void engine_pass(struct engine *engine, int timeout_ms)
{
    struct pollfd fds[MAX_WATCHES];

    for (int i = 0; i < MAX_WATCHES; i++) {
        const struct ff_watch *watch = &engine->watches[i];
        fds[i] = (struct pollfd){.fd = watch->used ? watch->fd : -1};
        fds[i].events = (short)((watch->events & FF_FD_READ ? POLLIN : 0) |
                                (watch->events & FF_FD_WRITE ? POLLOUT : 0));
    }
    poll(fds, MAX_WATCHES, timer_wait_ms(engine, timeout_ms));
    for (int i = 0; i < MAX_WATCHES; i++) {
        const struct ff_watch watch = engine->watches[i];
        uint32_t events = 0;
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
            events |= FF_FD_READ;
        if (fds[i].revents & POLLOUT)
            events |= FF_FD_WRITE;
        if (events && watch.used && watch.fd == fds[i].fd)
            watch.fn(watch.arg, watch.fd, events);
    }
    while (run_a_timer(engine))
        ;
}

void job_sh(struct job *job, const struct engine *engine, const char *id,
            const char *script)
{
    *job = (struct job){.argv = {"sh", "-c", script, NULL},
                        .env = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL, NULL}};
    snprintf(job->log_dir, sizeof(job->log_dir), "%s/%s", engine->logs, id);
    job->spec = (struct ff_run_spec){
        .struct_size = sizeof(job->spec),
        .attempt_id = id,
        .argv = job->argv,
        .env = job->env,
        .dir = "/",
        .log_dir = job->log_dir,
        .grace_us = 5000000,
    };
}

int await(struct engine *engine, struct asked *asked)
{
    WAIT_FOR(engine, asked->done);
    if (asked->code)
        fprintf(stderr, "answer %d: %s\n", asked->code, asked->msg);
    return asked->code;
}

void begin(struct engine *engine, const struct ff_run_spec *spec, struct asked *asked)
{
    *asked = (struct asked){0};
    engine->ops->start(engine->runtime, spec, (struct ff_op *)(void *)asked);
}

int start(struct engine *engine, const struct ff_run_spec *spec)
{
    struct asked asked;

    begin(engine, spec, &asked);
    return await(engine, &asked);
}

int start_sh(struct engine *engine, const char *id, const char *script)
{
    struct job job;

    job_sh(&job, engine, id, script);
    return start(engine, &job.spec);
}

int cancel(struct engine *engine, const char *id, int64_t grace_us)
{
    struct asked asked = {0};

    engine->ops->cancel(engine->runtime, id, grace_us, (struct ff_op *)(void *)&asked);
    return await(engine, &asked);
}

void begin_adopt(struct engine *engine, const char *id, struct asked *asked)
{
    *asked = (struct asked){0};
    engine->ops->adopt(engine->runtime, &id, 1, (struct ff_op *)(void *)asked);
}

int adopt(struct engine *engine, const char *id)
{
    struct asked asked;

    begin_adopt(engine, id, &asked);
    return await(engine, &asked);
}

int adopt_rest(struct engine *engine)
{
    struct asked asked = {0};

    engine->ops->adopt(engine->runtime, NULL, 0, (struct ff_op *)(void *)&asked);
    return await(engine, &asked);
}

int release(struct engine *engine, const char *id)
{
    struct asked asked = {0};

    engine->ops->release(engine->runtime, &id, 1, (struct ff_op *)(void *)&asked);
    return await(engine, &asked);
}

const struct seen *seen(const struct engine *engine, const char *id)
{
    const struct seen *seen = engine->seen;

    while (seen && strcmp(seen->id, id) != 0)
        seen = seen->next;
    return seen;
}

size_t n_seen(const struct engine *engine)
{
    return engine->n_seen;
}

const struct seen *wait_end(struct engine *engine, const char *id)
{
    WAIT_FOR(engine, seen(engine, id));
    return seen(engine, id);
}

const struct seen *run_sh(struct engine *engine, const char *id, const char *script)
{
    assert_int_equal(start_sh(engine, id, script), FF_OK);
    return wait_end(engine, id);
}

char *read_all(const char *path, size_t *len)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t size = 0;

    if (fd < 0)
        return NULL;
    fstat(fd, &st);
    char *text = malloc((size_t)st.st_size + 4096);
    for (;;) {
        const ssize_t n = read(fd, text + size, (size_t)st.st_size + 4095 - size);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    close(fd);
    text[size] = '\0';
    if (len)
        *len = size;
    return text;
}

static void add_record(const char *line, size_t len, const char *stream, char **out,
                       size_t *out_len)
{
    const char *name = memchr(line, ' ', len);
    const size_t name_len = strlen(stream);

    assert_non_null(name);
    assert_int_equal(name - line, 27);
    name++;
    if (strncmp(name, stream, name_len) != 0 || name[name_len] != ' ')
        return;
    const char tag = name[name_len + 1];
    assert_true(tag == 'F' || tag == 'P');
    const char *text = name + name_len + 3;
    const size_t text_len = (size_t)(line + len - text);
    memcpy(*out + *out_len, text, text_len);
    *out_len += text_len;
    if (tag == 'F')
        (*out)[(*out_len)++] = '\n';
    (*out)[*out_len] = '\0';
}

char *log_text(const struct engine *engine, const char *id, const char *stream,
               size_t *len)
{
    char *out = calloc(1, 1);
    size_t out_len = 0;

    for (int i = 1;; i++) {
        char path[700];
        size_t size;
        snprintf(path, sizeof(path), "%s/%s/%06d.log", engine->logs, id, i);
        char *text = read_all(path, &size);
        if (!text)
            break;
        out = realloc(out, out_len + size + 1); /* records hold less than they take */
        for (size_t at = 0; at < size;) {
            const char *end = memchr(text + at, '\n', size - at);
            assert_non_null(end); /* records are whole */
            add_record(text + at, (size_t)(end - text) - at, stream, &out, &out_len);
            at = (size_t)(end - text) + 1;
        }
        free(text);
    }
    if (len)
        *len = out_len;
    return out;
}

pid_t supervisor_pid(const struct engine *engine)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);

    const int dir_fd = open(engine->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(address.sun_path, sizeof(address.sun_path),
             "/proc/self/fd/%d/supervisor.sock", dir_fd);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    close(fd);
    close(dir_fd);
    return peer.pid;
}

/* kill(0) would end the tests themselves. */
pid_t live_supervisor(const struct engine *engine)
{
    const pid_t pid = supervisor_pid(engine);

    assert_true(pid > 0);
    return pid;
}

bool is_gone(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    char *text = read_all(path, NULL);
    if (!text)
        return true;
    const char *at = strrchr(text, ')');
    const bool gone = !at || at[2] == 'Z' || at[2] == 'X';
    free(text);
    return gone;
}

static bool has_line(const char *path, pid_t *pid)
{
    char *text = read_all(path, NULL);
    const bool has = text && strchr(text, '\n');

    if (has)
        *pid = (pid_t)strtol(text, NULL, 10);
    free(text);
    return has;
}

pid_t read_pid(struct engine *engine, const char *path)
{
    pid_t pid = 0;

    WAIT_FOR(engine, has_line(path, &pid));
    assert_true(pid > 0);
    return pid;
}
