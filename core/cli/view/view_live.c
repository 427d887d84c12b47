/* view_live.c - the picture on a terminal: drawn over itself, at most ten times a
 * second and only when something changed, and once a second while clocks run.
 *
 * Nothing of the terminal's state is changed (no hidden cursor, no raw mode), so there
 * is nothing to restore, however the program ends. */
#include "cli/view/view.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_US (UNITS_SECOND / 10)
#define CLOCK_US UNITS_SECOND

static struct view_look look_of(const struct view *v)
{
    struct view_look look = {.rows = 24,
                             .columns = 80,
                             .colour = v->setup.c->colour,
                             .unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                             .now_us = loop_wall_us(v->setup.loop)};
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
        look.rows = size.ws_row;
        look.columns = size.ws_col;
    }
    return look;
}

/* The cursor stands below the last line. A line that was drawn wider than the terminal
 * is now takes several rows. */
static void go_up(const struct view *v, size_t columns, struct buf *out)
{
    size_t rows = 0;

    for (size_t i = 0; i < v->n_lines; i++)
        rows += v->widths[i] > columns ? (v->widths[i] + columns - 1) / columns : 1;
    if (rows > 0)
        buf_printf(out, "\x1b[%zuA", rows);
    buf_add_char(out, '\r');
}

static void write_all(const struct buf *out)
{
    size_t at = 0;

    while (at < out->len) {
        const ssize_t n = write(STDOUT_FILENO, out->data + at, out->len - at);
        if (n <= 0)
            return; /* the terminal has gone; a hang-up signal says so too */
        at += (size_t)n;
    }
}

/* Each line clears what is right of it, the last one what is below. */
static void add_frame(const struct view_frame *f, struct buf *out)
{
    const char *text = buf_text(&f->text);

    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        buf_add(out, text, (size_t)(end - text));
        buf_add_text(out, "\x1b[K\n");
    }
    buf_add_text(out, "\x1b[J");
}

static void draw(struct view *v)
{
    const struct view_look look = look_of(v);
    struct view_frame frame = {0};
    struct buf out = {0};

    if (v->setup.look)
        v->setup.look(v->setup.arg);
    view_render(&frame, &look, v->setup.tracks, v->setup.n_tracks);
    go_up(v, look.columns, &out);
    add_frame(&frame, &out);
    write_all(&out);
    mem_free(v->widths);
    v->widths = frame.widths.items;
    v->n_lines = frame.widths.n;
    v->drawn_at_us = loop_mono_us(v->setup.loop);
    buf_done(&frame.text);
    buf_done(&out);
}

static bool clocks_run(const struct view *v)
{
    for (size_t i = 0; i < v->setup.n_tracks; i++)
        if (v->setup.tracks[i]->started_at != MODEL_NULL &&
            !run_state_final(v->setup.tracks[i]->state))
            return true;
    return false;
}

static void on_timer(void *arg)
{
    struct view *v = arg;

    draw(v);
    if (clocks_run(v))
        loop_timer_add(v->setup.loop, CLOCK_US, on_timer, v, &v->timer);
}

static void changed(struct view *v)
{
    const int64_t since = loop_mono_us(v->setup.loop) - v->drawn_at_us;

    loop_timer_del(v->timer);
    loop_timer_add(v->setup.loop, since >= FRAME_US ? 0 : FRAME_US - since, on_timer, v,
                   &v->timer);
}

static void begin(struct view *v)
{
    setlocale(LC_CTYPE, "");
    draw(v);
}

static void event(struct view *v, const struct track *t, const struct track_event *e)
{
    (void)t;
    (void)e;
    changed(v);
}

/* Above the picture, which is drawn again below it. */
static void note(struct view *v, const char *sentence)
{
    const struct view_look look = look_of(v);
    struct buf out = {0};

    go_up(v, look.columns, &out);
    buf_add_text(&out, "\x1b[J");
    cli_add_clean(&out, sentence, strlen(sentence));
    buf_add_char(&out, '\n');
    write_all(&out);
    buf_done(&out);
    v->n_lines = 0;
    draw(v);
}

static void end(struct view *v)
{
    const struct view_look look = look_of(v);
    struct buf out = {0};

    loop_timer_del(v->timer);
    draw(v);
    for (size_t i = 0; i < v->setup.n_tracks; i++)
        if (run_state_final(v->setup.tracks[i]->state))
            view_summary(v->setup.tracks[i], &look, v->setup.data_dir, &out);
    write_all(&out);
    buf_done(&out);
    mem_free(v->widths);
    v->widths = NULL;
    v->n_lines = 0;
}

const struct view_kind view_live = {
    .name = "live",
    .begin = begin,
    .event = event,
    .changed = changed,
    .note = note,
    .end = end,
};
