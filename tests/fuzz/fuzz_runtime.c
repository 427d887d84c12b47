/* fuzz_runtime.c - what the runtime driver is told by a supervisor: answers and events,
 * each a type, a sequence number, a length and a payload, while requests wait. Each
 * request is completed once, and no event comes for an attempt that is not waited for.
 */
#include "fuzz.h"

#include "local_priv.h"

#define N_REQUESTS 6

struct ff_core {
    size_t n_completed;
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
    FUZZ_CHECK(why[0]);
    lost = true;
}

static void complete(struct ff_core *self, struct ff_op *op, const struct ff_err *err)
{
    (void)op;
    FUZZ_CHECK(!err || strlen(err->msg) < sizeof(err->msg));
    self->n_completed++;
}

static void on_event(void *arg, const struct ff_run_event *event)
{
    (void)arg;
    FUZZ_CHECK(event->attempt_id[0] == 'a');
    FUZZ_CHECK(!event->message || strlen(event->message) < (1 << 20));
    n_events++;
}

static void ask(struct local *local, uint8_t kind, int i)
{
    static char ops[N_REQUESTS];
    struct request *request =
        call_new(local, kind & 1 ? RL_START : RL_CANCEL, (struct ff_op *)&ops[i]);
    const char id[] = {'a', (char)('0' + i % 3), '\0'};

    if (kind & 1) {
        request->tracked = track(local, id);
        request->tracked->starts++;
    }
    if (kind & 2)
        request->lineage = 5;
    rl_put_str(&request->frame, id);
    call_send(local, request);
}

static void tell(struct local *local, struct fuzz_input *in)
{
    const uint8_t type = fuzz_byte(in);
    struct rl_frame frame = {.seq = fuzz_byte(in)};
    size_t len = fuzz_byte(in);
    const size_t rest = (size_t)(in->end - in->at);

    len = len < rest ? len : rest;
    MEM_AUTO char *copy = mem_alloc(len); /* for the sanitizer */

    memcpy(copy, in->at, len);
    in->at += len;
    frame.body =
        (struct rl_in){(const uint8_t *)copy, (const uint8_t *)copy + len, false};
    if (type % 4 == 0)
        calls_answer(local, &frame);
    else if (type % 4 == 1)
        calls_event(local, &frame);
    else if (type % 4 == 2)
        calls_again(local, frame.seq);
    else
        calls_refuse(local, "refused");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    struct ff_core core = {0};
    const struct ff_host host = {.self = &core, .complete = complete};
    struct local local = {.host = &host, .fn = on_event};

    lost = false;
    n_events = 0;
    const uint8_t kinds = fuzz_byte(&in);

    for (int i = 0; i < N_REQUESTS; i++)
        ask(&local, (uint8_t)(kinds >> i & 3), i);
    while (in.at < in.end && !lost)
        tell(&local, &in);
    FUZZ_CHECK(core.n_completed <= N_REQUESTS);
    FUZZ_CHECK(n_events <= N_REQUESTS);
    calls_done(&local);
    FUZZ_CHECK(core.n_completed == N_REQUESTS);
    return 0;
}
