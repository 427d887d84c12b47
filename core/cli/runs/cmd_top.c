/* cmd_top.c - what runs now and what waits: once, or on a terminal again and again. As
 * in the picture of `run` nothing of the terminal's state is changed: each picture is
 * drawn over the one before. */
#include "cli/runs/load_view.h"
#include "cli/runs/runs.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define EVERY_US  UNITS_SECOND
#define COST_PART 10 /* reading takes no more than this part of the time */

struct top {
    struct cli *c;
    struct cli_session *s;
    struct loop_timer *timer;
    size_t n_lines; /* on the screen */
    int code;
};

static void screen_size(size_t *rows, size_t *columns)
{
    struct winsize size = {0};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

    *rows = known && size.ws_row > 1 ? size.ws_row - (size_t)1 : 23;
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
}

/* Each line ends with what clears the rest of it, and the last one with what clears the
 * screen below. */
static void add_picture(struct top *t, const struct buf *text, struct buf *out)
{
    if (t->n_lines > 0)
        buf_printf(out, "\033[%zuA\r", t->n_lines);
    t->n_lines = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\n') {
            buf_add_text(out, "\033[K");
            t->n_lines++;
        }
        buf_add_char(out, text->data[i]);
    }
    buf_add_text(out, "\033[J");
}

static int draw(struct top *t, const struct load_view *v)
{
    struct buf text = {0};
    struct buf out = {0};
    size_t rows;
    size_t columns;

    screen_size(&rows, &columns);
    load_view_text(v, rows, columns, &text);
    add_picture(t, &text, &out);
    buf_done(&text);
    return cli_print(&out);
}

static void again(void *arg)
{
    struct top *t = arg;
    struct load_view v;
    const int64_t before_us = loop_mono_us(t->s->loop);

    t->code = load_view_read(&v, t->s);
    if (t->code == CLI_OK)
        t->code = draw(t, &v);
    load_view_done(&v);
    if (t->code != CLI_OK) {
        loop_stop(t->s->loop, 0);
        return;
    }
    const int64_t cost_us = (loop_mono_us(t->s->loop) - before_us) * COST_PART;
    loop_timer_add(t->s->loop, cost_us > EVERY_US ? cost_us : EVERY_US, again, t,
                   &t->timer);
}

static int once(struct top *t)
{
    struct load_view v;
    struct buf out = {0};
    int code = load_view_read(&v, t->s);

    if (code == CLI_OK && t->c->json)
        load_view_json(&v, &out);
    else if (code == CLI_OK)
        load_view_text(&v, 0, 0, &out);
    load_view_done(&v);
    return code == CLI_OK ? cli_print(&out) : code;
}

int cmd_top(struct cli *c)
{
    struct cli_session s = {0};
    struct top t = {.c = c, .s = &s};
    int code = cli_open(c, &s);

    if (code == CLI_OK &&
        (c->json || cli_has(&c->args, "once") || !isatty(STDOUT_FILENO))) {
        code = once(&t);
    } else if (code == CLI_OK) {
        again(&t);
        if (t.code == CLI_OK)
            loop_run(s.loop);
        code = t.code;
    }
    loop_timer_del(t.timer);
    cli_close(&s);
    return code;
}
