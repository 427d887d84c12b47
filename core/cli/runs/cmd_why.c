/* cmd_why.c - why a run or a task of it does not run, or did not succeed: reads the
 * rows that core/why judges, and tells what it says. */
#include "cli/owner/engine_need.h"
#include "cli/read/executor_view.h"
#include "cli/read/limit_wait.h"
#include "cli/read/queue_view.h"
#include "cli/read/run_children.h"
#include "cli/read/run_view.h"
#include "cli/runs/runs.h"
#include "why/why.h"

#include <stdlib.h>
#include <string.h>

#define CAUSES_TEXT 10
#define CAUSES_JSON 100

struct asking {
    struct cli *c;
    struct run_view view;
    struct limit_waits limits;
    struct queue_views queues;
    json_t *executors; /* or NULL: not known */
    struct why_task *tasks;
    struct why_queue *paused;
    struct why_rows rows;
    int64_t task, item; /* -1: the run, no item */
};

/* --- reading --- */

static bool find_limit(void *arg, const struct flow_task *task, struct why_limit *out)
{
    const struct asking *a = arg;
    struct limit_wait wait;
    struct buf holders = {.max = sizeof(out->holders) - 1};

    if (!limit_wait_find(&a->limits, task->policy->limits, &wait))
        return false;
    if (wait.view)
        limit_view_holders(wait.view, &holders);
    *out = (struct why_limit){
        .held = wait.held, .size = wait.size, .until_us = wait.until_us};
    snprintf(out->name, sizeof(out->name), "%s", wait.name);
    snprintf(out->holders, sizeof(out->holders), "%s", buf_text(&holders));
    buf_done(&holders);
    return true;
}

static bool find_executors(void *arg, const struct flow_task *task,
                           struct why_executors *out)
{
    const struct asking *a = arg;
    const struct executor_fit fit =
        executors_fit(a->executors, task->policy->node_selector);

    *out = (struct why_executors){.n = fit.n,
                                  .n_all = fit.n_all,
                                  .n_attempts = fit.n_attempts,
                                  .n_places = fit.n_places};
    return a->executors != NULL;
}

static void take_tasks(struct asking *a)
{
    const uint32_t n = a->view.flow->n_tasks;

    a->tasks = mem_array(n, sizeof(*a->tasks));
    for (uint32_t i = 0; i < n; i++)
        a->tasks[i] = (struct why_task){.row = a->view.tasks[i].row,
                                        .items = a->view.tasks[i].items.items,
                                        .n_items = a->view.tasks[i].items.n};
}

static void take_queues(struct asking *a)
{
    a->paused = mem_array(a->queues.n + 1, sizeof(*a->paused));
    for (size_t i = 0; i < a->queues.n; i++)
        a->paused[i] = (struct why_queue){.name = a->queues.items[i].name,
                                          .by = a->queues.items[i].by,
                                          .since_us = a->queues.items[i].since_us};
}

/* What only matters to a run that is open. */
static int read_holds(struct asking *a, struct cli_session *s)
{
    struct ff_err err = {0};

    if (run_state_final(a->view.run.state))
        return CLI_OK;
    if (queue_views_read(&a->queues, s, &err) != FF_OK)
        return cli_fail_err(&err);
    a->rows.led = engine_is_there(s);
    if (a->rows.led && executors_matter(a->view.flow))
        a->executors = executors_read(s);
    return limit_wait_may(a->view.flow) ? limit_waits_read(&a->limits, s) : CLI_OK;
}

static int read_rows(struct asking *a, struct cli_session *s, const struct run_row *run)
{
    int code = run_view_read(&a->view, s, run, VIEW_ITEMS_ALL, -1);

    if (code == CLI_OK)
        code = read_holds(a, s);
    if (code != CLI_OK)
        return code;
    take_tasks(a);
    take_queues(a);
    a->rows.flow = a->view.flow;
    a->rows.run = &a->view.run;
    a->rows.tasks = a->tasks;
    a->rows.queues = a->paused;
    a->rows.n_queues = a->queues.n;
    a->rows.limit = find_limit;
    a->rows.limit_arg = a;
    a->rows.executors = find_executors;
    a->rows.executors_arg = a;
    a->rows.now_us = loop_wall_us(s->loop);
    why_begin(&a->rows);
    return CLI_OK;
}

static void asking_done(struct asking *a)
{
    limit_waits_done(&a->limits);
    json_decref(a->executors);
    queue_views_done(&a->queues);
    run_view_done(&a->view);
    mem_free(a->tasks);
    mem_free(a->paused);
}

/* --- telling --- */

static void answer(const struct asking *a, int64_t task, int64_t item,
                   struct why_answer *out)
{
    if (task < 0)
        why_run(&a->rows, out);
    else
        why_task(&a->rows, (uint32_t)task, item, out);
}

static void add_name(const struct asking *a, const struct why_answer *answer,
                     struct buf *out)
{
    buf_add_text(out, a->view.flow->tasks[answer->task].name);
    if (answer->item >= 0)
        buf_printf(out, ".%lld", (long long)answer->item);
}

static void add_line(const struct asking *a, const struct why_answer *answer,
                     struct buf *out)
{
    struct buf sentence = {0};

    why_add_sentence(&a->rows, answer, &sentence);
    buf_printf(out, "%s: ", why_words[answer->code].word);
    cli_add_clean(out, buf_text(&sentence), sentence.len);
    buf_add_char(out, '\n');
    buf_done(&sentence);
}

/* Of a run that is where one of its tasks is, that one is named. */
static void add_text(const struct asking *a, const struct why_answer *first,
                     const struct why_causes *causes, struct buf *out)
{
    struct why_answer cause;

    if (a->task < 0 && first->task >= 0) {
        add_name(a, first, out);
        buf_add_text(out, ": ");
    }
    add_line(a, first, out);
    for (size_t i = 0; i < causes->n && i < CAUSES_TEXT; i++) {
        if ((int64_t)causes->items[i] == first->task)
            continue;
        why_task(&a->rows, causes->items[i], -1, &cause);
        buf_add_text(out, "  ");
        add_name(a, &cause, out);
        buf_add_text(out, ": ");
        add_line(a, &cause, out);
    }
    if (causes->n > CAUSES_TEXT)
        buf_printf(out, "  and %zu more\n", causes->n - CAUSES_TEXT);
}

static void json_span(struct jsonw *w, const char *key, struct span text)
{
    if (!text.s)
        return;
    jsonw_key(w, key);
    jsonw_text_len(w, text.s, text.len);
}

static void json_number(struct jsonw *w, const char *key, int64_t value)
{
    if (value == MODEL_NULL)
        return;
    jsonw_key(w, key);
    jsonw_int(w, value);
}

static void json_word(struct jsonw *w, const char *key, const char *text)
{
    json_span(w, key, text[0] ? span_of(text) : (struct span){0});
}

/* Keys of an object that is open. */
static void json_answer(const struct asking *a, const struct why_answer *answer,
                        struct jsonw *w)
{
    struct buf sentence = {0};
    char until[UNITS_TEXT] = "";

    if (answer->task >= 0)
        json_word(w, "task", a->view.flow->tasks[answer->task].name);
    json_number(w, "item", answer->item < 0 ? MODEL_NULL : answer->item);
    json_word(w, "code", why_words[answer->code].word);
    why_add_sentence(&a->rows, answer, &sentence);
    json_word(w, "sentence", buf_text(&sentence));
    buf_done(&sentence);
    json_span(w, "reason", answer->reason);
    json_span(w, "message", answer->message);
    json_number(w, "exit_code", answer->exit_code);
    json_number(w, "attempt", answer->attempt > 0 ? answer->attempt : MODEL_NULL);
    if (answer->until_us != MODEL_NULL)
        units_time_text(answer->until_us, until);
    json_word(w, "until_at", until);
    json_word(w, "what", answer->what);
    json_word(w, "by", answer->by);
    json_word(w, "since", answer->since);
    json_number(w, "held", answer->held);
    json_number(w, "size", answer->size);
}

static void add_json(const struct asking *a, const struct why_answer *first,
                     const struct why_causes *causes, struct buf *out)
{
    struct jsonw w = {.out = out};
    struct why_answer cause;

    jsonw_open(&w, '{');
    json_span(&w, "run", a->view.run.id);
    json_word(&w, "state", run_state_names[a->view.run.state]);
    json_answer(a, first, &w);
    jsonw_key(&w, "causes");
    jsonw_open(&w, '[');
    for (size_t i = 0; i < causes->n && i < CAUSES_JSON; i++) {
        why_task(&a->rows, causes->items[i], -1, &cause);
        jsonw_open(&w, '{');
        json_answer(a, &cause, &w);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    json_number(&w, "n_causes", (int64_t)causes->n);
    jsonw_close(&w, '}');
    buf_add_char(out, '\n');
}

/* --- the command --- */

/* "fetch", "fetch.3"; "" and NULL: the run. Exit code. */
static int find_task(struct asking *a, const char *word)
{
    const struct flow *flow = a->view.flow;
    char *end = NULL;

    a->task = a->item = -1;
    if (!word || !*word)
        return CLI_OK;
    MEM_AUTO char *name = mem_text(word);
    char *dot = strrchr(name, '.');
    if (dot) {
        *dot = '\0';
        a->item = strtoll(dot + 1, &end, 10);
    }
    a->task = flow_task_index(flow, name);
    if (a->task < 0)
        return cli_fail(CLI_NOT_FOUND, "the workflow %s has no task %s", flow->name,
                        name);
    const int64_t items = a->view.tasks[a->task].row.items;
    if (dot && (*end || end == dot + 1 || a->item < 0 || items == MODEL_NULL ||
                a->item >= items))
        return cli_fail(CLI_NOT_FOUND, "the task %s has no item %s", name, dot + 1);
    return CLI_OK;
}

static int tell(struct asking *a)
{
    struct why_causes causes;
    struct why_answer first;
    struct buf out = {0};

    answer(a, a->task, a->item, &first);
    if (a->item < 0)
        why_find_causes(&a->rows, a->task, &causes);
    else
        causes = (struct why_causes){0};
    if (a->c->json)
        add_json(a, &first, &causes, &out);
    else
        add_text(a, &first, &causes, &out);
    ARRAY_DONE(&causes);
    return cli_print(&out);
}

static int ask(struct cli *c, struct cli_session *s, const struct run_row *run,
               const char *task)
{
    struct asking a = {.c = c};
    int code = read_rows(&a, s, run);

    if (code == CLI_OK)
        code = find_task(&a, task);
    if (code == CLI_OK)
        code = tell(&a);
    asking_done(&a);
    return code;
}

/* RUN/TASK is the same as RUN TASK. */
int cmd_why(struct cli *c)
{
    const char *given = c->args.words.items[0];
    const char *slash = strchr(given, '/');
    const char *task = c->args.words.n > 1 ? c->args.words.items[1] : NULL;
    struct cli_about about = {0};

    if (slash && task)
        return cli_fail(CLI_USAGE, "name the task once: RUN/TASK, or RUN TASK");
    MEM_AUTO char *word =
        mem_text_len(given, slash ? (size_t)(slash - given) : strlen(given));
    if (slash)
        task = slash + 1;
    int code = cli_open(c, &about.s);
    if (code == CLI_OK)
        code = cli_find_run(&about.s, word, &about.arena, &about.run);
    if (code == CLI_OK)
        code = run_children_walk(&about.s, task, &about.arena, &about.run, &task);
    if (code == CLI_OK)
        code = ask(c, &about.s, &about.run, task);
    cli_close_run(&about);
    return code;
}
