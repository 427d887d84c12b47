/* client_schedule.c - those who let triggers start runs: they deploy workflows with
 * schedules, pause, resume and delete these, fill in times of the past, start runs by
 * hand and send events; and what was promised to them (I10). When faults are over they
 * see to it that no further time comes and nothing stays paused, so that all that waits
 * has to come to its end. */
#include "schedules.h"

#include "node/node_priv.h"
#include "node/schedule.h"

#include <string.h>

#define SECOND    UNITS_SECOND
#define MAX_TIMED 3

/* A workflow with triggers. What keeps its runs apart stays as it is. */
struct timed {
    char name[16];
    struct tenant tenant;
    int64_t every_s, catchup_s[2], jitter_s[2];
    const char *expr;
    const char *overlaps[4];
    char after[16];
    const char *on;
    int event;
    bool has_if, is_deployed;
    int debounce; /* which */
};

static struct timed timed[MAX_TIMED];
static const char *const debounces[] = {"", ", debounce: 2s",
                                        ", debounce: 3s, debounce_max: 4s"};
static const char *const ids[] = {"tick", "minute", "after", "told"};
static int64_t n_events; /* that were sent: a number for each */
static bool is_calm;

static int below(uint64_t n)
{
    return (int)sim_rand(RAND_CLIENT, n);
}

static bool odds(int64_t permille)
{
    return sim_chance(RAND_CLIENT, permille);
}

/* True if it was acknowledged; else it may be there all the same. */
static bool is_done(const char *what, const char *name, int code,
                    const struct ff_err *err)
{
    sim_trace("%s %s: %d %s", what, name, code, code == FF_OK ? "" : err->msg);
    if (code == FF_OK)
        nodes_wake();
    else
        sim_at(NULL, 5 * SECOND, client_knock, NULL);
    return code == FF_OK;
}

/* --- workflows with triggers --- */

static void draw(struct timed *t, int no)
{
    static const char *const overlaps[] = {"skip", "queue", "cancel", "allow"};
    static const char *const ends[] = {"succeeded", "failed",
                                       "[succeeded, failed, cancelled]"};
    const int64_t faults_s = sim.o.faults_us / SECOND;

    snprintf(t->name, sizeof(t->name), "timed%u", (unsigned)no % 10);
    t->tenant.no = 1 + below(2);
    t->every_s = sim_between(RAND_CLIENT, faults_s / 8 + 1, faults_s / 2);
    for (int i = 0; i < 2; i++) {
        t->catchup_s[i] = sim_between(RAND_CLIENT, 1, 20);
        t->jitter_s[i] = odds(500) ? 0 : sim_between(RAND_CLIENT, 1, 5);
    }
    t->expr = odds(500) ? "* * * * *" : "*/2 * * * *";
    for (size_t i = 0; i < COUNT_OF(t->overlaps); i++)
        t->overlaps[i] = overlaps[below(4)];
    for (size_t i = 0; i < COUNT_OF(t->overlaps); i++)
        if (sim_chance(RAND_LATER, sim.o.replaces))
            t->overlaps[i] = "cancel";
    if (no > 0 && odds(300))
        snprintf(t->after, sizeof(t->after), "timed%u",
                 (unsigned)below((uint64_t)no) % 10);
    else
        snprintf(t->after, sizeof(t->after), "gen");
    t->on = ends[below(3)];
    t->event = below(2);
    t->has_if = odds(500);
    t->debounce = odds(500) ? 0 : 1 + below(2);
}

static void add_timed(struct buf *out, const struct timed *t)
{
    const int64_t every_s = odds(400) ? t->every_s + 1 : t->every_s;
    const char *expr = is_calm ? "0 0 29 2 *" : t->expr;

    if (is_calm)
        buf_add_text(out, "  interval: [{every: 8760h, ");
    else
        buf_printf(out, "  interval: [{every: %llds, ", (long long)every_s);
    buf_printf(out, "id: tick, catchup: %llds, jitter: %llds, overlap: %s}]\n",
               (long long)t->catchup_s[0], (long long)t->jitter_s[0], t->overlaps[0]);
    buf_printf(out,
               "  cron: [{expr: '%s', id: minute, catchup: %llds, jitter: %llds, "
               "overlap: %s}]\n",
               expr, (long long)t->catchup_s[1], (long long)t->jitter_s[1],
               t->overlaps[1]);
}

static char *write_file(const struct timed *t)
{
    struct buf out = {0};

    buf_add_text(&out, "triggers:\n");
    if (odds(850) || is_calm)
        add_timed(&out, t);
    if (odds(850))
        buf_printf(&out, "  workflow: [{id: after, name: %s, on: %s, overlap: %s}]\n",
                   t->after, t->on, t->overlaps[2]);
    buf_printf(&out, "  event: [{id: told, name: e%d, overlap: %s%s%s}]\n", t->event,
               t->overlaps[3], t->has_if ? ", if: event.n % 2 == 0" : "",
               debounces[t->debounce]);
    MEM_AUTO char *triggers = buf_take(&out);
    return flow_gen_timed(t->name, triggers);
}

static void check_applied(const struct timed *t, const struct flow *f)
{
    char name[SCHEDULE_NAME_MAX + 1];

    for (uint32_t i = 0; i < f->n_triggers; i++) {
        schedule_name(f->name, f->triggers[i].id, name);
        const struct mirror_schedule *s = schedule_named(t->tenant.no, name);
        sim_check(s && s->is_there, "I10: that %s is applied is acknowledged, not kept",
                  t->name);
    }
}

static bool deploy(struct timed *t)
{
    MEM_AUTO char *source = write_file(t);
    struct flow *f = client_parse(source);
    struct node_applied applied;
    struct ff_err err;

    if (sim.verbose)
        fprintf(stderr, "%s\n", source);
    const struct node_apply what = {
        .source = source, .source_len = strlen(source), .dir = "/", .flow = f};
    const int code = node_apply(client_node(), t->tenant, &what, &applied, &err);
    const bool ok = is_done("apply", t->name, code, &err);
    if (ok)
        check_applied(t, f);
    t->is_deployed = true;
    flow_unref(f);
    return ok;
}

/* --- what people do to a schedule --- */

static struct mirror_schedule *any_schedule(struct timed **of)
{
    char name[SCHEDULE_NAME_MAX + 1];

    *of = &timed[below((uint64_t)sim.o.schedules)];
    schedule_name((*of)->name, ids[below(COUNT_OF(ids))], name);
    struct mirror_schedule *s = schedule_named((*of)->tenant.no, name);
    return s && s->is_there ? s : NULL;
}

static bool act(struct tenant tenant, const char *word, const char *what,
                enum node_schedule_action action)
{
    struct ff_err err;
    int64_t n_changed;
    const int code =
        node_schedule_do(client_node(), tenant, word, action, &n_changed, &err);

    return is_done(what, word ? word : "all", code, &err);
}

static void pause_one(const struct timed *t, const struct mirror_schedule *s)
{
    if (act(t->tenant, s->name, "pause", NODE_SCHEDULE_PAUSE))
        sim_check(s->is_paused, "I10: that %s is paused is acknowledged, not kept",
                  s->name);
}

static void delete_one(const struct timed *t, const struct mirror_schedule *s)
{
    if (act(t->tenant, s->name, "delete", NODE_SCHEDULE_DELETE))
        sim_check(!s->is_there, "I10: that %s is deleted is acknowledged, not kept",
                  s->name);
}

static void start_one(const struct timed *t, const struct mirror_schedule *s)
{
    char id[ID_TEXT];
    struct ff_err err;
    const size_t n = mirror.runs.n;
    const int code = node_schedule_trigger(client_node(), t->tenant, s->name, id, &err);

    if (is_done("trigger", s->name, code, &err))
        sim_check(mirror.runs.n > n, "I10: a run by hand is acknowledged, not kept");
}

static void fill_in_once(const struct timed *t, const struct mirror_schedule *s)
{
    const int64_t every_us = s->every_us > 0 ? s->every_us : SECOND;
    const int64_t below_us = s->last_at + 1 - sim_between(RAND_CLIENT, 0, 2) * every_us;
    const struct node_backfill what = {
        .schedule = s->name,
        .from_us = below_us - sim_between(RAND_CLIENT, 1, 4) * every_us,
        .below_us = below_us,
        .max_parallel = sim_between(RAND_CLIENT, 1, 3),
    };
    int64_t no, n_times;
    struct ff_err err;
    const int code =
        node_schedule_backfill(client_node(), t->tenant, &what, &no, &n_times, &err);

    if (is_done("backfill", s->name, code, &err))
        sim_check(n_times == 0 || map_get(&schedules.backfills, no),
                  "I10: a backfill is acknowledged, and not kept");
}

/* Two ranges may have times in common. */
static void fill_in(const struct timed *t, const struct mirror_schedule *s)
{
    fill_in_once(t, s);
    if (odds(500))
        fill_in_once(t, s);
}

static void stop_filling_in(const struct timed *t, const struct mirror_schedule *s)
{
    struct ff_err err;
    int64_t n_stopped;
    const int code = node_schedule_stop_backfills(client_node(), t->tenant, s->name,
                                                  &n_stopped, &err);

    is_done("stop backfills of", s->name, code, &err);
}

static void send_event_to(struct tenant tenant, int no)
{
    char name[8];
    struct node_event_told told;
    struct ff_err err;

    snprintf(name, sizeof(name), "e%d", no);
    json_t *data = json_pack("{sI}", "n", (json_int_t)n_events++);
    const struct node_event e = {.name = name, .data = data};
    const int64_t wanted = occurrence_count(tenant.no, name);
    const size_t before = schedules.told.n;
    const int code = node_event(client_node(), tenant, &e, &told, &err);
    json_decref(data);
    if (!is_done("event", name, code, &err))
        return;
    sim_check(told.schedules == wanted,
              "I40: an event is said to be for %lld schedules, and is for %lld",
              (long long)told.schedules, (long long)wanted);
    sim_check(wanted == 0 || schedules.told.n > before,
              "I10: an event is acknowledged, and not kept");
}

static void send_event(void)
{
    const struct tenant tenant = {1 + below(2)};

    send_event_to(tenant, below(2));
}

/* And whoever resumes it may tell it something at once. */
static void resume_one(const struct timed *t, const struct mirror_schedule *s)
{
    if (!act(t->tenant, s->name, "resume", NODE_SCHEDULE_RESUME))
        return;
    sim_check(!s->is_paused, "I10: that %s is resumed is acknowledged, not kept",
              s->name);
    if (strcmp(s->kind, "event") == 0 && odds(500))
        send_event_to(t->tenant, t->event);
}

static void do_to_schedule(void)
{
    static const struct {
        int weight;
        void (*fn)(const struct timed *t, const struct mirror_schedule *s);
    } table[] = {{15, pause_one}, {25, resume_one}, {10, start_one},
                 {25, fill_in},   {3, delete_one},  {3, stop_filling_in}};
    int left = below(81);
    struct timed *t;
    const struct mirror_schedule *s = any_schedule(&t);

    for (size_t i = 0; s && i < COUNT_OF(table); i++) {
        if (left < table[i].weight) {
            table[i].fn(t, s);
            return;
        }
        left -= table[i].weight;
    }
}

void client_schedule_act(void)
{
    if (is_calm || sim.o.schedules == 0)
        return;
    const int pick = below(100);
    if (pick < 15)
        deploy(&timed[below((uint64_t)sim.o.schedules)]);
    else if (pick < 45)
        send_event();
    else
        do_to_schedule();
}

/* --- the beginning and the end --- */

static void deploy_first(void *arg)
{
    struct timed *t = arg;

    if (!is_calm && !t->is_deployed && !deploy(t))
        t->is_deployed = false;
}

void client_schedule_plan(void)
{
    for (int i = 0; i < sim.o.schedules && i < MAX_TIMED; i++) {
        draw(&timed[i], i);
        const int64_t at = sim_between(RAND_CLIENT, 0, sim.o.submit_us / 2);
        sim_at(client_node()->loop, at, deploy_first, &timed[i]);
    }
}

static void calm(void *arg)
{
    (void)arg;
    is_calm = true;
    for (int i = 0; i < sim.o.schedules && i < MAX_TIMED; i++)
        sim_check(deploy(&timed[i]), "a workflow cannot be applied without faults");
    for (int64_t tenant = 1; tenant <= 2; tenant++)
        sim_check(act((struct tenant){tenant}, NULL, "resume", NODE_SCHEDULE_RESUME),
                  "schedules cannot be resumed without faults");
}

/* A few times come before that, so that it is seen whether they do. */
void client_schedule_calm(void)
{
    if (sim.o.schedules > 0)
        sim_at(NULL, sim_between(RAND_CLIENT, 20, 40) * SECOND, calm, NULL);
}

bool client_schedule_is_done(void)
{
    return is_calm || sim.o.schedules == 0;
}
