/* store_trace.c - a filter that writes a line for each call of a store: what it was
 * about, how much, what it came to and how long it took. Values are not shown. */
#include "../common/filter/codes.h"
#include "../common/filter/store_around.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct config {
    const char *file;
    const char *calls;
    int64_t slower_than_us;
    int64_t level;
};

#define AT(field) offsetof(struct config, field)

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

static const struct ff_opt options[] = {
    {.name = "file",
     .help = "lines are added to this file; without it they go to the log",
     .type = FF_OPT_TEXT,
     .offset = AT(file)},
    {.name = "calls",
     .help = "which calls, with commas: all, or commit, scan, count, ping, now, setup, "
             "backup, watch, expire, info",
     .fallback = "all",
     .type = FF_OPT_TEXT,
     .offset = AT(calls)},
    {.name = "slower_than",
     .help = "only calls that took at least so long",
     .fallback = "0s",
     .type = FF_OPT_SECONDS,
     .offset = AT(slower_than_us)},
    {.name = "level",
     .help = "of the lines in the log",
     .fallback = "info",
     .type = FF_OPT_CHOICE,
     .choices = levels,
     .offset = AT(level)},
    {0},
};

struct state {
    const struct ff_host *host;
    const struct config *config;
    uint32_t calls;
    int fd; /* -1: the log */
};

static int trace_init(void *state, const struct ff_host *host, const void *config,
                      struct ff_err *err)
{
    const struct config *c = config;
    struct state *s = state;

    *s = (struct state){.host = host, .config = c, .fd = -1};
    if (c->file && *c->file) {
        s->fd = open(c->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (s->fd < 0)
            return ff_fail(err, FF_INVALID, errno, "store-trace.file: %.120s: %s",
                           c->file, strerror(errno));
    }
    return around_parse_calls("store-trace.calls", c->calls, &s->calls, err);
}

static void trace_done(void *state)
{
    const struct state *s = state;

    if (s->fd >= 0)
        close(s->fd);
}

/* Ends the line with the sentence, its quotes made harmless. */
static int add_error(char *line, size_t size, const char *sentence)
{
    const int len = snprintf(line, size, " error=\"%.240s\"", sentence);

    for (char *p = line + 8; p < line + len - 1; p++)
        if (*p == '"')
            *p = '\'';
    return len;
}

/* "call=commit record=run items=3 bytes=412 code=ok took_us=180": as logfmt has it, so
 * that tools can read it. */
static int trace_after(void *state, const struct around *call, int code,
                       struct ff_err *err)
{
    const struct state *s = state;
    char line[512];
    int len;

    if (!(s->calls >> call->call & 1) || call->took_us < s->config->slower_than_us)
        return code;
    len = snprintf(line, sizeof(line) - 1,
                   "call=%s record=%.60s items=%llu bytes=%llu code=%s took_us=%lld",
                   around_names[call->call], call->record ? call->record : "-",
                   (unsigned long long)call->items, (unsigned long long)call->bytes,
                   code_name(code), (long long)call->took_us);
    if (code != FF_OK && err)
        len += add_error(line + len, sizeof(line) - 1 - (size_t)len, err->msg);
    if (s->fd < 0) {
        ff_log(s->host, (int)s->config->level + FF_ERROR, "%s", line);
        return code;
    }
    line[len++] = '\n';
    /* One write a line: with O_APPEND lines of several processes stay whole. */
    if (write(s->fd, line, (size_t)len) != len)
        ff_log(s->host, FF_WARN, "%s: %s", s->config->file, strerror(errno));
    return code;
}

const struct around_hooks around_hooks = {
    .state_size = sizeof(struct state),
    .init = trace_init,
    .done = trace_done,
    .after = trace_after,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, around_ops),
    .caps = AROUND_CAPS,
    .name = "trace",
    .version = FLOWFORGE_VERSION,
    .summary = "a line for each call of a store",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &around_ops,
    .flags = FF_FILTER,
};

FF_REGISTER_DRIVER(driver)
