/* client_pause.c - people who pause runs, tasks and queues. Whatever is paused by
 * somebody is let go again after a while, by somebody else who sees it. */
#include "sim.h"

#include "node/node_priv.h"

#include <string.h>

#define SECOND UNITS_SECOND

static const char *const queue_names[] = {"default", "fast"};

static int64_t a_while(void)
{
    return sim_between(RAND_CLIENT, SECOND / 2, 25 * SECOND);
}

/* --- runs and tasks --- */

static void leave(const struct mirror_run *r, const char *word, const char *task)
{
    const struct tenant other = {3 - r->tenant.no};
    const struct tenant tenant = sim_chance(RAND_CLIENT, 30) ? other : r->tenant;
    const struct run_row row = {.tenant = r->tenant.no, .run = r->no};
    struct ff_err err;
    json_t *body = json_pack("{ss}", "by", "ada");

    if (task)
        json_object_set_new(body, "task", json_string(task));
    const int code = node_leave_signal(client_node(), tenant, &row, word, body, &err);
    sim_trace("%s run %lld %s: %d", word, (long long)r->no, task ? task : "", code);
    json_decref(body);
    client_knock_after(code);
}

static const struct mirror_run *any_open(void)
{
    for (int i = 0; i < 20; i++) {
        const struct mirror_run *r = client_any_run();
        if (r && !run_state_final(r->row.state))
            return r;
    }
    return NULL;
}

static void pause_task(const struct mirror_run *r)
{
    const uint64_t task = sim_rand(RAND_CLIENT, r->flow->n_tasks);

    leave(r, "pause",
          sim_chance(RAND_CLIENT, 50) ? "nobody" : r->flow->tasks[task].name);
}

static void pause_any(void)
{
    const struct mirror_run *r = any_open();

    if (!r)
        return;
    if (sim_chance(RAND_CLIENT, 350))
        pause_task(r);
    else
        leave(r, "pause", NULL);
    /* Somebody thinks better of it at once. */
    if (sim_chance(RAND_CLIENT, 100))
        leave(r, "unpause", NULL);
}

static void let_go(void *arg)
{
    const struct mirror_run *r = mirror_run((int64_t)(intptr_t)arg);
    const char *task;

    if (!pause_own(r, &task)) {
        pause_watched(r);
        return;
    }
    leave(r, "unpause", task);
    sim_at(NULL, a_while(), let_go, arg);
}

void client_paused(const struct mirror_run *r)
{
    sim_at(NULL, a_while(), let_go, (void *)(intptr_t)r->no);
}

/* --- queues --- */

static void pause_queue(void)
{
    const struct tenant t = {1 + (int64_t)sim_rand(RAND_CLIENT, 2)};
    const char *name = queue_names[sim_rand(RAND_CLIENT, COUNT_OF(queue_names))];
    struct ff_err err;
    const int code = node_pause_queue(client_node(), t, name, "ada", &err);

    sim_trace("pause queue %s of tenant %lld: %d", name, (long long)t.no, code);
    sim_check(code != FF_OK || pause_of_queue(t, name),
              "I30: that queue %s is paused is acknowledged and not stored", name);
    client_knock_after(code);
}

static void let_queue_go(void *arg)
{
    const intptr_t what = (intptr_t)arg;
    const struct tenant t = {what / 2};
    const char *name = queue_names[what % 2];
    struct ff_err err;

    if (!pause_of_queue(t, name))
        return;
    const int code = node_unpause_queue(client_node(), t, name, &err);
    sim_trace("unpause queue %s of tenant %lld: %d", name, (long long)t.no, code);
    sim_check(code != FF_OK || !pause_of_queue(t, name),
              "I30: that queue %s goes on is acknowledged and not stored", name);
    client_knock_after(code);
    sim_at(NULL, a_while(), let_queue_go, arg);
}

void client_paused_queue(struct tenant t, const char *name)
{
    for (intptr_t i = 0; i < (intptr_t)COUNT_OF(queue_names); i++)
        if (strcmp(queue_names[i], name) == 0)
            sim_at(NULL, a_while(), let_queue_go, (void *)(t.no * 2 + i));
}

void client_pause(void)
{
    if (sim_chance(RAND_CLIENT, 250))
        pause_queue();
    else
        pause_any();
}
