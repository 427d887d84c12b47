/* store_fault.c - a filter that makes a store fail: some of its calls, by chance or by
 * number, without being made, or made and then denied.
 *
 * For tests of whatever stands on a store. Two of its faults are promises that a store
 * would break: `after` with a code that says that nothing was written. */
#include "../common/filter/dice.h"
#include "../common/filter/store_around.h"

#include <errno.h>
#include <pthread.h>

struct config {
    const char *calls;
    int64_t code;
    int64_t when;
    int64_t rate;
    int64_t nth;
    int64_t skip;
    int64_t max_faults;
    int64_t seed;
};

#define AT(field) offsetof(struct config, field)
#define MANY      INT64_C(1000000000)

enum when { BEFORE, AFTER };
static const char *const when_words[] = {"before", "after", NULL};

/* In the order of code_of. */
static const char *const code_words[] = {
    "unavailable", "busy",   "in_doubt",  "conflict", "full",      "corrupt",
    "internal",    "denied", "no_memory", "fatal",    "not_found", NULL};
static const int code_of[] = {FF_UNAVAILABLE, FF_BUSY,    FF_IN_DOUBT, FF_CONFLICT,
                              FF_FULL,        FF_CORRUPT, FF_INTERNAL, FF_DENIED,
                              FF_NO_MEMORY,   FF_FATAL,   FF_NOT_FOUND};

static const struct ff_opt options[] = {
    {.name = "calls",
     .help = "which calls may fail, with commas: all, or commit, scan, count, ping, "
             "now, setup, backup, watch, expire, info",
     .fallback = "commit",
     .type = FF_OPT_TEXT,
     .offset = AT(calls)},
    {.name = "code",
     .help = "what is told; after fatal every call fails so",
     .fallback = "unavailable",
     .type = FF_OPT_CHOICE,
     .choices = code_words,
     .offset = AT(code)},
    {.name = "when",
     .help = "before: the call is not made; after: it is made, and then denied",
     .fallback = "before",
     .type = FF_OPT_CHOICE,
     .choices = when_words,
     .offset = AT(when)},
    {.name = "rate",
     .help = "how many of a thousand calls fail",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(rate)},
    {.name = "nth",
     .help = "the call that fails besides, counted from 1 behind those of skip; 0: "
             "none",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = MANY,
     .offset = AT(nth)},
    {.name = "skip",
     .help = "calls at the beginning that are let through",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = MANY,
     .offset = AT(skip)},
    {.name = "max_faults",
     .help = "after so many faults all is well; 0: never",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = MANY,
     .offset = AT(max_faults)},
    {.name = "seed",
     .help = "the same seed fails the same calls; 0: another one each time, logged",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = INT64_MAX,
     .offset = AT(seed)},
    {0},
};

struct state {
    pthread_mutex_t mutex;
    const struct ff_host *host;
    const struct config *config;
    uint32_t calls; /* bits */
    int code;
    struct dice dice;
    int64_t n_calls, n_faults; /* by mutex, like the dice */
    int stopped;               /* FATAL was told */
};

static int fault_init(void *state, const struct ff_host *host, const void *config,
                      struct ff_err *err)
{
    const struct config *c = config;
    struct state *s = state;

    pthread_mutex_init(&s->mutex, NULL);
    s->host = host;
    s->config = c;
    s->code = code_of[c->code];
    s->dice.state = (uint64_t)c->seed;
    if (c->seed == 0)
        s->dice.state = host->random(host->self) >> 1;
    ff_log(host, FF_INFO, "faults by seed %llu", (unsigned long long)s->dice.state);
    return around_parse_calls("store-fault.calls", c->calls, &s->calls, err);
}

static void fault_done(void *state)
{
    struct state *s = state;

    if (s->host)
        ff_log(s->host, FF_INFO, "%lld faults in %lld calls", (long long)s->n_faults,
               (long long)s->n_calls);
    pthread_mutex_destroy(&s->mutex);
}

static int falls_now(struct state *s)
{
    const struct config *c = s->config;
    const int64_t n = ++s->n_calls - c->skip;

    if (n <= 0 || (c->max_faults > 0 && s->n_faults >= c->max_faults))
        return 0;
    return (dice_hits(&s->dice, c->rate) | (n == c->nth)) != 0;
}

static int throw_one(struct state *s, const struct around *call)
{
    int falls;

    if (!(s->calls >> call->call & 1))
        return 0;
    pthread_mutex_lock(&s->mutex);
    falls = falls_now(s);
    s->n_faults += falls;
    if (falls && s->code == FF_FATAL)
        s->stopped = 1;
    pthread_mutex_unlock(&s->mutex);
    return falls;
}

/* What is full is a disk's quota: the number that a core could take for one of its own.
 */
static int tell(const struct state *s, const struct around *call, struct ff_err *err)
{
    return ff_fail(err, s->code, s->code == FF_FULL ? EDQUOT : 0,
                   "%s: a fault that store-fault was asked for",
                   around_names[call->call]);
}

static int is_stopped(struct state *s)
{
    int stopped;

    pthread_mutex_lock(&s->mutex);
    stopped = s->stopped;
    pthread_mutex_unlock(&s->mutex);
    return stopped;
}

static int fault_before(void *state, const struct around *call, struct ff_err *err)
{
    struct state *s = state;

    if (is_stopped(s) || (s->config->when == BEFORE && throw_one(s, call)))
        return tell(s, call, err);
    return FF_OK;
}

/* What has failed by itself keeps its own code. */
static int fault_after(void *state, const struct around *call, int code,
                       struct ff_err *err)
{
    struct state *s = state;

    if (code == FF_OK && s->config->when == AFTER && throw_one(s, call))
        return tell(s, call, err);
    return code;
}

const struct around_hooks around_hooks = {
    .state_size = sizeof(struct state),
    .init = fault_init,
    .done = fault_done,
    .before = fault_before,
    .after = fault_after,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, around_ops),
    .caps = AROUND_CAPS,
    .name = "fault",
    .version = FLOWFORGE_VERSION,
    .summary = "makes calls of a store fail, for tests",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &around_ops,
    .flags = FF_FILTER,
};

FF_REGISTER_DRIVER(driver)
