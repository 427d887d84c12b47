/* logs_there_follow.c - follows the logs of a server by what it tells. A stream of the
 * run's steps says which attempts begin and that the run has ended, one for each run
 * inside it as well; of each attempt pages are read up to their end, and from there on
 * a stream has the lines. Beyond MAX_STREAMS it is asked again instead. */
#include "cli/logs/logs_inside.h"
#include "cli/logs/logs_there_priv.h"

#include <string.h>

#define MAX_STREAMS 64 /* a server lets one caller have 256 by default */
#define PRINT_US    (UNITS_SECOND / 100) /* lines of several tasks are put in order */
#define LOOK_US     (UNITS_SECOND / 20)
#define LOOK_GAP_US (UNITS_SECOND / 4)
#define ASK_US      (2 * UNITS_SECOND)

/* A run whose steps are told. */
struct watched {
    struct logs_there_following *f;
    char id[ID_TEXT];
    char *way; /* to it, in front of the names of its tasks */
    struct remote_stream *stream;
};

struct logs_there_following {
    const struct logs_follow_setup *setup;
    struct map known; /* dir and source -> that source */
    struct map runs;  /* struct watched, by id */
    struct log_merge merge;
    struct loop_timer *look, *print, *ask;
    int64_t looked_at;
    size_t n_streams;
    bool picked_over, over, stopped;
    int code;
};

static void stop(struct logs_there_following *f, int code)
{
    if (f->stopped)
        return;
    f->stopped = true;
    f->code = code;
    loop_stop(f->setup->s->loop, 0);
}

/* --- lines --- */

static void print_soon(struct logs_there_following *f);
static void ask_later(struct logs_there_following *f);

static void on_line(void *arg, const json_t *record)
{
    struct log_source *s = arg;

    logs_there_add_line(&s->there->told, record);
    print_soon(s->there->following);
}

static void on_log_ended(void *arg, int code)
{
    struct log_source *s = arg;

    s->there->over = true;
    s->there->code = code;
    remote_stream_close(s->there->stream);
    s->there->stream = NULL;
    s->there->following->n_streams--;
    print_soon(s->there->following);
}

static void on_tip(struct log_source *s)
{
    struct log_there *t = s->there;
    struct logs_there_following *f = t->following;
    struct buf path = {0};
    struct ff_err err = {0};

    if (f->n_streams >= MAX_STREAMS) {
        ask_later(f);
        return;
    }
    buf_add_text(&path, t->path);
    remote_add_query(&path, "cursor", t->next);
    const struct remote_stream_setup setup = {.c = f->setup->c,
                                              .loop = f->setup->s->loop,
                                              .remote = t->remote,
                                              .path = buf_text(&path),
                                              .event = on_line,
                                              .ended = on_log_ended,
                                              .arg = s};
    t->stream = remote_stream_open(&setup, &err);
    t->streamed = t->stream != NULL;
    t->code = t->stream ? CLI_OK : cli_fail_err(&err);
    f->n_streams += t->streamed;
    buf_done(&path);
}

/* Is there nothing more of what was followed? Only of a run, or task, that has ended.
 */
static bool is_read(const struct log_sources *sources)
{
    for (size_t i = 0; i < sources->n; i++)
        if (!sources->items[i]->there->over)
            return false;
    return true;
}

static void on_print(void *arg)
{
    struct logs_there_following *f = arg;
    struct log_sources *sources = f->setup->sources;
    struct log_source *s;

    for (size_t i = 0; i < sources->n; i++)
        log_merge_add(&f->merge, sources->items[i], f->over);
    const bool last = f->over && is_read(sources);
    while ((s = log_merge_first(&f->merge))) {
        logs_print_line(f->setup->print, s);
        log_merge_pop(&f->merge, f->over);
    }
    if (last)
        logs_print_end(f->setup->print);
    const int code = logs_there_code(sources);
    const int printed = cli_print(&f->setup->print->out);
    if (code != CLI_OK || printed != CLI_OK || last)
        stop(f, code == CLI_OK ? printed : code);
}

/* Those without a stream are read again. */
static void wake(const struct logs_there_following *f)
{
    for (size_t i = 0; i < f->setup->sources->n; i++)
        f->setup->sources->items[i]->there->rests = false;
}

static void print_soon(struct logs_there_following *f)
{
    if (!f->print)
        loop_timer_add(f->setup->s->loop, PRINT_US, on_print, f, &f->print);
}

/* --- which there are --- */

static void adopt(struct logs_there_following *f, struct log_sources *found)
{
    for (size_t i = 0; i < found->n; i++) {
        struct log_source *s = found->items[i];
        struct buf name = {0};
        buf_printf(&name, "%s%s", s->dir, s->sdk ? " sdk" : "");
        if (map_get_text(&f->known, buf_text(&name))) {
            log_source_free(s);
        } else {
            map_set_text(&f->known, buf_text(&name), s);
            s->there->tip = on_tip;
            s->there->following = f;
            ARRAY_ADD(f->setup->sources, s);
        }
        buf_done(&name);
    }
    ARRAY_DONE(found);
}

static void watch(struct logs_there_following *f, const char *id, const char *way);

static void on_inside(void *arg, const struct run_child *child, const char *way)
{
    struct logs_there_following *f = arg;

    const struct watched *known = map_get_text(&f->runs, child->id);

    if (!run_state_final(child->state) && !(known && known->stream))
        watch(f, child->id, way);
}

static int look_for_sources(struct logs_there_following *f, const char *id)
{
    const struct logs_follow_setup *setup = f->setup;
    const struct logs_inside_seen seen = {on_inside, f};
    struct log_sources found = {0};
    int code = logs_scan(setup->s, id, setup->pick, &found);

    if (code == CLI_OK && !setup->pick->task)
        code = logs_inside_scan_seen(setup->s, setup->run, setup->pick, &seen, &found);
    adopt(f, &found);
    return code;
}

/* --- is it over? --- */

/* Of the task or item that was asked for. */
static int judge(void *arg, const void *stored)
{
    struct logs_there_following *f = arg;
    const struct logs_pick *pick = f->setup->pick;
    const struct task_row *row = stored;
    const int64_t item = row->item == MODEL_NULL ? -1 : row->item;

    if (!pick->task || !span_is(row->task, pick->task) || item != pick->item)
        return 0;
    f->picked_over = task_state_final(row->state) ||
                     (pick->attempt > 0 && row->attempt > pick->attempt);
    return 1;
}

/* What is read after this was written before it. */
static int look_at_state(struct logs_there_following *f, const char *id)
{
    const struct logs_follow_setup *setup = f->setup;
    const struct task_row like = {.tenant = setup->run->tenant, .run = setup->run->run};
    const struct store_query tasks = {
        .record = &record_task, .like = &like, .n_equal = 2};
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    int code = cli_find_run(setup->s, id, &arena, &run);

    if (code == CLI_OK && setup->pick->task &&
        store_scan(node_store(setup->s->node), STORE_READER_CALLER, &tasks, judge, f,
                   &err) != FF_OK)
        code = cli_fail_err(&err);
    f->over = code == CLI_OK && (run_state_final(run.state) || f->picked_over);
    arena_done(&arena);
    return code;
}

static void on_look(void *arg)
{
    struct logs_there_following *f = arg;
    MEM_AUTO char *id = mem_text_len(f->setup->run->id.s, f->setup->run->id.len);
    int code = look_at_state(f, id);

    if (code == CLI_OK)
        code = look_for_sources(f, id);
    f->looked_at = loop_mono_us(f->setup->s->loop);
    if (f->over)
        wake(f);
    if (code != CLI_OK)
        stop(f, code);
    else
        print_soon(f);
}

/* Steps come close behind each other. */
static void look_soon(struct logs_there_following *f)
{
    const int64_t since = loop_mono_us(f->setup->s->loop) - f->looked_at;
    const int64_t gap = LOOK_GAP_US - since;

    if (!f->look && !f->over)
        loop_timer_add(f->setup->s->loop, gap > LOOK_US ? gap : LOOK_US, on_look, f,
                       &f->look);
}

/* --- steps --- */

/* It may have written nothing yet, so that no list has it. item MODEL_NULL: none. */
static void add_attempt(struct watched *w, const char *task, int64_t item,
                        int64_t attempt)
{
    struct log_sources found = {0};
    struct buf path = {0};

    buf_add_text(&path, task);
    if (item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)item);
    json_t *attempts = json_pack("[{ss sI sb}]", "task", buf_text(&path), "attempt",
                                 (json_int_t)attempt, "sdk", 1);
    logs_there_add(w->f->setup->s, w->id, attempts, w->f->setup->pick, &found);
    for (size_t i = 0; i < found.n; i++)
        if (*w->way)
            logs_inside_name(found.items[i], w->way);
    adopt(w->f, &found);
    json_decref(attempts);
    buf_done(&path);
}

static void add_started(struct watched *w, const json_t *event)
{
    const char *task = json_string_value(json_object_get(event, "task"));
    const json_t *item = json_object_get(event, "item");

    add_attempt(w, task ? task : "", item ? json_integer_value(item) : MODEL_NULL,
                json_integer_value(json_object_get(event, "attempt")));
}

static int add_running(void *arg, const void *stored)
{
    const struct task_row *row = stored;

    if (row->state == TASK_RUNNING && row->attempt > 0) {
        MEM_AUTO char *task = mem_text_len(row->task.s, row->task.len);
        add_attempt(arg, task, row->item, row->attempt);
    }
    return 0;
}

/* What began before steps were told is told by none of them. */
static int look_for_running(struct watched *w)
{
    const struct cli_session *s = w->f->setup->s;
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    int code = cli_find_run(s, w->id, &arena, &run);

    if (code == CLI_OK) {
        const struct task_row like = {.tenant = run.tenant, .run = run.run};
        const struct store_query tasks = {
            .record = &record_task, .like = &like, .n_equal = 2};

        if (store_scan(node_store(s->node), STORE_READER_CALLER, &tasks, add_running, w,
                       &err) != FF_OK)
            code = cli_fail_err(&err);
    }
    arena_done(&arena);
    return code;
}

static void leave(struct watched *w)
{
    remote_stream_close(w->stream);
    w->stream = NULL;
    w->f->n_streams--;
}

static void on_step(void *arg, const json_t *step)
{
    struct watched *w = arg;
    bool finished = false;
    const json_t *event;
    size_t i;

    json_array_foreach(json_object_get(step, "events"), i, event)
    {
        const char *type = json_string_value(json_object_get(event, "type"));
        if (type && strcmp(type, "task.started") == 0)
            add_started(w, event);
        finished = type && strcmp(type, "run.finished") == 0;
    }
    if (finished && *w->way)
        leave(w);
    look_soon(w->f);
    print_soon(w->f);
}

static void on_steps_open(void *arg)
{
    struct watched *w = arg;
    const int code = look_for_running(w);

    if (code == CLI_OK)
        look_soon(w->f);
    else
        stop(w->f, code);
}

/* It goes on for as long as its reader wants. */
static void on_steps_ended(void *arg, int code)
{
    struct watched *w = arg;

    stop(w->f, code == CLI_OK ? CLI_UNAVAILABLE : code);
}

/* Of more runs than there may be streams for the others are asked about. */
static void watch(struct logs_there_following *f, const char *id, const char *way)
{
    struct watched *w = map_get_text(&f->runs, id);
    struct buf path = {0};
    struct ff_err err = {0};

    if (f->n_streams >= MAX_STREAMS) {
        ask_later(f);
        return;
    }
    if (!w) {
        w = mem_alloc(sizeof(*w));
        *w = (struct watched){.f = f, .way = mem_text(way)};
        snprintf(w->id, sizeof(w->id), "%s", id);
        map_set_text(&f->runs, w->id, w);
    }
    f->n_streams++;
    buf_add_text(&path, "/events");
    remote_add_query(&path, "run", id);
    const struct remote_stream_setup setup = {.c = f->setup->c,
                                              .loop = f->setup->s->loop,
                                              .remote = f->setup->s->remote,
                                              .path = buf_text(&path),
                                              .opened = on_steps_open,
                                              .event = on_step,
                                              .ended = on_steps_ended,
                                              .arg = w};
    w->stream = remote_stream_open(&setup, &err);
    if (!w->stream)
        stop(f, cli_fail_err(&err));
    buf_done(&path);
}

/* What there was no stream for. */
static void on_ask(void *arg)
{
    struct logs_there_following *f = arg;

    wake(f);
    look_soon(f);
    print_soon(f);
}

static void ask_later(struct logs_there_following *f)
{
    if (!f->ask)
        loop_timer_add(f->setup->s->loop, ASK_US, on_ask, f, &f->ask);
}

static void free_runs(struct logs_there_following *f)
{
    void *run;

    for (size_t i = 0; map_next(&f->runs, &i, &run);) {
        struct watched *w = run;
        remote_stream_close(w->stream);
        mem_free(w->way);
        mem_free(w);
    }
    map_done(&f->runs);
}

int logs_there_follow(const struct logs_follow_setup *setup)
{
    MEM_AUTO char *id = mem_text_len(setup->run->id.s, setup->run->id.len);
    struct logs_there_following f = {.setup = setup, .looked_at = -LOOK_GAP_US};

    watch(&f, id, "");
    if (!f.stopped)
        loop_run(setup->s->loop);
    for (size_t i = 0; i < setup->sources->n; i++) {
        remote_stream_close(setup->sources->items[i]->there->stream);
        setup->sources->items[i]->there->stream = NULL;
    }
    free_runs(&f);
    loop_timer_del(f.look);
    loop_timer_del(f.print);
    loop_timer_del(f.ask);
    log_merge_done(&f.merge);
    map_done(&f.known);
    return f.code;
}
