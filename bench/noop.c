/* bench/noop.c - durable no-op tasks: submits runs of no-op tasks to an engine in this
 * process, over the real drivers, and waits until all are done. Prints one JSON line.
 *
 * usage: noop DATA_DIR DRIVER_DIR RUNS SHAPE N [SLOTS]
 *   flat N      a foreach of N items (fan-out and join)
 *   layers N    N tasks in layers of up to 100, each needing one of the layer before
 *   chain N     N tasks one after the other
 *   wide N      N tasks without needs */
#include "base/base.h"
#include "flow/flow.h"
#include "node/node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long rss_kb(void)
{
    long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * 4;
}

static void write_flow(struct buf *b, const char *shape, int n)
{
    buf_add_text(b, "flowforge: 1\nname: bench\ntasks:\n");
    if (strcmp(shape, "flat") == 0) {
        buf_printf(b, "  t: {foreach: '${{ range(%d) }}', noop: true}\n", n);
        buf_add_text(b, "  join: {needs: [t], noop: true}\n");
        return;
    }
    for (int i = 0; i < n; i++) {
        int need = -1;
        if (strcmp(shape, "chain") == 0)
            need = i - 1;
        else if (strcmp(shape, "layers") == 0)
            need = i - (n < 1000 ? 10 : 100);
        if (need >= 0)
            buf_printf(b, "  t%d: {needs: [t%d], noop: true}\n", i, need);
        else
            buf_printf(b, "  t%d: {noop: true}\n", i);
    }
}

struct watch {
    struct loop *loop;
    int left;
    long peak_kb;
};

static void changed(void *arg, const struct run_row *run)
{
    struct watch *w = arg;

    if (run_state_final(run->state) && --w->left == 0) {
        w->peak_kb = rss_kb();
        loop_stop(w->loop, 0);
    }
}

static void fatal(void *arg, const struct ff_err *err)
{
    (void)arg;
    fprintf(stderr, "fatal: %s\n", err->msg);
    exit(1);
}

static void check(int code, const struct ff_err *err)
{
    if (code == FF_OK)
        return;
    fprintf(stderr, "noop: %s\n", err->msg);
    exit(1);
}

static void set(struct config *c, const char *name, const char *value)
{
    struct buf b = {0};
    struct ff_err err;

    buf_printf(&b, "%s=%s", name, value);
    check(config_set(c, buf_text(&b), &err), &err);
    buf_done(&b);
}

int main(int argc, char **argv)
{
    struct ff_err err = {0};
    struct buf yaml = {0};
    struct flow_problems problems = {0};
    char *none[] = {NULL};

    if (argc < 6)
        return 2;
    mem_init();
    const int runs = atoi(argv[3]), n = atoi(argv[5]);
    write_flow(&yaml, argv[4], n);
    struct flow *flow = flow_parse(yaml.data, yaml.len, &problems);
    if (!flow) {
        fprintf(stderr, "noop: %s\n", problems.items[0].msg);
        return 1;
    }
    struct config *config = config_load("/dev/null", none, &err);
    check(config ? FF_OK : err.code, &err);
    set(config, "engine.data_dir", argv[1]);
    set(config, "engine.driver_dir", argv[2]);
    set(config, "engine.slots", argc > 6 ? argv[6] : "4000");
    struct loop *loop = loop_new(&err);
    struct node *node = node_open(loop, config, &err);
    check(node ? FF_OK : err.code, &err);

    json_t *inputs = json_object();
    const struct node_submit what = {.source = yaml.data,
                                     .source_len = yaml.len,
                                     .dir = "/",
                                     .workflow = flow->name,
                                     .hash = flow->hash,
                                     .inputs = inputs};
    const long before_kb = rss_kb();
    const int64_t t0 = now_us();
    for (int i = 0; i < runs; i++) {
        char id[ID_TEXT];
        int64_t run;
        check(node_submit(node, TENANT_DEFAULT, &what, id, &run, &err), &err);
    }
    const int64_t t1 = now_us();
    struct watch w = {.loop = loop, .left = runs};
    const struct control_listener listener = {
        .arg = &w, .changed = changed, .fatal = fatal};
    check(node_own(node, &listener, NULL, &err), &err);
    loop_run(loop);
    const int64_t t2 = now_us();
    const int64_t tasks = (int64_t)runs * (n + (strcmp(argv[4], "flat") == 0));
    printf("{\"shape\":\"%s\",\"runs\":%d,\"tasks\":%lld,\"submit_s\":%.6f,"
           "\"seconds\":%.6f,\"tasks_per_s\":%.0f,\"rss_kb\":%ld,\"before_kb\":%ld}\n",
           argv[4], runs, (long long)tasks, (double)(t1 - t0) / 1e6,
           (double)(t2 - t0) / 1e6, (double)tasks / ((double)(t2 - t0) / 1e6),
           w.peak_kb, before_kb);
    node_close(node);
    loop_free(loop);
    config_free(config);
    json_decref(inputs);
    flow_unref(flow);
    buf_done(&yaml);
    return 0;
}
