/* http/meter.c - who sends or takes too few bytes a second. The timer runs only while
 * bytes are due: input that the protocol awaits, or output that is not out yet. A
 * window is judged when bytes were due through all of it. */
#include "http/conn.h"

static void begin_window(struct http_conn *c)
{
    struct http_meter *m = &c->meter;

    m->n_in = m->n_out = 0;
    m->was_due = m->awaits;
    m->was_full = evbuffer_get_length(http_conn_output(c)) > 0;
}

static bool is_slow(const struct http_conn *c)
{
    const struct http_meter *m = &c->meter;
    const struct http_options *opts = &c->server->opts;
    double least =
        (double)opts->rate_min * (double)opts->rate_window_us / (double)UNITS_SECOND;

    return (m->was_due && (double)m->n_in < least) ||
           (m->was_full && c->stall_us == 0 && (double)m->n_out < least);
}

static void arm(struct http_conn *c);

static void on_window(void *arg)
{
    struct http_conn *c = arg;
    bool slow_in = c->meter.was_due;

    http_conn_enter(c);
    if (!is_slow(c)) {
        begin_window(c);
        arm(c);
    } else {
        c->server->counts.n_slow++;
        if (slow_in && (!c->meter.was_full || c->stall_us > 0))
            c->protocol->late(c);
        else
            http_conn_kill(c);
    }
    http_conn_leave(c);
}

static void arm(struct http_conn *c)
{
    struct http_meter *m = &c->meter;

    if (!m->timer && (m->awaits || evbuffer_get_length(http_conn_output(c)) > 0))
        loop_timer_add(c->server->loop, c->server->opts.rate_window_us, on_window, c,
                       &m->timer);
}

static void disarm(struct http_conn *c)
{
    if (!c->meter.awaits && evbuffer_get_length(http_conn_output(c)) == 0) {
        loop_timer_del(c->meter.timer);
        c->meter.timer = NULL;
    }
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info,
                     void *arg)
{
    (void)input;
    ((struct http_conn *)arg)->meter.n_in += info->n_added;
}

static void await_output(struct http_conn *c)
{
    if (!c->meter.timer)
        begin_window(c);
    arm(c);
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info,
                      void *arg)
{
    struct http_conn *c = arg;

    c->meter.n_out += info->n_deleted;
    if (evbuffer_get_length(output) == 0) {
        c->meter.was_full = false;
        disarm(c);
    } else if (!c->gathers) {
        await_output(c);
    }
}

static bool is_metered(const struct http_conn *c)
{
    return c->server->opts.rate_min > 0 && !c->peer.local;
}

void http_meter_unsent(struct http_conn *c)
{
    if (is_metered(c))
        await_output(c);
}

void http_meter_await(struct http_conn *c, bool awaits)
{
    if (!is_metered(c) || c->meter.awaits == awaits)
        return;
    c->meter.awaits = awaits;
    if (!awaits)
        c->meter.was_due = false;
    if (awaits && !c->meter.timer)
        begin_window(c);
    if (awaits)
        arm(c);
    else
        disarm(c);
}

void http_meter_init(struct http_conn *c)
{
    if (!is_metered(c))
        return;
    evbuffer_add_cb(http_conn_input(c), on_input, c);
    evbuffer_add_cb(http_conn_output(c), on_output, c);
}

void http_meter_done(struct http_conn *c)
{
    evbuffer_remove_cb(http_conn_input(c), on_input, c);
    evbuffer_remove_cb(http_conn_output(c), on_output, c);
    loop_timer_del(c->meter.timer);
    c->meter.timer = NULL;
}
