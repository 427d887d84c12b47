/* store_delay.c - a filter that makes a store slow: so long before each call, and so
 * long behind each commit, where a slow disk or a far server would take its time. */
#include "../common/filter/dice.h"
#include "../common/filter/store_around.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct config {
    const char *calls;
    int64_t delay_us;
    int64_t jitter_us;
    int64_t flush_us;
    int64_t seed;
};

#define AT(field) offsetof(struct config, field)
#define AN_HOUR   (INT64_C(3600) * 1000000)

static const struct ff_opt options[] = {
    {.name = "calls",
     .help = "which calls are slow, with commas: all, or commit, scan, count, ping, "
             "now, setup, backup, watch, expire, info",
     .fallback = "all",
     .type = FF_OPT_TEXT,
     .offset = AT(calls)},
    {.name = "delay",
     .help = "before each of them",
     .fallback = "0s",
     .type = FF_OPT_SECONDS,
     .max = AN_HOUR,
     .offset = AT(delay_us)},
    {.name = "jitter",
     .help = "before each of them, by chance up to this much more",
     .fallback = "0s",
     .type = FF_OPT_SECONDS,
     .max = AN_HOUR,
     .offset = AT(jitter_us)},
    {.name = "flush",
     .help = "behind each commit that succeeded, as if the disk took longer",
     .fallback = "0s",
     .type = FF_OPT_SECONDS,
     .max = AN_HOUR,
     .offset = AT(flush_us)},
    {.name = "seed",
     .help = "of the jitter; 0: another one each time",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = INT64_MAX,
     .offset = AT(seed)},
    {0},
};

struct state {
    pthread_mutex_t mutex;
    const struct config *config;
    uint32_t calls;
    struct dice dice; /* by mutex */
};

static int delay_init(void *state, const struct ff_host *host, const void *config,
                      struct ff_err *err)
{
    const struct config *c = config;
    struct state *s = state;

    pthread_mutex_init(&s->mutex, NULL);
    s->config = c;
    s->dice.state = c->seed ? (uint64_t)c->seed : host->random(host->self);
    return around_parse_calls("store-delay.calls", c->calls, &s->calls, err);
}

static void delay_done(void *state)
{
    struct state *s = state;

    pthread_mutex_destroy(&s->mutex);
}

/* A signal does not make the store faster. */
static void sleep_us(int64_t us)
{
    struct timespec rest = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    while (us > 0 && nanosleep(&rest, &rest) != 0 && errno == EINTR)
        ;
}

static int delay_before(void *state, const struct around *call, struct ff_err *err)
{
    struct state *s = state;
    int64_t us = s->config->delay_us;

    (void)err;
    if (!(s->calls >> call->call & 1))
        return FF_OK;
    pthread_mutex_lock(&s->mutex);
    us += dice_upto(&s->dice, s->config->jitter_us);
    pthread_mutex_unlock(&s->mutex);
    sleep_us(us);
    return FF_OK;
}

static int delay_after(void *state, const struct around *call, int code,
                       struct ff_err *err)
{
    const struct state *s = state;

    (void)err;
    if (call->call == AROUND_COMMIT && code == FF_OK)
        sleep_us(s->config->flush_us);
    return code;
}

const struct around_hooks around_hooks = {
    .state_size = sizeof(struct state),
    .init = delay_init,
    .done = delay_done,
    .before = delay_before,
    .after = delay_after,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, around_ops),
    .caps = AROUND_CAPS,
    .name = "delay",
    .version = FLOWFORGE_VERSION,
    .summary = "makes a store slow, for tests",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &around_ops,
    .flags = FF_FILTER,
};

FF_REGISTER_DRIVER(driver)
