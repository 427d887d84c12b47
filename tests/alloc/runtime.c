/* tests/alloc/runtime.c - the runtime driver's requests and what it waits for, while an
 * allocation fails: each operation is completed once, and an attempt that the driver
 * has taken over is either told of or refused, never forgotten. */
#include "alloc.h"

#include "local_priv.h"

#include <errno.h>

#define N_IDS 100 /* more than the first table holds */

struct ff_core {
    size_t n_asked, n_completed, n_refused;
};

static bool lost;
static size_t n_events;

void link_need(struct local *local)
{
    (void)local;
}

void link_lost(struct local *local, const char *why)
{
    (void)local;
    (void)why;
    lost = true;
}

static void complete(struct ff_core *self, struct ff_op *op, const struct ff_err *err)
{
    (void)op;
    self->n_completed++;
    self->n_refused += err && err->code != FF_OK;
}

static void on_event(void *arg, const struct ff_run_event *event)
{
    (void)arg;
    (void)event;
    n_events++;
}

static bool ask(struct local *local, const char *id)
{
    static char op;
    struct request *request = call_new(local, RL_START, (struct ff_op *)&op);

    local->host->self->n_asked++;
    if (!request)
        return false;
    request->tracked = track(local, id);
    if (!request->tracked) {
        call_fail(local, request, FF_BUSY, "out of memory");
        return false;
    }
    request->tracked->starts++;
    rl_put_str(&request->frame, id);
    call_send(local, request);
    return local->last == request;
}

/* What a supervisor answers to the first request, or tells of an attempt. */
static void tell(struct local *local, const char *id)
{
    const uint8_t zeros[128] = {0};
    struct rl_out out = {.max = 4096};
    struct rl_frame frame = {.seq = local->first ? local->first->seq : 0};

    if (id)
        rl_put_str(&out, id);
    for (size_t i = 0; i < sizeof(zeros) / 4; i++)
        rl_put_u32(&out, 0);
    frame.body = (struct rl_in){.at = zeros, .end = zeros + sizeof(zeros)};
    if (out.data && !out.failed && id)
        frame.body = (struct rl_in){.at = out.data, .end = out.data + out.len};
    if (!id)
        calls_answer(local, &frame);
    else if (out.data && !out.failed)
        calls_event(local, &frame);
    else
        n_events++; /* our own allocation failed: nothing was told */
    rl_out_done(&out);
}

int runtime_calls(void)
{
    struct ff_core core = {0};
    const struct ff_host host = {.self = &core, .complete = complete};
    struct local local = {.host = &host, .fn = on_event};
    char ids[N_IDS][8];
    size_t n_started = 0;
    bool right = true;

    lost = false;
    n_events = 0;
    for (size_t i = 0; i < N_IDS; i++) {
        snprintf(ids[i], sizeof(ids[i]), "a%zu", i);
        if (!ask(&local, ids[i]))
            ids[i][0] = '\0';
    }
    while (local.first && local.first->tracked) {
        tell(&local, NULL);
        n_started++;
    }
    /* A new connection: either all that run are asked for, or it counts as lost. */
    const bool again = calls_again(&local, 9);

    right = right && (again ? local.first != NULL : local.first == NULL);
    for (size_t i = 0; i < N_IDS; i++)
        if (ids[i][0])
            tell(&local, ids[i]);
    right = right && !lost && n_events == n_started;
    calls_done(&local);
    right = right && core.n_completed == core.n_asked;
    right = right && core.n_refused == core.n_asked - n_started;
    return right ? 0 : 1;
}
