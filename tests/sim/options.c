/* options.c - the options of a seed. In the swarm manner most faults are off in one
 * seed and the others strong: a system that fails a little everywhere is tested less
 * than one that fails badly in one place. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UNITS_SECOND

static const struct {
    const char *name;
    size_t offset;
} table[] = {
#define X(name) {#name, offsetof(struct sim_options, name)},
    SIM_OPTIONS(X)
#undef X
};

static int64_t pick(const int64_t *from, size_t n)
{
    return from[sim_rand(RAND_OPTIONS, n)];
}
#define PICK(...)                                                                      \
    pick((const int64_t[]){__VA_ARGS__},                                               \
         sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* Off in most seeds. */
static int64_t fault(int64_t most)
{
    const bool on = sim_chance(RAND_OPTIONS, 300);
    const int64_t strength = sim_between(RAND_OPTIONS, 1, most);

    return on ? strength : 0;
}

static int64_t every(int64_t shortest, int64_t longest)
{
    const bool on = sim_chance(RAND_OPTIONS, 400);
    const int64_t mean = sim_between(RAND_OPTIONS, shortest, longest);

    return on ? mean : 0;
}

static void draw_faults(struct sim_options *o)
{
    o->store_stall = fault(50);
    o->store_busy = fault(300);
    o->store_down = fault(200);
    o->store_doubt = fault(300);
    o->store_conflict = fault(300);
    o->store_fatal = fault(10);
    o->read_down = fault(300);
    o->interleave = fault(1000);
    o->wake_lost = fault(1000);
    o->queue_shared = PICK(0, 1);
    o->queue_lose = fault(500);
    o->queue_double = fault(500);
    o->queue_late = fault(500);
    o->queue_down = fault(300);
    o->start_busy = fault(400);
    o->start_slow = fault(500);
    o->start_refused = fault(100);
    o->task_bad = PICK(0, 50, 100, 200, 500);
    o->task_gone = fault(700);
    o->task_slow = PICK(0, 0, 50, 200);
    o->task_stuck = PICK(0, 50, 200);
    o->event_double = fault(500);
    o->event_late = fault(300);
    o->result_double = fault(500);
    o->wipe_us = every(20 * SECOND, 200 * SECOND);
    o->crash_us = every(SECOND, 60 * SECOND);
    o->drain_us = every(5 * SECOND, 60 * SECOND);
    o->pause_us = every(5 * SECOND, 60 * SECOND);
    o->steal = PICK(0, 1);
}

/* Some mistakes need several things at once, which chance alone brings together too
 * rarely. */
static void focus_on_stops(struct sim_options *o)
{
    o->cancels = 10;
    o->submit_us = SECOND;
    o->task_slow = 500;
    o->max_tasks = 20;
    o->slots = 20;
    o->queue_late = 700;
    o->queue_double = 700;
    o->start_slow = PICK(0, 500);
    o->lane_us = PICK(20 * 1000, 400 * 1000);
}

static void focus_on_reloads(struct sim_options *o)
{
    o->store_conflict = 300;
    o->queue_lose = 500;
    o->task_gone = 300;
    o->slots = 20;
    o->wipe_us = 5 * SECOND;
    o->lane_us = PICK(1000, 20 * 1000);
}

static void focus_on_restarts(struct sim_options *o)
{
    o->crash_us = 8 * SECOND;
    o->cancels = 10;
    o->task_slow = 500;
    o->lane_us = PICK(1000, 20 * 1000);
}

/* Owners follow one another while messages of those before are on their way, on a host
 * that falls now and then. */
static void focus_on_owners(struct sim_options *o)
{
    o->queue_shared = 1;
    o->queue_late = 700;
    o->queue_double = 700;
    o->ack_lost = 500;
    o->result_double = 700;
    o->lane_us = PICK(20 * 1000, 400 * 1000);
    o->crash_us = 3 * SECOND;
    o->wipe_us = 20 * SECOND;
    o->task_slow = 500;
    o->commit_us = 30 * 1000;
    o->faults_us = 120 * SECOND;
    o->n_runs = 8;
    o->slots = 20;
}

static void focus(struct sim_options *o, uint64_t on)
{

    if (on == 1 || on == 3 || on == 4)
        focus_on_reloads(o);
    if (on == 0 || on == 3 || on == 4)
        focus_on_stops(o);
    if (on == 2)
        focus_on_restarts(o);
    if (on == 5)
        focus_on_owners(o);
}

/* Tasks that begin again, and leave files behind. */
static void focus_on_files(struct sim_options *o)
{
    o->artifacts = 600;
    o->open_resets = 10;
    o->resets = 6;
    o->result_double = 300;
    o->crash_us = 8 * SECOND;
    o->limits = o->values = o->schedules = 0;
    o->blob_down = o->blob_doubt = o->blob_full = 0;
}

/* Files that are not to be had when somebody wants them. */
static void focus_on_blobs(struct sim_options *o)
{
    if (o->artifacts == 0 || !sim_chance(RAND_FOCUS, 400))
        return;
    o->artifacts = 600;
    o->blob_down = 400;
    o->max_tasks = 20;
}

/* Runs inside others that hand large values on, and others that want the same. */
static void focus_on_values(struct sim_options *o)
{
    if (o->values == 0 || !sim_chance(RAND_LATER, 300))
        return;
    o->inner = 300;
    o->cache = 700;
}

/* Many who want something else of runs that hardly began. */
static void focus_on_people(struct sim_options *o)
{
    o->cancels = 10;
    o->open_resets = 10;
    o->waits = 400;
    o->start_slow = 500;
    o->submit_us = SECOND;
    o->n_runs = 8;
    o->slots = 20;
    o->limits = o->values = o->artifacts = 0;
}

/* The bare engine, without what was built on it since: in a crowd of features two
 * mistakes of the same moment hardly ever meet. */
static void narrow(struct sim_options *o)
{
    o->inner = o->limits = o->resets = o->waits = o->signals = o->open_resets = 0;
    o->pauses = o->cache = o->clears = o->same_again = o->reuses = o->artifacts = 0;
    o->blob_down = o->blob_doubt = o->blob_full = o->blob_slow = 0;
    o->schedules = o->schedule_acts = o->clock_us = o->values = o->shares = 0;
}

/* Times that wait for a run to be cancelled, which an owner who came just now has not
 * read yet, while others come. */
static void focus_on_replaced(struct sim_options *o)
{
    o->replaces = 700;
    o->schedules = 3;
    o->schedule_acts = 100;
    o->submit_us = o->faults_us = 60 * SECOND;
    o->store_doubt = 0;
    o->crash_us = 8 * SECOND;
    o->lane_us = 400 * 1000;
    o->commit_us = 30 * 1000;
    o->task_slow = 500;
    o->slots = 20;
}

/* People who do much to schedules while owners read them, and commits in doubt. */
static void focus_on_schedules(struct sim_options *o)
{
    const uint64_t on = sim_rand(RAND_OPTIONS, 3);

    if (o->schedules == 0)
        return;
    if (on == 0) {
        if (sim_chance(RAND_LATER, 600))
            focus_on_replaced(o);
        return;
    }
    o->schedule_acts = 60;
    o->submit_us = o->faults_us;
    o->store_doubt = 300;
    if (on == 1)
        o->interleave = 1000;
    else
        o->store_stall = 50;
}

void options_draw(struct sim_options *o)
{
    o->n_nodes = PICK(1, 2, 3);
    o->slots = PICK(1, 2, 3, 5, 8, 20);
    o->n_runs = PICK(1, 2, 3, 5, 8);
    o->submit_us = PICK(SECOND, 10 * SECOND, 60 * SECOND);
    o->faults_us = PICK(10 * SECOND, 60 * SECOND, 120 * SECOND);
    o->cancels = PICK(0, 1, 2, 5, 10);
    o->max_tasks = PICK(2, 5, 10, 20);
    o->skew_us = PICK(0, 0, SECOND, 20 * SECOND);
    o->lane_us = PICK(50, 1000, 20 * 1000, 400 * 1000);
    o->commit_us = PICK(200, 2000, 30 * 1000);
    draw_faults(o);

    const uint64_t on = sim_rand(RAND_OPTIONS, 8);

    focus(o, on);
    /* Later ones last: what the others are does not hang on them. */
    o->sqlite = PICK(0, 0, 0, 1);
    o->inner = PICK(0, 0, 100, 300);
    o->limits = PICK(0, 0, 200, 600);
    o->resets = PICK(0, 0, 2, 6);
    o->waits = PICK(0, 0, 100, 400);
    o->signals = PICK(0, 2, 10);
    o->open_resets = PICK(0, 0, 3, 10);
    o->pauses = PICK(0, 0, 3, 10);
    o->cache = PICK(0, 0, 300, 700);
    o->clears = PICK(0, 0, 2);
    o->same_again = PICK(0, 300);
    o->reuses = PICK(0, 0, 2, 6);
    o->artifacts = PICK(0, 0, 200, 600);
    o->blob_down = fault(400);
    o->blob_doubt = fault(400);
    o->blob_full = fault(100);
    o->blob_slow = fault(500);
    o->schedules = PICK(0, 0, 1, 2, 3);
    o->schedule_acts = PICK(0, 3, 10, 20);
    o->clock_us = every(3 * SECOND, 60 * SECOND);
    focus_on_schedules(o);
    o->values = PICK(0, 0, 0, 100, 300);
    o->shares = PICK(0, 0, 500, 1000);
    o->ack_lost += fault(300);
    if (on == 6)
        focus_on_files(o);
    else if (on == 7)
        focus_on_people(o);
    else if (sim_chance(RAND_OPTIONS, 350))
        narrow(o);
    else {
        focus_on_values(o);
        focus_on_blobs(o);
    }
}

static int64_t of_hosts(int64_t permille, int64_t low, int64_t high)
{
    const bool on = sim_chance(RAND_HOSTS, permille);
    const int64_t value = sim_between(RAND_HOSTS, low, high);

    return on ? value : 0;
}

/* A lease of three seconds has to do where nothing fails. */
#define LANE_MAX_US (100 * 1000)

/* What is drawn for hosts that share the store is drawn beside all else, so that other
 * seeds are what they were. Who leads is to change often, by each way that there is. */
void options_draw_hosts(struct sim_options *o)
{
    o->n_nodes = sim_between(RAND_HOSTS, 2, SIM_MAX_NODES - 1);
    if (o->lane_us > LANE_MAX_US)
        o->lane_us = LANE_MAX_US;
    o->pause_us = of_hosts(600, 4 * SECOND, 30 * SECOND);
    o->crash_us = of_hosts(500, 4 * SECOND, 40 * SECOND);
    o->drain_us = of_hosts(500, 5 * SECOND, 40 * SECOND);
    o->link_us = of_hosts(500, 4 * SECOND, 40 * SECOND);
    o->link_slow = of_hosts(300, 1, 60);
    o->store_clock_us = of_hosts(300, 5 * SECOND, 40 * SECOND);
    if (sim_chance(RAND_HOSTS, 500))
        o->queue_shared = 1;
    if (sim_chance(RAND_HOSTS, 500))
        narrow(o);
    o->steal = 0;
    o->apart = sim_chance(RAND_HOSTS, 400);
    o->watches = sim_chance(RAND_HOSTS, 500);
    o->joins = sim_chance(RAND_HOSTS, 400);
    if (o->joins)
        o->apart = 1; /* what one runs is not another's to know */
}

static int64_t *place(struct sim_options *o, size_t i)
{
    return (int64_t *)(void *)((char *)o + table[i].offset);
}

int64_t *options_find(struct sim_options *o, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return place(o, i);
    return NULL;
}

bool options_set(struct sim_options *o, const char *assignment)
{
    const char *eq = strchr(assignment, '=');
    char name[32];

    if (!eq || eq - assignment >= (int)sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)(eq - assignment), assignment);

    int64_t *value = options_find(o, name);

    if (value)
        *value = strtoll(eq + 1, NULL, 10);
    return value;
}

int options_on(const struct sim_options *o)
{
    struct sim_options copy = {0};
    int n = 0;

    if (!o)
        return COUNT_OF(table);
    copy = *o;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        n += *place(&copy, i) != 0;
    return n;
}

void options_print_difference(const struct sim_options *before,
                              const struct sim_options *after)
{
    struct sim_options a = *before, b = *after;

    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (*place(&a, i) != *place(&b, i))
            printf(" --set %s=%lld", table[i].name, (long long)*place(&b, i));
}

void options_print(const struct sim_options *o)
{
    struct sim_options copy = *o;

    fprintf(stderr, "options:");
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (*place(&copy, i) != 0)
            fprintf(stderr, " %s=%lld", table[i].name, (long long)*place(&copy, i));
    fprintf(stderr, "\n");
}
