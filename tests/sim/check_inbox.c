/* check_inbox.c - what is asked of runs by rows: a request goes with the commit that
 * does what it asks (I13), and nothing is decided that nobody asked for. */
#include "sim.h"

#include <string.h>

struct asked {
    int64_t run, tenant, n_ends;
    enum cancel_mode cancel; /* NONE: a decision */
    char word[16];
    char task[64];
    int64_t item;
    bool has_n; /* it gives the input n */
};

static struct map inbox; /* number -> struct asked */
static const struct ff_change *changes;
static size_t n_changes;

void inbox_begin(const struct ff_change *all, size_t n)
{
    changes = all;
    n_changes = n;
}

static void read_body(struct asked *a, const struct ff_value *body)
{
    struct ff_err err;
    json_t *j = body->type ? json_parse(body->s, body->len, &err) : NULL;
    const json_t *item = json_object_get(j, "item");
    const char *task = json_string_value(json_object_get(j, "task"));
    const json_t *n = json_object_get(json_object_get(j, "inputs"), "n");

    snprintf(a->task, sizeof(a->task), "%s", task ? task : "");
    a->item = item ? json_integer_value(item) : -1;
    a->has_n = json_is_integer(n);
    json_decref(j);
}

static void add(const struct ff_change *c)
{
    struct asked *a = mem_alloc(sizeof(*a));

    a->run = c->values[COL_INBOX_RUN].i;
    a->tenant = c->values[COL_INBOX_TENANT].i;
    /* What is asked of a run that is over has nothing to do, also when that begins
     * again. */
    a->n_ends = mirror_run(a->run)->ended_at ? -1 : mirror_run(a->run)->n_ends;
    change_text(c, COL_INBOX_KIND, a->word, sizeof(a->word));
    if (strcmp(a->word, "kill") == 0)
        a->cancel = CANCEL_KILL;
    else if (strcmp(a->word, "cancel") == 0)
        a->cancel = CANCEL_GRACEFUL;
    else
        read_body(a, &c->values[COL_INBOX_BODY]);
    map_set(&inbox, c->values[COL_INBOX_NO].i, a);
    mirror.n_inbox++;
}

static const struct mirror_task *gate_of(const struct mirror_run *r,
                                         const struct asked *a)
{
    const int64_t task = flow_task_index(r->flow, a->task);

    return task < 0 ? NULL : mirror_task(r, NODE_OF(task, a->item));
}

/* Can it be carried out while the gate waits? */
static bool is_good(const struct mirror_run *r, const struct asked *a,
                    const struct mirror_task *t)
{
    const struct flow_work *work = r->flow->tasks[NODE_TASK(t->row.node)].work;

    return a->tenant == r->tenant.no && work->kind == FLOW_APPROVE &&
           (strcmp(a->word, "reject") == 0 ||
            a->has_n == (work->approve->n_inputs > 0));
}

static void check_decided(const struct mirror_run *r, const struct asked *a)
{
    const struct mirror_task *t = gate_of(r, a);

    if (!t || t->changed_in == mirror.n_commits)
        return;
    sim_check(t->row.state != TASK_SUSPENDED || !is_good(r, a, t),
              "I23: run %lld: to %s %s is thrown away, and it waits", (long long)r->no,
              a->word, a->task);
    sim_seen(SEEN_GATE_REFUSED);
}

/* One that came before the run was over may have been meant for before or after. */
static void check_cancelled(const struct mirror_run *r, const struct asked *a)
{
    sim_check(r->n_ends != a->n_ends || run_state_final(r->row.state) ||
                  r->row.cancel >= (int64_t)a->cancel,
              "I13: the message that cancels run %lld is thrown away",
              (long long)a->run);
}

/* One that came to a run that is over by now has nothing to do. */
static void check_reset_taken(struct mirror_run *r, const struct asked *a)
{
    if (r->n_ends != a->n_ends || run_state_final(r->row.state))
        sim_seen(SEEN_OPEN_RESET_OVER);
    else
        open_reset_message(r);
}

void inbox_change(const struct ff_change *c)
{
    const int64_t no = c->values[COL_INBOX_NO].i;

    if (c->kind == FF_PUT) {
        add(c);
        return;
    }
    struct asked *a = map_get(&inbox, no);
    if (c->kind != FF_DELETE || !a)
        return;
    struct mirror_run *r = mirror_run(a->run);
    if (a->cancel != CANCEL_NONE)
        check_cancelled(r, a);
    else if (strcmp(a->word, "approve") == 0 || strcmp(a->word, "reject") == 0)
        check_decided(r, a);
    else if (strcmp(a->word, "reset") == 0)
        check_reset_taken(r, a);
    map_del(&inbox, no);
    mirror.n_inbox--;
}

const struct ff_change *inbox_commit_end(void)
{
    return changes + n_changes;
}

bool inbox_decides(const struct mirror_run *r, const struct mirror_task *t,
                   const char *word)
{
    for (size_t i = 0; i < n_changes; i++) {
        if (changes[i].record != &record_inbox || changes[i].kind != FF_DELETE)
            continue;
        const struct asked *a = map_get(&inbox, changes[i].values[COL_INBOX_NO].i);
        if (a && a->run == r->no && strcmp(a->word, word) == 0 && gate_of(r, a) == t &&
            is_good(r, a, t))
            return true;
    }
    return false;
}
