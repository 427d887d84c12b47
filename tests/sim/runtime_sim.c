/* runtime_sim.c - a runtime whose attempts live as long as the seed says. It stands for
 * the supervisor (or the cluster): it outlives the processes of the simulation and
 * knows each attempt by its id until that is released.
 *
 * Where each host runs its own (option `apart`) there is one such for each of them, and
 * none knows of the others'.
 *
 * How an attempt lives is drawn from its id, not from the stream of random numbers. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UNITS_SECOND

struct session {
    struct sim_ops ops;
    struct loop *loop;
    int node;
    ff_run_event_fn *fn;
    void *arg;
    bool closed;
    struct map never_began; /* ids of which it was told so */
};

struct proc {
    char *id;
    struct {
        struct session **items;
        size_t n, cap;
    } sessions; /* that hear of its end: more than one when an owner was robbed */
    bool running;
    bool stray;     /* started by one who had lost its shard: it may overlap the next */
    uint32_t state; /* enum ff_run_state of its end */
    int32_t exit_code, signal;
    uint32_t reason;
    int64_t started_us, ended_us;
    int64_t grace_us; /* of the hardest stop so far; -1: none */
    uint64_t plan;    /* the end that counts: earlier ones are overtaken */
    struct rand luck;
    char *dir; /* of its artifacts, or NULL */
};

/* What one supervisor knows: that of all, or of a host. */
struct place {
    struct map procs; /* by id: those not released */
    struct map known; /* by id: all that ever started */
    bool knows_all;   /* what is unknown never began: all that stood were named */
};
static struct place places[SIM_MAX_NODES];
static bool strays;

static int n_places(void)
{
    return sim.o.apart ? (int)sim.o.n_nodes : 1;
}

static struct place *place_of(int node)
{
    return &places[sim.o.apart ? node : 0];
}

static int owner_of(const char *id)
{
    struct mirror_run *run;
    int64_t attempt;

    mirror_find(id, &run, &attempt);
    return run ? lead_owner(run->tenant) : SIM_CLIENT;
}

/* As whoever leads would be told. */
static const struct proc *find_known(const char *id)
{
    const int owner = owner_of(id);
    const struct place *place = place_of(owner == SIM_CLIENT ? 0 : owner);

    return map_get_text(&place->known, id);
}

/* --- luck of one attempt --- */

static uint64_t hash_text(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

static int64_t luck(struct proc *p, int64_t n)
{
    return (int64_t)rand_below(&p->luck, (uint64_t)n);
}

static bool chance(struct proc *p, int64_t permille)
{
    return luck(p, 1000) < permille;
}

/* --- what is told --- */

struct tell {
    struct proc *proc;
    struct session *session;
    char *id;
    uint32_t state;
};

static void on_tell(void *arg)
{
    struct tell *t = arg;
    struct ff_run_event event = {
        .struct_size = sizeof(event), .attempt_id = t->id, .state = t->state};
    const struct proc *p = t->proc;

    if (!t->session->closed) {
        if (p && t->state != FF_RUN_STARTED) {
            event.exit_code = p->exit_code;
            event.signal = p->signal;
            event.reason = p->reason;
            event.started_us = p->started_us;
            event.ended_us = p->ended_us;
        }
        sim_trace("event of %s: %u", t->id, t->state);
        if (t->state == FF_RUN_UNKNOWN)
            map_set_text(&t->session->never_began, t->id, t->session);
        t->session->fn(t->session->arg, &event);
    }
    mem_free(t->id);
    mem_free(t);
}

static void tell(struct session *s, struct proc *p, const char *id, uint32_t state)
{
    struct tell *t = mem_alloc(sizeof(*t));
    int64_t delay = sim_between(RAND_RUNTIME, 1, 2000);

    if (sim.faults && sim_chance(RAND_RUNTIME, sim.o.event_late)) {
        sim_seen(SEEN_EVENT_LATE);
        delay = sim_between(RAND_RUNTIME, 1, 10 * SECOND);
    }
    *t = (struct tell){.proc = p, .session = s, .id = mem_text(id), .state = state};
    sim_at(s->loop, delay, on_tell, t);
}

static void tell_end(struct session *s, struct proc *p)
{
    tell(s, p, p->id, p->state);
    if (!sim.faults || !sim_chance(RAND_RUNTIME, sim.o.event_double))
        return;
    sim_seen(SEEN_EVENT_DOUBLE);
    tell(s, p, p->id, p->state);
}

/* --- the end of an attempt --- */

static void end_proc(struct proc *p)
{
    p->running = false;
    p->plan++;
    if (p->dir && p->state == FF_RUN_EXITED && !p->stray)
        artifact_sim_end(p->id, p->dir);
    p->ended_us = SIM_EPOCH_US + sim.now;
    sim_trace("end of %s: state %u code %d reason %u", p->id, p->state, p->exit_code,
              p->reason);
    for (size_t i = 0; i < p->sessions.n; i++)
        tell_end(p->sessions.items[i], p);
}

struct ending {
    struct proc *proc;
    uint64_t plan;
    uint32_t state, reason;
    int32_t exit_code, signal;
};

static void on_end(void *arg)
{
    struct ending *e = arg;
    struct proc *p = e->proc;

    if (p->running && p->plan == e->plan) {
        p->state = e->state;
        p->reason = e->reason;
        p->exit_code = e->exit_code;
        p->signal = e->signal;
        end_proc(p);
    }
    mem_free(e);
}

static void plan_end(struct proc *p, int64_t delay, struct ending how)
{
    struct ending *e = mem_alloc(sizeof(*e));

    *e = how;
    e->proc = p;
    e->plan = ++p->plan;
    sim_at(NULL, delay, on_end, e);
}

static struct ending natural_end(struct proc *p)
{
    static const struct {
        enum sim_seen seen;
        struct ending how;
    } gone[] = {
        {SEEN_TASK_LOST, {.state = FF_RUN_LOST}},
        {SEEN_TASK_EVICTED,
         {.state = FF_RUN_EXITED,
          .exit_code = 137,
          .signal = 9,
          .reason = FF_REASON_EVICTED}},
        {SEEN_TASK_OOM,
         {.state = FF_RUN_EXITED,
          .exit_code = 137,
          .signal = 9,
          .reason = FF_REASON_OOM}},
    };
    struct ending how = {.state = FF_RUN_EXITED};

    if (sim.faults && chance(p, sim.o.task_gone)) {
        const int64_t i = luck(p, COUNT_OF(gone));
        sim_seen(gone[i].seen);
        return gone[i].how;
    }
    if (chance(p, sim.o.task_bad)) {
        sim_seen(SEEN_TASK_BAD);
        how.exit_code = (int32_t)luck(p, 3) + 1;
    }
    return how;
}

static void plan_life(struct proc *p, int64_t timeout_us, int64_t grace_us)
{
    const struct ending timeout = {.state = FF_RUN_EXITED,
                                   .exit_code = 143,
                                   .signal = 15,
                                   .reason = FF_REASON_TIMEOUT};
    int64_t life = chance(p, 300) ? luck(p, 1000) : luck(p, 5 * SECOND);
    const bool stuck = chance(p, sim.o.task_stuck) && timeout_us > 0;

    if (chance(p, sim.o.task_slow))
        life = luck(p, 60 * SECOND);
    if (timeout_us > 0 && (stuck || life > timeout_us)) {
        sim_seen(SEEN_TASK_TIMEOUT);
        plan_end(p, timeout_us + luck(p, grace_us + 1), timeout);
        return;
    }
    plan_end(p, life, natural_end(p));
}

/* --- starts --- */

/* By somebody who led then, and not just asked for there. */
static bool ran_elsewhere(const struct place *here, const char *id)
{
    for (int i = 0; i < n_places(); i++) {
        const struct proc *p = map_get_text(&places[i].known, id);
        if (&places[i] != here && p && p->started_us > 0 && !p->stray)
            return true;
    }
    return false;
}

static void judge_again(const struct session *s, const char *id)
{
    /* What a process began that had lost its shard, and a falling machine ended, is not
     * told apart from what never began: on one host there is no such process. */
    const struct proc *before = map_get_text(&place_of(s->node)->known, id);
    sim_check(!before || before->stray || map_get_text(&place_of(s->node)->procs, id),
              "I9: %s is started again after its release", id);
    sim_check(!ran_elsewhere(place_of(s->node), id), "I9: %s is started on two hosts",
              id);
}

/* Only what is durable is acted upon, only by the owner, and never twice. */
static void judge_start(const struct session *s, const struct ff_run_spec *spec)
{
    const char *id = spec->attempt_id;
    struct mirror_run *run;
    int64_t attempt;
    const struct mirror_task *t = mirror_find(id, &run, &attempt);

    if (!run || s->node != lead_owner(run->tenant)) {
        sim_check(run, "%s is started, and there is no such run", id);
        sim_trace("%s is started by %d, which has lost its shard", id, s->node);
        lead_check_start(s->node, id, run->tenant);
        strays = true;
        return;
    }
    sim_check(t && t->row.state == TASK_RUNNING && t->row.attempt == attempt,
              "I12: %s is started, but its grant is not durable (%s, attempt %lld)", id,
              t ? task_state_names[t->row.state] : "no row",
              t ? (long long)t->row.attempt : 0);
    sim_check(
        t->granted_in > lead_owned_in(run->tenant) || map_get_text(&s->never_began, id),
        "I12: %s is started, which an owner before granted, and nobody has said that "
        "it never began",
        id);
    judge_again(s, id);
    check_env(spec);
}

static void attach(struct proc *p, struct session *s)
{
    for (size_t i = 0; i < p->sessions.n; i++)
        if (p->sessions.items[i] == s)
            return;
    ARRAY_ADD(&p->sessions, s);
}

static struct proc *new_proc(struct place *place, const char *id)
{
    struct proc *p = mem_alloc(sizeof(*p));

    p->id = mem_text(id);
    p->running = true;
    p->grace_us = -1;
    p->started_us = SIM_EPOCH_US + sim.now;
    rand_seed(&p->luck, rand_mix(sim.seed) ^ hash_text(id));
    map_set_text(&place->procs, id, p);
    map_set_text(&place->known, id, p);
    return p;
}

static void runtime_start(void *runtime, const struct ff_run_spec *spec,
                          struct ff_op *op)
{
    struct session *s = runtime;
    const bool slow = sim.faults && sim_chance(RAND_RUNTIME, sim.o.start_slow);
    const int64_t delay = sim_between(RAND_RUNTIME, 0, slow ? 5 * SECOND : 3000);
    struct proc *p = map_get_text(&place_of(s->node)->procs, spec->attempt_id);

    sim_trace("start %s", spec->attempt_id);
    judge_start(s, spec);
    if (!p && sim.faults && sim_chance(RAND_RUNTIME, sim.o.start_busy)) {
        sim_seen(SEEN_START_BUSY);
        ops_complete(&s->ops, op,
                     sim_chance(RAND_RUNTIME, 500) ? FF_BUSY : FF_UNAVAILABLE,
                     "no room for a process", delay);
        return;
    }
    ops_complete(&s->ops, op, FF_OK, NULL, delay);
    if (p) {
        attach(p, s);
        if (!p->running)
            tell_end(s, p);
        return;
    }
    p = new_proc(place_of(s->node), spec->attempt_id);
    p->stray = s->node != owner_of(spec->attempt_id);
    if (!p->stray)
        p->dir = artifact_sim_begin(spec);
    attach(p, s);
    if (sim.faults && sim_chance(RAND_RUNTIME, sim.o.start_refused)) {
        sim_seen(SEEN_START_REFUSED);
        p->state = FF_RUN_REFUSED;
        end_proc(p);
        return;
    }
    if (chance(p, 500))
        tell(s, p, p->id, FF_RUN_STARTED);
    plan_life(p, spec->timeout_us, spec->grace_us);
}

static void runtime_cancel(void *runtime, const char *id, int64_t grace_us,
                           struct ff_op *op)
{
    struct session *s = runtime;
    struct proc *p = map_get_text(&place_of(s->node)->procs, id);
    struct ending how = {.state = FF_RUN_EXITED,
                         .exit_code = 143,
                         .signal = 15,
                         .reason = FF_REASON_CANCELLED};

    sim_trace("cancel %s within %lld", id, (long long)grace_us);
    ops_complete(&s->ops, op, p ? FF_OK : FF_NOT_FOUND, "there is no such attempt",
                 sim_between(RAND_RUNTIME, 0, 2000));
    if (!p || !p->running) {
        sim_seen(SEEN_STOP_TOO_LATE);
        return;
    }
    if (p->grace_us >= 0 && grace_us >= p->grace_us)
        return;
    p->grace_us = grace_us;
    sim_seen(grace_us == 0 ? SEEN_TASK_KILLED : SEEN_TASK_STOPPED);
    int64_t delay = luck(p, 2 * grace_us + 1);
    if (delay >= grace_us) { /* it would not listen */
        delay = grace_us;
        how.exit_code = 137;
        how.signal = 9;
    } else if (chance(p, 200)) { /* it came to its end by itself */
        how = (struct ending){.state = FF_RUN_EXITED};
    }
    plan_end(p, delay, how);
}

static bool runs_elsewhere(const struct place *here, const char *id)
{
    for (int i = 0; i < n_places(); i++) {
        const struct proc *p = map_get_text(&places[i].procs, id);
        if (&places[i] != here && p && p->running)
            return true;
    }
    return false;
}

static void adopt_one(struct session *s, const char *id)
{
    struct place *place = place_of(s->node);
    struct proc *p = map_get_text(&place->procs, id);

    sim_trace("adopt %s: %s", id, !p ? "unknown" : p->running ? "runs" : "ended");
    if (!p && runs_elsewhere(place, id))
        sim_seen(SEEN_LEFT_ELSEWHERE);
    if (!p && place->knows_all) {
        sim_seen(SEEN_ADOPT_NEVER_BEGAN);
        tell(s, NULL, id, FF_RUN_UNKNOWN);
        return;
    }
    if (!p) {
        sim_seen(SEEN_ADOPT_UNKNOWN);
        p = new_proc(place, id);
        p->running = false;
        p->state = FF_RUN_LOST;
        p->started_us = 0;
    }
    attach(p, s);
    sim_seen(p->running ? SEEN_ADOPT_RUNNING : SEEN_ADOPT_EXITED);
    if (!p->running)
        tell_end(s, p);
}

static void runtime_adopt(void *runtime, const char *const *ids, size_t n,
                          struct ff_op *op)
{
    struct session *s = runtime;
    struct place *place = place_of(s->node);

    for (size_t i = 0; i < n; i++)
        adopt_one(s, ids[i]);
    place->knows_all = place->knows_all || (n == 0 && lead_leads_any(s->node));
    ops_complete(&s->ops, op, FF_OK, NULL, sim_between(RAND_RUNTIME, 0, 2000));
}

static void judge_release(const struct session *s, const char *id)
{
    struct mirror_run *run;
    int64_t attempt;
    const struct mirror_task *t = mirror_find(id, &run, &attempt);

    if (!run || s->node != lead_owner(run->tenant))
        return;
    sim_check(!t || t->row.state != TASK_RUNNING || t->row.attempt != attempt,
              "I11: %s is released before its result is durable", id);
}

static void runtime_release(void *runtime, const char *const *ids, size_t n,
                            struct ff_op *op)
{
    struct session *s = runtime;
    struct map *procs = &place_of(s->node)->procs;

    for (size_t i = 0; i < n; i++) {
        const struct proc *p = map_get_text(procs, ids[i]);
        sim_trace("release %s", ids[i]);
        judge_release(s, ids[i]);
        if (!p)
            continue;
        map_del_text(procs, ids[i]);
    }
    ops_complete(&s->ops, op, FF_OK, NULL, 0);
}

/* --- outputs --- */

bool runtime_sim_output(const char *attempt_id, const char *name, struct buf *out)
{
    struct rand r;

    rand_seed(&r, rand_mix(sim.seed + 1) ^ hash_text(attempt_id) ^ hash_text(name));
    if (rand_below(&r, 1000) < 20)
        return false;
    if (strcmp(name, "list") != 0) {
        /* Not the id itself: what names a run is taken for a file of it. */
        buf_printf(out, "%s of %016llx", name,
                   (unsigned long long)hash_text(attempt_id));
        if (strcmp(name, "big") == 0)
            large_fill(out);
        return true;
    }
    const uint64_t n = rand_below(&r, 6);
    buf_add_char(out, '[');
    for (uint64_t i = 0; i < n; i++)
        buf_printf(out, "%s%d", i ? "," : "", (int)rand_below(&r, 100));
    buf_add_char(out, ']');
    return true;
}

static int runtime_output(void *runtime, const char *id, const char *name,
                          ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    struct buf out = {0};
    const struct proc *p =
        map_get_text(&place_of(((struct session *)runtime)->node)->known, id);

    sim_check(!p || !p->running || p->stray, "outputs of %s are read while it runs",
              id);
    if (name[0] == '.' || !runtime_sim_output(id, name, &out))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no such file");
    fn(arg, out.data, out.len);
    buf_done(&out);
    return FF_OK;
}

static int runtime_take(void *runtime, const char *id, const char *name, const char *to,
                        struct ff_err *err)
{
    (void)runtime;
    (void)id;
    (void)name;
    (void)to;
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no such file");
}

/* --- from outside --- */

bool runtime_sim_runs(const char *attempt_id)
{
    const struct proc *p = find_known(attempt_id);

    return p && p->running && !p->stray;
}

bool runtime_sim_is_stray(const char *attempt_id)
{
    bool is = false;

    for (size_t i = 0; i < COUNT_OF(places) && !is; i++) {
        const struct proc *p = map_get_text(&places[i].known, attempt_id);
        is = p && p->stray;
    }
    return is;
}

int64_t runtime_sim_ended(const char *attempt_id)
{
    const struct proc *p = find_known(attempt_id);

    return p && !p->running ? p->ended_us : 0;
}

bool runtime_sim_went_well(const char *attempt_id)
{
    const struct proc *p = find_known(attempt_id);

    return p && !p->running && p->state == FF_RUN_EXITED && p->exit_code == 0;
}

int64_t runtime_sim_started(const char *attempt_id)
{
    const struct proc *p = find_known(attempt_id);

    return p ? p->started_us : 0;
}

size_t runtime_sim_running(void)
{
    size_t n = 0;
    void *value;

    for (int k = 0; k < n_places(); k++)
        for (size_t i = 0; map_next(&places[k].procs, &i, &value);)
            n += ((struct proc *)value)->running;
    return n;
}

size_t runtime_sim_known(void)
{
    size_t n = 0;

    for (int i = 0; i < n_places(); i++)
        n += places[i].procs.n;
    return n;
}

bool runtime_sim_strays(void)
{
    return strays || sim.o.apart;
}

void runtime_sim_crash(int node)
{
    void *value;

    for (size_t i = 0; map_next(&place_of(node)->procs, &i, &value);) {
        struct proc *p = value;
        for (size_t k = p->sessions.n; k > 0; k--)
            if (p->sessions.items[k - 1]->node == node)
                p->sessions.items[k - 1] = p->sessions.items[--p->sessions.n];
    }
}

/* Nothing is known any more of those that ran while nobody listened: the machine fell
 * and rose again. Those that somebody waits for are asked for anew, and are lost. */
static void forget_running(struct place *place)
{
    struct map kept = {0};
    void *value;

    for (size_t i = 0; map_next(&place->procs, &i, &value);) {
        struct proc *p = value;
        if (!p->running || p->sessions.n > 0) {
            map_set_text(&kept, p->id, p);
            continue;
        }
        sim_trace("%s is forgotten", p->id);
        sim_seen(SEEN_FORGOTTEN);
        p->running = false;
        p->plan++;
    }
    map_done(&place->procs);
    place->procs = kept;
    place->knows_all = false;
}

/* The supervisor dies and takes all of its tasks along; what ended before is on disk.
 */
static void wipe(struct place *place, bool forgets)
{
    void *value;

    if (forgets)
        forget_running(place);
    for (size_t i = 0; map_next(&place->procs, &i, &value);) {
        struct proc *p = value;
        if (!p->running)
            continue;
        p->state = FF_RUN_LOST;
        end_proc(p);
    }
}

void runtime_sim_wipe(bool forgets)
{
    sim_seen(SEEN_WIPED);
    for (int i = 0; i < n_places(); i++)
        wipe(&places[i], forgets);
}

/* --- sessions --- */

static int runtime_open(const struct ff_host *host, const void *config,
                        ff_run_event_fn *fn, void *arg, void **runtime,
                        struct ff_err *err)
{
    struct session *s = mem_alloc(sizeof(*s));

    (void)config;
    (void)err;
    s->loop = sim.loop;
    s->node = sim_loop_node(sim.loop);
    s->ops = (struct sim_ops){.host = host, .loop = s->loop};
    s->fn = fn;
    s->arg = arg;
    *runtime = s;
    return FF_OK;
}

static void runtime_close(void *runtime)
{
    struct session *s = runtime;

    if (!s)
        return;
    s->closed = true;
    ops_close(&s->ops);
    runtime_sim_crash(s->node);
}

static const struct ff_runtime_ops ops = {
    .open = runtime_open,
    .close = runtime_close,
    .start = runtime_start,
    .cancel = runtime_cancel,
    .adopt = runtime_adopt,
    .release = runtime_release,
    .output = runtime_output,
    .take = runtime_take,
};

const struct ff_driver runtime_sim_driver = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, ops),
    .name = "sim",
    .version = "1",
    .caps = FF_RUNTIME_LOCAL_FILES,
    .summary = "attempts that live as the seed says",
    .ops.runtime = &ops,
};
