/* view_render.c - runs as a picture of a given size. What matters most is kept when the
 * terminal is too small: the runs, what runs and what failed; the rest is counted. */
#include "cli/view/view.h"

#include <string.h>

#define BAR_WIDTH 10

enum mark {
    MARK_WAITING,
    MARK_QUEUED,
    MARK_RUNNING,
    MARK_RETRYING,
    MARK_OK,
    MARK_BAD,
    MARK_SKIPPED,
    MARK_CANCELLED,
    MARK_SUSPENDED
};
static const struct {
    const char *unicode, *ascii;
} marks[] = {
    [MARK_WAITING] = {"\u00b7", "."},   [MARK_QUEUED] = {"\u25cb", "o"},
    [MARK_RUNNING] = {"\u25cf", "*"},   [MARK_RETRYING] = {"\u21bb", "r"},
    [MARK_OK] = {"\u2714", "+"},        [MARK_BAD] = {"\u2718", "!"},
    [MARK_SKIPPED] = {"\u2013", "-"},   [MARK_CANCELLED] = {"\u2298", "x"},
    [MARK_SUSPENDED] = {"\u25d4", "s"},
};
static const enum mark task_marks[] = {
    [TASK_WAITING] = MARK_WAITING,     [TASK_QUEUED] = MARK_QUEUED,
    [TASK_RUNNING] = MARK_RUNNING,     [TASK_RETRYING] = MARK_RETRYING,
    [TASK_SUCCEEDED] = MARK_OK,        [TASK_FAILED] = MARK_BAD,
    [TASK_SKIPPED] = MARK_SKIPPED,     [TASK_CANCELLED] = MARK_CANCELLED,
    [TASK_SUSPENDED] = MARK_SUSPENDED,
};
static const enum mark run_marks[] = {
    [RUN_PENDING] = MARK_QUEUED,      [RUN_RUNNING] = MARK_RUNNING,
    [RUN_CANCELLING] = MARK_RETRYING, [RUN_SUCCEEDED] = MARK_OK,
    [RUN_FAILED] = MARK_BAD,          [RUN_CANCELLED] = MARK_CANCELLED,
};

/* How dearly a line is kept; lower is dearer. */
static const int task_ranks[] = {
    [TASK_RUNNING] = 1,   [TASK_RETRYING] = 1,  [TASK_FAILED] = 1,
    [TASK_CANCELLED] = 3, [TASK_SUCCEEDED] = 4, [TASK_QUEUED] = 5,
    [TASK_WAITING] = 6,   [TASK_SKIPPED] = 7,   [TASK_SUSPENDED] = 1,
};
#define RANK_RUN  0
#define RANK_ITEM 2
#define RANK_PAST 8 /* inside of what is over */
#define RANK_LAST 8

#define INDENT_TASK 2
#define INDENT_PART 4 /* items, and tasks inside a task, further in than that */
#define INDENT_MAX  30

/* One line in the making: which thing it is about. */
struct spot {
    const struct track *track; /* whose task it is: maybe of a run inside another */
    int indent;
    int64_t task;                    /* -1: the run itself */
    const struct track_active *item; /* or NULL */
    int rank;
};

struct picture {
    const struct view_look *look;
    struct view_frame *frame;
    struct {
        struct spot *items;
        size_t n, cap;
    } spots;
    struct buf line;
    size_t width; /* of the line so far */
};

/* --- one line --- */

/* Text in the line, cut at the edge. */
static void put(struct picture *p, enum cli_colour colour, const char *text)
{
    struct buf clean = {0};
    const size_t room = p->look->columns > p->width ? p->look->columns - p->width : 0;
    size_t at = 0;
    size_t n = 0;

    cli_add_clean(&clean, text, strlen(text));
    const char *from = buf_text(&clean);
    while (n < room && from[at]) {
        const size_t len = text_utf8_len(from + at, strlen(from + at));
        at += len ? len : 1;
        n++;
    }
    MEM_AUTO char *cut = mem_text_len(from, at);
    if (cut[0])
        cli_add_coloured(&p->line, p->look->colour, colour, cut);
    p->width += n;
    buf_done(&clean);
}

static void FF_PRINTF(3, 4)
    put_f(struct picture *p, enum cli_colour colour, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    put(p, colour, buf_text(&text));
    buf_done(&text);
}

static void end_line(struct picture *p)
{
    buf_add(&p->frame->text, buf_text(&p->line), p->line.len);
    buf_add_char(&p->frame->text, '\n');
    ARRAY_ADD(&p->frame->widths, p->width);
    buf_clear(&p->line);
    p->width = 0;
}

static void put_mark(struct picture *p, enum mark mark, enum cli_colour colour)
{
    put(p, colour, p->look->unicode ? marks[mark].unicode : marks[mark].ascii);
    put(p, CLI_PLAIN, " ");
}

/* Whole seconds while the clock runs: tenths would only flicker. */
static void put_clock(struct picture *p, int64_t from_us)
{
    const int64_t since = p->look->now_us > from_us ? p->look->now_us - from_us : 0;
    char text[UNITS_TEXT];

    units_duration_text(since, text);
    if (since < 60 * UNITS_SECOND)
        snprintf(text, sizeof(text), "%llds", (long long)(since / UNITS_SECOND));
    put_f(p, CLI_DIM, " %s", text);
}

static void put_span(struct picture *p, int64_t from_us, int64_t to_us)
{
    char text[UNITS_TEXT];

    if (from_us == MODEL_NULL || from_us == 0)
        return;
    if (to_us == MODEL_NULL) {
        put_clock(p, from_us);
        return;
    }
    units_duration_text(to_us - from_us, text);
    put_f(p, CLI_DIM, " %s", text);
}

static void put_progress(struct picture *p, const struct track_active *a)
{
    if (a->attempt > 1)
        put_f(p, CLI_YELLOW, " attempt %lld", (long long)a->attempt);
    if (a->progress >= 0)
        put_f(p, CLI_BLUE, " %d%%", a->progress);
    if (a->message)
        put_f(p, CLI_DIM, " %s", a->message);
}

static void put_bar(struct picture *p, int64_t done, int64_t all)
{
    const int64_t full = all > 0 ? done * BAR_WIDTH / all : BAR_WIDTH;
    struct buf bar = {0};

    for (int64_t i = 0; i < BAR_WIDTH; i++)
        buf_add_text(&bar, p->look->unicode ? (i < full ? "\u2588" : "\u2591")
                                            : (i < full ? "#" : "."));
    put_f(p, CLI_BLUE, " %s", buf_text(&bar));
    put_f(p, CLI_PLAIN, " %lld/%lld", (long long)done, (long long)all);
    buf_done(&bar);
}

/* --- lines by what they are about --- */

static void put_run(struct picture *p, const struct track *t)
{
    const enum cli_colour colour = cli_run_colour(t->state);
    char done[48];

    put_mark(p, run_marks[t->state], colour);
    put(p, CLI_BOLD, t->flow->name);
    put_f(p, colour, " %s", run_state_names[t->state]);
    snprintf(done, sizeof(done), " %lld/%u tasks", (long long)t->final_tasks,
             t->flow->n_main);
    put(p, CLI_PLAIN, done);
    put_span(p, t->started_at, t->finished_at);
    put_f(p, CLI_DIM, " %s", t->id);
}

static void put_counts(struct picture *p, const struct track_task *t)
{
    int64_t done = 0;

    for (size_t i = 0; i < COUNT_OF(t->counts); i++)
        done += t->counts[i];
    put_bar(p, done, t->items);
    if (t->counts[TASK_FAILED] > 0)
        put_f(p, CLI_RED, " %lld failed", (long long)t->counts[TASK_FAILED]);
    if (t->active.n > 0)
        put_f(p, CLI_BLUE, " %zu running", t->active.n);
}

static void put_why(struct picture *p, const struct track_task *t)
{
    struct buf why = {0};

    cli_add_why(&why, t->reason, t->exit_code, t->message);
    if (why.len > 0)
        put_f(p, t->state == TASK_FAILED ? CLI_RED : CLI_DIM, " %s", buf_text(&why));
    buf_done(&why);
}

/* Rounded up: "in 0s" would be wrong. False when it is due. */
static bool left_text(const struct picture *p, int64_t due_at, char text[UNITS_TEXT])
{
    const int64_t left = due_at - p->look->now_us;
    const int64_t seconds = (left + UNITS_SECOND - 1) / UNITS_SECOND;

    if (left <= 0)
        return false;
    units_duration_text(seconds * UNITS_SECOND, text);
    if (seconds < 60)
        snprintf(text, UNITS_TEXT, "%llds", (long long)seconds);
    return true;
}

static void put_retry(struct picture *p, const struct track_active *a)
{
    char text[UNITS_TEXT];

    if (!left_text(p, a->due_at, text))
        return;
    if (a->iteration > 1)
        put_f(p, CLI_YELLOW, " iteration %lld in %s", (long long)a->iteration, text);
    else
        put_f(p, CLI_YELLOW, " attempt %lld in %s", (long long)a->attempt + 1, text);
}

/* What it waits for, and for how much longer. */
static void put_wait(struct picture *p, const struct track_active *a)
{
    char text[UNITS_TEXT];

    const bool names = a->message && cli_wait_names(a->reason);

    put_f(p, CLI_YELLOW, " waits for %s%s%s", cli_wait_word(a->reason),
          names ? " " : "", names ? a->message : "");
    if (a->due_at != MODEL_NULL && left_text(p, a->due_at, text))
        put_f(p, CLI_DIM, " %s left", text);
    if (a->message && !names)
        put_f(p, CLI_DIM, " %s", a->message);
}

/* As it was when somebody looked: what has begun since waits no more. */
static void put_limit(struct picture *p, const struct track_task *t, int64_t state)
{
    const bool may = state == TASK_QUEUED || state == TASK_RETRYING ||
                     (state == TASK_RUNNING && t->items != MODEL_NULL);

    if (t->waits && may)
        put_f(p, CLI_YELLOW, " %s", t->waits);
}

static void put_task(struct picture *p, const struct spot *s)
{
    const struct track *t = s->track;
    const struct track_task *task = &t->tasks[s->task];
    const int64_t state = track_task_state(t, (uint32_t)s->task);
    const struct track_active *a = track_active(task, -1);

    put_f(p, CLI_PLAIN, "%*s", s->indent, "");
    put_mark(p, task_marks[state], cli_task_colour(state));
    put(p, state == TASK_WAITING ? CLI_DIM : CLI_PLAIN, t->flow->tasks[s->task].name);
    if (state == TASK_WAITING || state == TASK_QUEUED) {
        put_f(p, CLI_DIM, " %s", task_state_names[state]);
        put_limit(p, task, state);
        return;
    }
    if (task->items != MODEL_NULL)
        put_counts(p, task);
    put_span(p, task->started_at, task->finished_at);
    if (a && a->state == TASK_RETRYING)
        put_retry(p, a);
    else if (a && a->state == TASK_SUSPENDED)
        put_wait(p, a);
    else if (a)
        put_progress(p, a);
    if (state != TASK_SUSPENDED)
        put_why(p, task);
    put_limit(p, task, state);
}

static void put_item(struct picture *p, const struct spot *s)
{
    const struct track_active *a = s->item;
    char path[96];

    track_path(s->track, s->task, a->item, path);
    put_f(p, CLI_PLAIN, "%*s", s->indent, "");
    put_mark(p, task_marks[a->state], cli_task_colour(a->state));
    put(p, CLI_PLAIN, path);
    put_span(p, a->started_at, a->state == TASK_RETRYING ? a->started_at : MODEL_NULL);
    if (a->state == TASK_RETRYING)
        put_retry(p, a);
    else if (a->state == TASK_SUSPENDED)
        put_wait(p, a);
    else
        put_progress(p, a);
}

static void put_spot(struct picture *p, const struct spot *s)
{
    if (s->item)
        put_item(p, s);
    else if (s->task >= 0)
        put_task(p, s);
    else
        put_run(p, s->track);
    end_line(p);
}

/* --- which lines --- */

static void add_spot(struct picture *p, const struct spot *s)
{
    ARRAY_ADD(&p->spots, *s);
    if (p->spots.items[p->spots.n - 1].indent > INDENT_MAX)
        p->spots.items[p->spots.n - 1].indent = INDENT_MAX;
}

/* No line is kept more dearly than the one that it stands under. Of what is over, only
 * what explains a failure is dear at all. */
static int rank_inside(const struct track *t, uint32_t task, const struct spot *around,
                       int64_t state_around)
{
    const int64_t state = track_task_state(t, task);
    int rank = task_ranks[state] > RANK_ITEM ? task_ranks[state] : RANK_ITEM;

    if (around->rank > rank)
        rank = around->rank;
    if (!task_state_final(state_around) ||
        (state_around == TASK_FAILED && state == TASK_FAILED))
        return rank;
    return RANK_PAST;
}

static void collect_tasks(struct picture *p, const struct track *t,
                          const struct spot *around, int64_t state_around);

static void collect_items(struct picture *p, const struct spot *task)
{
    struct track_active *items[TRACK_ITEMS];
    const size_t n = track_first_items(&task->track->tasks[task->task], items);

    for (size_t i = 0; i < n; i++) {
        struct spot s = *task;
        s.item = items[i];
        s.indent += INDENT_PART;
        s.rank = task->rank > RANK_ITEM ? task->rank : RANK_ITEM;
        add_spot(p, &s);
        if (items[i]->inside)
            collect_tasks(p, items[i]->inside, &s, items[i]->state);
    }
}

static void collect_task(struct picture *p, const struct spot *s)
{
    const struct track_task *task = &s->track->tasks[s->task];
    const struct track_active *a = track_active(task, -1);
    const struct track *inside = a ? a->inside : task->inside;

    add_spot(p, s);
    if (task->items != MODEL_NULL)
        collect_items(p, s);
    else if (inside)
        collect_tasks(p, inside, s, track_task_state(s->track, (uint32_t)s->task));
}

/* `around` is the line that they stand under, the run's own or that of a task. */
static void collect_tasks(struct picture *p, const struct track *t,
                          const struct spot *around, int64_t state_around)
{
    const bool inside = around->task >= 0;

    for (uint32_t i = 0; i < t->flow->n_tasks; i++) {
        if (!track_shows(t, i))
            continue;
        const struct spot s = {
            .track = t,
            .indent = around->indent + (inside ? INDENT_PART : INDENT_TASK),
            .task = i,
            .rank = inside ? rank_inside(t, i, around, state_around)
                           : task_ranks[track_task_state(t, i)],
        };
        collect_task(p, &s);
    }
}

static void collect(struct picture *p, struct track *const *tracks, size_t n_tracks)
{
    for (size_t i = 0; i < n_tracks; i++) {
        const struct spot head = {.track = tracks[i], .task = -1, .rank = RANK_RUN};
        add_spot(p, &head);
        collect_tasks(p, tracks[i], &head, TASK_RUNNING);
    }
}

/* Of what has ended the latest stays, of what waits the next. */
static bool drops_from_front(int rank)
{
    return rank == task_ranks[TASK_SUCCEEDED] || rank == task_ranks[TASK_SKIPPED] ||
           rank == task_ranks[TASK_CANCELLED];
}

/* Marks what does not fit by rank -1 and returns how many those are. */
static size_t drop(struct picture *p, size_t room)
{
    const size_t n = p->spots.n;
    size_t n_dropped = 0;

    if (n <= room)
        return 0;
    for (int rank = RANK_LAST; rank >= RANK_RUN; rank--) {
        for (size_t i = 0; i < n && n - n_dropped > room - 1; i++) {
            struct spot *s = &p->spots.items[drops_from_front(rank) ? i : n - 1 - i];
            if (s->rank != rank)
                continue;
            s->rank = -1;
            n_dropped++;
        }
    }
    return n_dropped;
}

/* "  ... 12 more: 10 succeeded, 2 waiting" */
static void put_dropped(struct picture *p, size_t n_dropped)
{
    size_t counts[N_TASK_STATES] = {0};
    bool first = true;

    for (size_t i = 0; i < p->spots.n; i++) {
        const struct spot *s = &p->spots.items[i];
        if (s->rank == -1 && s->task >= 0)
            counts[s->item ? s->item->state
                           : track_task_state(s->track, (uint32_t)s->task)]++;
    }
    put_f(p, CLI_DIM, "  ... %zu more:", n_dropped);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        if (counts[i] == 0)
            continue;
        put_f(p, CLI_DIM, "%s %zu %s", first ? "" : ",", counts[i],
              task_state_names[i]);
        first = false;
    }
    end_line(p);
}

void view_render(struct view_frame *f, const struct view_look *look,
                 struct track *const *tracks, size_t n_tracks)
{
    struct picture p = {.look = look, .frame = f};
    const size_t room = look->rows > 3 ? look->rows - 1 : 2;

    buf_clear(&f->text);
    f->widths.n = 0;
    collect(&p, tracks, n_tracks);
    const size_t n_dropped = drop(&p, room);
    for (size_t i = 0; i < p.spots.n; i++)
        if (p.spots.items[i].rank >= 0)
            put_spot(&p, &p.spots.items[i]);
    if (n_dropped > 0)
        put_dropped(&p, n_dropped);
    ARRAY_DONE(&p.spots);
    buf_done(&p.line);
}

void view_frame_done(struct view_frame *f)
{
    buf_done(&f->text);
    ARRAY_DONE(&f->widths);
}
