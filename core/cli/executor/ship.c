/* ship.c - sends what attempts write: chunks of their logs while they run, whole
 * records at a time, and when one has ended the rest of them and the files of $FF_OUT.
 * Only then its end is told.
 *
 * Pieces say where they belong, so that one may be sent twice. Some lanes do it, an
 * attempt at a time each; one that writes much goes to the end of the queue between two
 * turns. */
#include "cli/executor/executor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE      ((size_t)1 << 20)
#define TURN       8 /* pieces */
#define NAMES_MAX  100000
#define RETRY_US   (UNITS_SECOND / 2)
#define STATUS_OK  200
#define STATUS_OUR 404 /* it is not: the server has given it up */

/* One turn of one attempt. The lane touches nothing else, and hosted is not freed. */
struct ship {
    struct executor *ex;
    struct shipper *shipper;
    struct hosted *h;
    char *server, *session;
    struct ask ask;
    struct ship_mark mark;
    bool ended, has_outputs;
    bool more;   /* the turn is over before the log is */
    bool failed; /* again, later */
    bool gap;
    int64_t size; /* what the last answer said */
    char *piece;
};

struct names {
    char **items;
    size_t n, cap;
};

/* --- one piece --- */

static void add_query(struct buf *url, const char *name, const char *value)
{
    buf_printf(url, "&%s=", name);
    ask_add_escaped(url, value);
}

static void read_answer(struct ship *s, const struct answer *a)
{
    struct ff_err ignored;
    json_t *said = json_parse(buf_text(&a->body), a->body.len, &ignored);

    s->gap = json_is_true(json_object_get(said, "gap"));
    s->size = json_integer_value(json_object_get(said, "size"));
    json_decref(said);
}

/* A server that refuses for good is not asked again: the end is told as it is. */
static bool send_to(struct ship *s, const char *url, const void *bytes, size_t len)
{
    struct answer a;
    struct ff_err err = {0};

    s->ask.method = "PUT";
    s->ask.url = url;
    s->ask.type = "application/octet-stream";
    s->ask.body = bytes;
    s->ask.len = len;
    ask(s->shipper->asker, &s->ask, &a, &err);
    if (a.status == STATUS_OK)
        read_answer(s, &a);
    else if (link_may_pass(a.status))
        s->failed = true;
    else if (a.status != STATUS_OUR)
        log_warn("%s: %s", url, buf_text(&a.body));
    const bool ok = a.status == STATUS_OK;
    buf_done(&a.body);
    return ok;
}

static void begin_url(const struct ship *s, struct buf *url, const char *what)
{
    buf_printf(url, "%s/executor/v1/%s?session=%s", s->server, what, s->session);
    add_query(url, "attempt", s->h->id);
}

/* --- the log --- */

static bool send_log(struct ship *s, const char *bytes, size_t len)
{
    struct buf url = {0};

    begin_url(s, &url, "log");
    buf_printf(&url, "&chunk=%lld&offset=%lld", (long long)s->mark.chunk,
               (long long)(len > 0 ? s->mark.offset : 0));
    const bool ok = send_to(s, buf_text(&url), bytes, len);
    buf_done(&url);
    return ok;
}

static int open_chunk(const struct ship *s, int64_t chunk)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%06lld.log", s->h->log_dir, (long long)chunk);
    const int fd = open(buf_text(&path), O_RDONLY | O_CLOEXEC);
    buf_done(&path);
    return fd;
}

static bool chunk_exists(const struct ship *s, int64_t chunk)
{
    const int fd = open_chunk(s, chunk);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A record that is just being written may be taken away again: it waits for its end. */
static size_t whole_records(const struct ship *s, size_t len)
{
    const char *last = len > 0 ? memrchr(s->piece, '\n', len) : NULL;

    return s->ended ? len : last ? (size_t)(last - s->piece) + 1 : 0;
}

/* Where the server is, of whom is not known what it has. */
static bool find_mark(struct ship *s)
{
    if (!send_log(s, "", 0))
        return false;
    s->mark.offset = s->size;
    s->mark.known = true;
    s->mark.fresh = s->size == 0;
    return true;
}

/* Bytes that were sent of the chunk: 0, there is no more; -1: stop here. */
static ssize_t send_some(struct ship *s, int fd)
{
    if (!s->mark.known && !find_mark(s))
        return -1;
    const ssize_t n = pread(fd, s->piece, PIECE, s->mark.offset);
    const size_t len = whole_records(s, n > 0 ? (size_t)n : 0);
    if (len == 0)
        return 0;
    if (!send_log(s, s->piece, len))
        return -1;
    if (s->gap) {
        s->mark.offset = s->size;
        return (ssize_t)len;
    }
    s->mark.offset += (int64_t)len;
    return (ssize_t)len;
}

static void next_chunk(struct ship *s)
{
    s->mark = (struct ship_mark){
        .chunk = s->mark.chunk + 1, .known = s->mark.fresh, .fresh = s->mark.fresh};
}

static void ship_log(struct ship *s)
{
    for (int i = 0; i < TURN;) {
        const int fd = open_chunk(s, s->mark.chunk);
        const bool last = !chunk_exists(s, s->mark.chunk + 1);
        const ssize_t sent = fd >= 0 ? send_some(s, fd) : 0;
        if (fd >= 0)
            close(fd);
        if (sent < 0 || (sent == 0 && last))
            return;
        if (sent == 0)
            next_chunk(s);
        else
            i++;
    }
    s->more = true;
}

/* --- what it leaves --- */

static int take_name(void *arg, const void *name, size_t len)
{
    struct names *names = arg;

    ARRAY_ADD(names, mem_text_len(name, len));
    return names->n >= NAMES_MAX;
}

struct output {
    struct ship *ship;
    const char *name;
    int64_t offset;
    size_t len;
    bool stopped;
};

static bool send_output(struct output *o)
{
    struct buf url = {0};

    begin_url(o->ship, &url, "output");
    add_query(&url, "name", o->name);
    buf_printf(&url, "&offset=%lld%s", (long long)o->offset,
               o->offset == 0 ? "&fresh=1" : "");
    o->stopped = !send_to(o->ship, buf_text(&url), o->ship->piece, o->len);
    o->offset += (int64_t)o->len;
    o->len = 0;
    buf_done(&url);
    return !o->stopped;
}

static int add_bytes(void *arg, const void *bytes, size_t len)
{
    struct output *o = arg;
    const char *p = bytes;

    while (len > 0) {
        const size_t some = len < PIECE - o->len ? len : PIECE - o->len;
        memcpy(o->ship->piece + o->len, p, some);
        o->len += some;
        p += some;
        len -= some;
        if (o->len == PIECE && !send_output(o))
            return 1;
    }
    return 0;
}

/* What is no regular file is none of its outputs: it is missing there as it is here. */
static void ship_output(struct ship *s, const char *name)
{
    const struct executor *ex = s->ex;
    struct output o = {.ship = s, .name = name};
    struct ff_err err = {0};
    const int code = ex->ops->output(ex->runtime, s->h->id, name, add_bytes, &o, &err);

    if (code != FF_OK)
        log_warn("%s: %s", s->h->id, err.msg);
    else if (!o.stopped && (o.len > 0 || o.offset == 0))
        send_output(&o);
}

static void ship_outputs(struct ship *s)
{
    const struct executor *ex = s->ex;
    struct names names = {0};
    struct ff_err err = {0};
    const int code = ex->ops->outputs(ex->runtime, s->h->id, take_name, &names, &err);

    if (code != FF_OK && code != FF_NOT_FOUND)
        log_warn("%s: %s", s->h->id, err.msg);
    for (size_t i = 0; i < names.n; i++) {
        if (!s->failed)
            ship_output(s, names.items[i]);
        mem_free(names.items[i]);
    }
    ARRAY_DONE(&names);
}

/* --- turns --- */

static void ship_on_lane(void *arg)
{
    struct ship *s = arg;

    s->piece = mem_alloc(PIECE);
    ship_log(s);
    if (!s->failed && !s->more && s->has_outputs)
        ship_outputs(s);
    mem_free(s->piece);
}

static void kick(struct executor *ex);

/* A turn is over; done: nothing is left to be sent. */
static void end_turn(struct hosted *h, bool done, bool again)
{
    struct executor *ex = h->ex;

    h->shipping = false;
    h->shipped = h->shipped || done;
    if (again || h->again || (h->state == HOSTED_ENDED && !h->shipped))
        ship_later(h);
    if (h->shipped && !h->told && h->link)
        link_tell(h->link);
    hosted_settle(h);
    kick(ex);
}

static bool is_session(const struct hosted *h, const char *session)
{
    return link_is_up(h->link) && strcmp(session, h->link->session) == 0;
}

void ship_sent(struct hosted *h, const char *session, bool ok)
{
    if (!ok)
        ship_retry_later(h->ex);
    end_turn(h, ok && is_session(h, session), !ok);
}

/* Of one that did not do its work nobody wants what it may have left. */
static bool hands_on(const struct hosted *h)
{
    return h->has_files && h->end.state == FF_RUN_EXITED && h->end.exit_code == 0 &&
           h->end.signal == 0 && h->end.reason == FF_REASON_NONE;
}

static void after_ship(void *arg)
{
    struct ship *s = arg;
    struct executor *ex = s->ex;
    struct hosted *h = s->h;
    const bool here = is_session(h, s->session);
    const bool done = s->ended && !s->more && !s->failed && here;
    const bool again = s->failed || s->more;

    s->shipper->busy = false;
    if (h->again && !here)
        h->mark = (struct ship_mark){.chunk = 1}; /* it may be another server */
    else
        h->mark = s->mark;
    if (s->failed)
        ship_retry_later(ex);
    mem_free(s->server);
    mem_free(s->session);
    mem_free(s);
    if (!done || !hands_on(h)) {
        end_turn(h, done, again);
    } else if (h->again || h->dropped || ex->gone) {
        end_turn(h, false, true);
    } else {
        files_send(h);
        kick(ex);
    }
}

static void begin(struct shipper *shipper, struct hosted *h)
{
    struct executor *ex = shipper->ex;
    struct ship *s = mem_alloc(sizeof(*s));

    *s = (struct ship){.ex = ex,
                       .shipper = shipper,
                       .h = h,
                       .server = mem_text(h->link->url),
                       .session = mem_text(h->link->session),
                       .ask = link_ask(h->link),
                       .mark = h->mark,
                       .ended = h->state == HOSTED_ENDED,
                       .has_outputs =
                           h->state == HOSTED_ENDED && h->end.state == FF_RUN_EXITED};
    list_del(&h->queue);
    shipper->busy = true;
    h->shipping = true;
    h->again = false;
    lane_do(shipper->lane, ship_on_lane, after_ship, s);
}

static struct hosted *first_to_send(const struct executor *ex)
{
    for (struct list *l = ex->ships.next; l != &ex->ships; l = l->next) {
        struct hosted *h = LIST_OF(l, struct hosted, queue);
        if (link_is_up(h->link))
            return h;
    }
    return NULL;
}

/* While nobody takes it, or a moment after somebody did not, nothing is sent. */
static void kick(struct executor *ex)
{
    for (size_t i = 0; i < N_SHIPPERS; i++) {
        struct hosted *first = first_to_send(ex);
        if (!first || ex->ship_retry || ex->gone)
            return;
        if (!ex->shippers[i].busy)
            begin(&ex->shippers[i], first);
    }
}

void ship_later(struct hosted *h)
{
    struct executor *ex = h->ex;

    if (h->dropped || h->state == HOSTED_UNBORN || (h->shipped && h->told))
        return;
    h->again = h->shipping;
    if (h->shipping)
        return;
    if (list_empty(&h->queue))
        list_add_tail(&ex->ships, &h->queue);
    kick(ex);
}

static void on_retry(void *arg)
{
    kick(arg);
}

void ship_retry_later(struct executor *ex)
{
    if (!ex->ship_retry)
        loop_timer_add(ex->loop, RETRY_US, on_retry, ex, &ex->ship_retry);
}

int ship_open(struct executor *ex, struct ff_err *err)
{
    list_init(&ex->ships);
    for (size_t i = 0; i < N_SHIPPERS; i++) {
        struct shipper *s = &ex->shippers[i];
        s->ex = ex;
        s->asker = asker_new();
        s->lane = lane_new(ex->loop, "ship", err);
        if (!s->lane)
            return err->code;
    }
    return FF_OK;
}

void ship_close(struct executor *ex)
{
    for (size_t i = 0; i < N_SHIPPERS; i++) {
        if (ex->shippers[i].lane)
            lane_free(ex->shippers[i].lane);
        asker_free(ex->shippers[i].asker);
    }
    loop_timer_del(ex->ship_retry);
}
