/* store_metrics.c - a filter that counts the calls of a store and how long they took,
 * and writes that to a file for Prometheus' textfile collector, or to the log. */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct config {
    const char *file;
    int64_t interval_us;
};

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "file",
     .help = "written anew at each interval and at the end; by convention NAME.prom. "
             "Without it a line for each call goes to the log at the end",
     .type = FF_OPT_TEXT,
     .offset = AT(file)},
    {.name = "interval",
     .help = "how often at most the file is written while calls are made",
     .fallback = "10s",
     .type = FF_OPT_SECONDS,
     .offset = AT(interval_us),
     .min = 100000,
     .max = INT64_C(86400) * 1000000},
    {0},
};

struct state {
    pthread_mutex_t mutex;
    const struct ff_host *host;
    const struct config *config;
    const char *store;      /* which one is measured */
    struct metrics metrics; /* by mutex, like the next */
    int64_t written_us;
};

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int write_to(const struct state *s, int fd)
{
    FILE *out = fdopen(fd, "w");
    int wrong;

    if (!out) {
        wrong = errno;
        close(fd);
        return wrong;
    }
    metrics_print(&s->metrics, s->store, out);
    wrong = fflush(out) == 0 && !ferror(out) ? 0 : errno;
    if (fclose(out) != 0 && !wrong)
        wrong = errno;
    return wrong;
}

/* By rename: a reader sees the old text or the new one. The mode is what Prometheus'
 * collector, another user, needs. */
static int write_file(const struct state *s)
{
    const char *to = s->config->file;
    const size_t size = strlen(to) + sizeof(".XXXXXX");
    char *path = malloc(size);
    int wrong;
    int fd;

    if (!path)
        return ENOMEM;
    snprintf(path, size, "%s.XXXXXX", to);
    fd = mkostemp(path, O_CLOEXEC);
    wrong = fd >= 0 ? 0 : errno;
    if (fd >= 0) {
        fchmod(fd, 0644);
        wrong = write_to(s, fd);
        if (!wrong && rename(path, to) != 0)
            wrong = errno;
        if (wrong)
            unlink(path);
    }
    free(path);
    return wrong;
}

static void write_log(const struct state *s)
{
    for (size_t i = 0; i < AROUND_CALLS; i++) {
        const struct metrics_call *c = &s->metrics.calls[i];
        const uint64_t n = metrics_count(c);

        if (n > 0)
            ff_log(s->host, FF_INFO,
                   "call=%s count=%llu failed=%llu items=%llu bytes=%llu mean_us=%lld",
                   around_names[i], (unsigned long long)n,
                   (unsigned long long)(n - c->codes[FF_OK]),
                   (unsigned long long)c->items, (unsigned long long)c->bytes,
                   (long long)(c->sum_us / (int64_t)n));
    }
}

/* Metrics that cannot be written are no reason to stop the store. */
static void write_out(struct state *s)
{
    const int wrong = write_file(s);

    s->written_us = clock_us();
    if (wrong)
        ff_log(s->host, FF_WARN, "store-metrics.file: %s: %s", s->config->file,
               strerror(wrong));
}

static int has_file(const struct state *s)
{
    return s->config->file && *s->config->file;
}

static int metrics_init(void *state, const struct ff_host *host, const void *config,
                        struct ff_err *err)
{
    struct state *s = state;
    int wrong;

    pthread_mutex_init(&s->mutex, NULL);
    s->config = config;
    s->store = host->next->name;
    wrong = has_file(s) ? write_file(s) : 0;
    if (wrong)
        return ff_fail(err, FF_INVALID, wrong, "store-metrics.file: %.120s: %s",
                       s->config->file, strerror(wrong));
    s->host = host;
    s->written_us = clock_us();
    return FF_OK;
}

static void metrics_done(void *state)
{
    struct state *s = state;

    if (s->host && has_file(s))
        write_out(s);
    else if (s->host)
        write_log(s);
    pthread_mutex_destroy(&s->mutex);
}

static int metrics_after(void *state, const struct around *call, int code,
                         struct ff_err *err)
{
    struct state *s = state;

    (void)err;
    pthread_mutex_lock(&s->mutex);
    metrics_add(&s->metrics, call, code);
    if (has_file(s) && clock_us() - s->written_us >= s->config->interval_us)
        write_out(s);
    pthread_mutex_unlock(&s->mutex);
    return code;
}

const struct around_hooks around_hooks = {
    .state_size = sizeof(struct state),
    .init = metrics_init,
    .done = metrics_done,
    .after = metrics_after,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, around_ops),
    .caps = AROUND_CAPS,
    .name = "metrics",
    .version = FLOWFORGE_VERSION,
    .summary = "counts the calls of a store and how long they took",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &around_ops,
    .flags = FF_FILTER,
};

FF_REGISTER_DRIVER(driver)
