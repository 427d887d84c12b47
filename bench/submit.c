/* bench/submit.c - durable submits: one after the other, each waiting for a commit of
 * its own, as a command line does; and many at the same time, planned on lanes and
 * committed together, as a server does. In turns, on the same store, nobody leads.
 *
 * usage: submit DATA_DIR DRIVER_DIR [OPTION=VALUE ...]
 *   submits=N    in each turn (2000)
 *   turns=N      of each kind (5)
 *   in_flight=N  at the same time (64)
 *   lanes=N      that plan (2)
 *   set=X.Y=V    a setting of the configuration
 * Prints one JSON line: submits a second of either kind, and their ratio, each the
 * median of the turns. */
#include "base/base.h"
#include "flow/flow.h"
#include "node/node.h"

#include <stdlib.h>
#include <string.h>

#define TURNS_MAX     101
#define IN_FLIGHT_MAX 4096

static const char source[] =
    "flowforge: 1\nname: submitted\ninputs:\n  n: {type: integer, default: 1}\n"
    "tasks:\n  a: {run: 'true'}\n  b: {needs: a, run: 'true'}\n";

struct bench {
    const char *data_dir, *driver_dir;
    const char *settings[16]; /* ends with NULL */
    int64_t submits, turns, in_flight, lanes;
    struct loop *loop;
    struct config *config;
    struct node *node;
    struct store_readers *pool;
    struct flow *flow;
    struct node_submit what;
    int64_t left, out; /* to be asked for, and asked for */
};

static void check(int code, const struct ff_err *err)
{
    if (code == FF_OK)
        return;
    fprintf(stderr, "submit: %s\n", err->msg);
    exit(1);
}

/* --- options --- */

static bool take_number(const char *arg, const char *name, int64_t min, int64_t max,
                        int64_t *value)
{
    const size_t len = strlen(name);

    if (strncmp(arg, name, len) != 0 || arg[len] != '=')
        return false;
    *value = strtoll(arg + len + 1, NULL, 10);
    if (*value >= min && *value <= max)
        return true;
    fprintf(stderr, "submit: %s is from %lld to %lld\n", name, (long long)min,
            (long long)max);
    exit(2);
}

static bool take_setting(struct bench *b, const char *arg)
{
    size_t n = 0;

    while (b->settings[n])
        n++;
    if (strncmp(arg, "set=", 4) != 0 || n + 1 == COUNT_OF(b->settings))
        return false;
    b->settings[n] = arg + 4;
    return true;
}

static void take_options(struct bench *b, int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: submit DATA_DIR DRIVER_DIR [OPTION=VALUE ...]\n");
        exit(2);
    }
    b->data_dir = argv[1];
    b->driver_dir = argv[2];
    for (int i = 3; i < argc; i++) {
        if (take_number(argv[i], "submits", 1, 10000000, &b->submits) ||
            take_number(argv[i], "turns", 1, TURNS_MAX, &b->turns) ||
            take_number(argv[i], "in_flight", 1, IN_FLIGHT_MAX, &b->in_flight) ||
            take_number(argv[i], "lanes", 1, STORE_LANES_MAX, &b->lanes) ||
            take_setting(b, argv[i]))
            continue;
        fprintf(stderr, "submit: what is %s?\n", argv[i]);
        exit(2);
    }
}

/* --- what submits --- */

static void set(struct bench *b, const char *name, const char *value)
{
    struct buf text = {0};
    struct ff_err err = {0};

    buf_printf(&text, "%s=%s", name, value);
    check(config_set(b->config, buf_text(&text), &err), &err);
    buf_done(&text);
}

static void open_node(struct bench *b)
{
    struct ff_err err = {0};
    char *none[] = {NULL};

    b->loop = loop_new(&err);
    check(b->loop ? FF_OK : err.code, &err);
    b->config = config_load("/dev/null", none, &err);
    check(b->config ? FF_OK : err.code, &err);
    set(b, "engine.data_dir", b->data_dir);
    set(b, "engine.driver_dir", b->driver_dir);
    for (size_t i = 0; b->settings[i]; i++)
        check(config_set(b->config, b->settings[i], &err), &err);
    b->node = node_open(b->loop, b->config, &err);
    check(b->node ? FF_OK : err.code, &err);

    const struct store_readers_setup setup = {
        .name = "readers", .n_lanes = (size_t)b->lanes, .n_waiting = IN_FLIGHT_MAX};

    b->pool = store_readers_open(node_store(b->node), &setup, &err);
    check(b->pool ? FF_OK : err.code, &err);
}

static void open_source(struct bench *b)
{
    struct flow_problems problems = {0};

    b->flow = flow_parse(source, strlen(source), &problems);
    if (!b->flow) {
        fprintf(stderr, "submit: %s\n", problems.items[0].msg);
        exit(1);
    }
    b->what = (struct node_submit){.source = source,
                                   .source_len = strlen(source),
                                   .dir = "/",
                                   .workflow = b->flow->name,
                                   .hash = b->flow->hash,
                                   .inputs = json_pack("{s:i}", "n", 1),
                                   .flow = b->flow};
}

static void close_all(struct bench *b)
{
    store_readers_close(b->pool);
    json_decref(b->what.inputs);
    flow_unref(b->flow);
    node_close(b->node);
    config_free(b->config);
    loop_free(b->loop);
}

/* --- either kind --- */

static double per_second(const struct bench *b, int64_t began_us)
{
    const int64_t took_us = loop_mono_us(b->loop) - began_us;

    return (double)b->submits * 1e6 / (double)(took_us > 0 ? took_us : 1);
}

static double one_by_one(struct bench *b)
{
    const int64_t began_us = loop_mono_us(b->loop);

    for (int64_t i = 0; i < b->submits; i++) {
        struct ff_err err = {0};
        char id[ID_TEXT];
        int64_t run;

        check(node_submit(b->node, TENANT_DEFAULT, &b->what, id, &run, &err), &err);
    }
    return per_second(b, began_us);
}

struct asked {
    struct bench *bench;
    struct node_submitted made;
};

static int plan(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct asked *a = arg;

    return node_plan_submit(p, TENANT_DEFAULT, &a->bench->what, &a->made, err);
}

static void ask(struct asked *a);

static void answered(void *arg, int code, const struct ff_err *err)
{
    struct asked *a = arg;
    struct bench *b = a->bench;

    check(code, err);
    b->out--;
    if (b->left > 0)
        ask(a);
    else if (b->out == 0)
        loop_stop(b->loop, 0);
}

static void ask(struct asked *a)
{
    struct bench *b = a->bench;
    struct ff_err err = {0};

    b->left--;
    b->out++;
    check(node_change(b->node, b->pool, plan, a, answered, &err), &err);
}

static double together(struct bench *b)
{
    struct asked *all = mem_array((size_t)b->in_flight, sizeof(*all));
    const int64_t began_us = loop_mono_us(b->loop);

    b->left = b->submits;
    for (int64_t i = 0; i < b->in_flight && b->left > 0; i++) {
        all[i].bench = b;
        ask(&all[i]);
    }
    loop_run(b->loop);
    mem_free(all);
    return per_second(b, began_us);
}

/* --- the result --- */

static int order(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof(*values), order);
    return values[n / 2];
}

static int count_row(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}

/* All of them are there, or the figures mean nothing. */
static void check_rows(struct bench *b)
{
    const struct store_query q = {.record = &record_run};
    struct ff_err err = {0};
    int64_t n = 0;

    check(store_scan(node_store(b->node), STORE_READER_CALLER, &q, count_row, &n, &err),
          &err);
    if (n >= 2 * b->turns * b->submits)
        return;
    fprintf(stderr, "submit: only %lld runs are there\n", (long long)n);
    exit(1);
}

int main(int argc, char **argv)
{
    struct bench b = {.submits = 2000, .turns = 5, .in_flight = 64, .lanes = 2};
    double alone[TURNS_MAX], many[TURNS_MAX], ratio[TURNS_MAX];

    take_options(&b, argc, argv);
    open_node(&b);
    open_source(&b);
    for (int64_t i = 0; i < b.turns; i++) {
        alone[i] = one_by_one(&b);
        many[i] = together(&b);
        ratio[i] = many[i] / alone[i];
    }
    check_rows(&b);
    printf("{\"submits\": %lld, \"turns\": %lld, \"in_flight\": %lld, \"lanes\": %lld, "
           "\"one_by_one_per_s\": %.0f, \"together_per_s\": %.0f, \"ratio\": %.2f}\n",
           (long long)b.submits, (long long)b.turns, (long long)b.in_flight,
           (long long)b.lanes, median(alone, b.turns), median(many, b.turns),
           median(ratio, b.turns));
    close_all(&b);
    return 0;
}
