/* simulate.c - one run from its submission to its end, or to the horizon, in virtual
 * time. The parts are wired by core/node as they are for a real run. */
#include "simulate/simulate_priv.h"

#include <string.h>

struct simulation {
    const struct simulate_setup *setup;
    struct loop *loop;
    struct node *node;
    int64_t run;
    int64_t cancel_us; /* -1: never */
    enum cancel_mode mode;
    struct loop_timer *horizon, *cancel;
    struct answers *answers;
    struct ff_err fatal; /* code 0: none */
};

static void on_idle(void *arg)
{
    loop_stop(((struct simulation *)arg)->loop, FF_OK);
}

static void on_horizon(void *arg)
{
    loop_stop(((struct simulation *)arg)->loop, FF_CANCELLED);
}

static void on_changed(void *arg, const struct run_row *run)
{
    answers_look(((struct simulation *)arg)->answers, run);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    struct simulation *sim = arg;

    sim->fatal = *err;
    loop_stop(sim->loop, err->code);
}

static void on_cancelled(void *arg, int code, size_t failed, const struct ff_err *err)
{
    (void)arg;
    (void)failed;
    if (code != FF_OK && code != FF_NOT_FOUND)
        log_warn("the cancel of the mocks: %s", err->msg);
}

static void cancel(void *arg)
{
    struct simulation *sim = arg;

    control_cancel(node_control(sim->node), TENANT_DEFAULT, sim->run, sim->mode,
                   on_cancelled, NULL);
}

static void read_cancel(struct simulation *sim)
{
    const json_t *c = json_object_get(sim->setup->mocks, "cancel");
    const json_t *at = json_object_get(c, "at");
    const char *mode = json_string_value(json_object_get(c, "mode"));

    sim->cancel_us = -1;
    sim->mode = mode && strcmp(mode, "kill") == 0 ? CANCEL_KILL : CANCEL_GRACEFUL;
    if (json_is_string(at))
        units_duration(json_string_value(at), &sim->cancel_us);
    else if (at)
        sim->cancel_us = (int64_t)(json_number_value(at) * (double)UNITS_SECOND);
}

/* Stores of one process with one name are one store: each simulation has its own. */
static int configure(struct config *c, struct ff_err *err)
{
    static unsigned n_simulations;
    char name[64];
    const char *const settings[] = {
        "engine.store=store-memory", "engine.queue=queue-memory",
        "engine.store_filters=",     "engine.queue_filters=",
        "engine.runtime_filters=",   name};
    int code = FF_OK;

    snprintf(name, sizeof(name), "store-memory.name=simulation-%u", ++n_simulations);
    for (size_t i = 0; code == FF_OK && i < COUNT_OF(settings); i++)
        code = config_set(c, settings[i], err);
    return code;
}

static int submit(struct simulation *sim, struct ff_err *err)
{
    const struct simulate_setup *setup = sim->setup;
    const struct node_submit what = {
        .source = setup->source,
        .source_len = setup->source_len,
        .dir = setup->dir,
        .workflow = setup->flow->name,
        .hash = setup->flow->hash,
        .inputs = setup->inputs,
        .flow = setup->flow,
        .beside = setup->beside,
    };
    char id[ID_TEXT];

    return node_submit(sim->node, TENANT_DEFAULT, &what, id, &sim->run, err);
}

/* FF_OK: it is over, the horizon came, or it waits for what will never come. */
static int lead(struct simulation *sim, const struct mocks *mocks, struct ff_err *err)
{
    const struct control_listener listener = {
        .arg = sim, .changed = on_changed, .idle = on_idle, .fatal = on_fatal};

    sim->answers =
        answers_new(sim->node, sim->loop, mocks, sim->setup->mocks, sim->run);
    if (node_own(sim->node, &listener, NULL, err) != FF_OK)
        return err->code;
    loop_timer_add(sim->loop, sim->setup->until_us, on_horizon, sim, &sim->horizon);
    if (sim->cancel_us >= 0)
        loop_timer_add(sim->loop, sim->cancel_us, cancel, sim, &sim->cancel);
    loop_run(sim->loop);
    loop_timer_del(sim->horizon);
    loop_timer_del(sim->cancel);
    if (sim->fatal.code == FF_OK)
        return FF_OK;
    *err = sim->fatal;
    return err->code;
}

static int run(struct simulation *sim, const struct mocks *mocks, json_t **result,
               struct ff_err *err)
{
    struct driver *runtime = script_driver(mocks, err);
    int code = runtime ? configure(sim->setup->config, err) : err->code;

    if (code != FF_OK)
        return code;
    sim->node = node_open(sim->loop, sim->setup->config, err);
    if (!sim->node)
        return err->code;
    node_use_runtime(sim->node, runtime, script_is_mute);
    node_use_no_secrets(sim->node);
    script_node(sim->node);
    code = submit(sim, err);
    if (code == FF_OK)
        code = lead(sim, mocks, err);
    if (code == FF_OK)
        *result = result_read(sim->node, sim->setup, mocks, sim->run, err);
    return code;
}

json_t *simulate(const struct simulate_setup *setup, struct ff_err *err)
{
    const struct mocks mocks = {.flow = setup->flow,
                                .tasks = json_object_get(setup->mocks, "tasks"),
                                .seed = setup->seed};
    struct simulation sim = {.setup = setup};
    json_t *result = NULL;

    sim.loop = loop_new_virtual(setup->start_us, setup->seed);
    read_cancel(&sim);
    run(&sim, &mocks, &result, err);
    answers_free(sim.answers);
    node_close(sim.node);
    loop_free(sim.loop);
    return result;
}
