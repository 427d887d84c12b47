/* stream.c - see stream.h. libcurl says which descriptors and timers it waits for, and
 * is told by the loop what came of them. It is called from outside of it alone: what it
 * hands over is kept, and told when it has returned. */
#include "cli/remote/stream.h"

#include "cli/remote/curl_priv.h"
#include "cli/remote/remote_priv.h"

#include <string.h>

#define EVENT_MAX     ((size_t)64 * 1024 * 1024) /* a step of some 900,000 tasks */
#define IN_MAX        (2 * EVENT_MAX) /* an event, and what came right behind it */
#define SILENT_S      60L             /* it sends a comment every 15 seconds */
#define FIRST_US      (UNITS_SECOND / 10)
#define WAIT_MAX_US   (5 * UNITS_SECOND)
#define NEVER_OPEN_US (5 * UNITS_SECOND) /* as long as other requests are tried */
#define LOST_US       (600 * UNITS_SECOND)

struct socket {
    curl_socket_t fd;
    struct loop_watch *watch;
};

struct remote_stream {
    struct remote_stream_setup setup;
    struct buf url;
    struct curl_request request;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
    struct {
        struct socket *items;
        size_t n, cap;
    } sockets;
    struct loop_timer *timer; /* libcurl's; or the next try */
    struct buf in, data, id, event;
    char *last_id;
    char reason[32]; /* for which the server ended it */
    int64_t begun_at, lost_at, wait_us;
    bool opened, lost, busy, closed;
    bool too_large; /* an event is, and would be each time it is asked for */
};

static void turn(struct remote_stream *s, curl_socket_t fd, int what);

/* --- what libcurl waits for --- */

static void on_timer(void *arg)
{
    turn(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct remote_stream *s = arg;

    (void)multi;
    loop_timer_del(s->timer);
    if (ms >= 0)
        loop_timer_add(s->setup.loop, (int64_t)ms * 1000, on_timer, s, &s->timer);
    return 0;
}

static void on_fd(void *arg, int fd, uint32_t events)
{
    turn(arg, fd,
         (events & FF_FD_READ ? CURL_CSELECT_IN : 0) |
             (events & FF_FD_WRITE ? CURL_CSELECT_OUT : 0));
}

static struct socket *find_socket(struct remote_stream *s, curl_socket_t fd)
{
    for (size_t i = 0; i < s->sockets.n; i++)
        if (s->sockets.items[i].fd == fd)
            return &s->sockets.items[i];
    return NULL;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct remote_stream *s = arg;
    struct socket *known = find_socket(s, fd);
    const uint32_t events = (what & CURL_POLL_IN ? FF_FD_READ : 0) |
                            (what & CURL_POLL_OUT ? FF_FD_WRITE : 0);

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (known) {
            loop_watch_del(known->watch);
            *known = s->sockets.items[--s->sockets.n];
        }
    } else if (known) {
        loop_watch_set(known->watch, events);
    } else {
        const struct socket fresh = {
            fd, loop_watch_add(s->setup.loop, fd, events, on_fd, s)};
        ARRAY_ADD(&s->sockets, fresh);
    }
    return 0;
}

/* --- what the server says --- */

static size_t take_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct remote_stream *s = arg;

    s->too_large = s->too_large || s->in.len + size * n > IN_MAX;
    if (s->too_large)
        return 0; /* which ends the transfer */
    buf_add(&s->in, bytes, size * n);
    return size * n;
}

static void take_field(struct remote_stream *s, const char *name, size_t len,
                       const char *value, size_t value_len)
{
    static const char *const names[] = {"id", "event", "data"};
    struct buf *const places[] = {&s->id, &s->event, &s->data};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (len != strlen(names[i]) || memcmp(name, names[i], len) != 0)
            continue;
        if (places[i]->len + value_len > EVENT_MAX) {
            s->too_large = true;
            return;
        }
        if (places[i] != &s->data)
            buf_clear(places[i]);
        else if (s->data.len > 0)
            buf_add_char(&s->data, '\n');
        buf_add(places[i], value, value_len);
    }
}

static void tell_end(struct remote_stream *s, const json_t *data)
{
    const char *reason = json_string_value(json_object_get(data, "reason"));

    snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "");
}

static bool is_known(const struct remote_stream *s)
{
    return s->opened || s->setup.known;
}

static void found(struct remote_stream *s)
{
    if (s->lost && s->setup.lost && is_known(s) && !s->closed)
        s->setup.lost(s->setup.arg, NULL);
    s->lost = false;
}

/* An empty line ends an event. The id counts when it has been told. */
static void tell(struct remote_stream *s)
{
    struct ff_err ignored;
    json_t *data = json_parse(buf_text(&s->data), s->data.len, &ignored);

    if (data && strcmp(buf_text(&s->event), "end") == 0)
        tell_end(s, data);
    else if (data)
        s->setup.event(s->setup.arg, data);
    json_decref(data);
    if (s->id.len > 0) {
        mem_free(s->last_id);
        s->last_id = mem_text(buf_text(&s->id));
        found(s);
        if (!s->opened && s->setup.opened && !s->closed)
            s->setup.opened(s->setup.arg);
        s->opened = true;
    }
    buf_clear(&s->id);
    buf_clear(&s->event);
    buf_clear(&s->data);
}

static void take_line(struct remote_stream *s, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0) {
        tell(s);
        return;
    }
    const char *colon = memchr(line, ':', len);
    const size_t name = colon ? (size_t)(colon - line) : len;
    const size_t value =
        name + (name < len) + (name + 1 < len && line[name + 1] == ' ');

    take_field(s, line, name, line + value, len - value);
}

static bool is_stream(const struct remote_stream *s)
{
    const char *type = NULL;
    long status = 0;

    libcurl.getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    libcurl.getinfo(s->easy, CURLINFO_CONTENT_TYPE, &type);
    return status == 200 && type && strncmp(type, "text/event-stream", 17) == 0;
}

static void tell_lines(struct remote_stream *s)
{
    const char *text = buf_text(&s->in);
    const char *newline;
    size_t at = 0;

    if (s->in.len == 0 || !is_stream(s))
        return;
    while (!s->closed && !s->too_large &&
           (newline = memchr(text + at, '\n', s->in.len - at))) {
        const size_t len = (size_t)(newline - text) - at;

        take_line(s, text + at, len);
        at += len + 1;
    }
    buf_drop(&s->in, at);
}

/* --- from one connection to the next --- */

static void end_transfer(struct remote_stream *s)
{
    if (s->easy) {
        libcurl.multi_remove(s->multi, s->easy);
        libcurl.cleanup(s->easy);
        libcurl.free_all(s->headers);
    }
    s->easy = NULL;
    s->headers = NULL;
    loop_timer_del(s->timer);
    buf_clear(&s->in);
    buf_clear(&s->id);
    buf_clear(&s->event);
    buf_clear(&s->data);
}

static void begin(void *arg)
{
    struct remote_stream *s = arg;

    s->easy = libcurl.init();
    if (!s->easy)
        mem_exhausted();
    s->why[0] = '\0';
    s->begun_at = loop_mono_us(s->setup.loop);
    s->request.last_event_id = s->last_id;
    s->headers = curl_set_up(s->easy, &s->request, s->why);
    libcurl.setopt(s->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    libcurl.setopt(s->easy, CURLOPT_WRITEDATA, s);
    libcurl.setopt(s->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    libcurl.setopt(s->easy, CURLOPT_LOW_SPEED_TIME, SILENT_S);
    libcurl.multi_add(s->multi, s->easy);
}

/* What came of one connection. */
struct connection {
    CURLcode result;
    long status;
    bool streamed;
    json_t *problem; /* or NULL */
};

static int refuse(const struct remote_stream *s, const struct connection *o)
{
    const char *server = s->setup.remote->server;

    if (o->result != CURLE_OK)
        return cli_fail(CLI_UNAVAILABLE, "%s cannot be asked: %s", server,
                        s->why[0] ? s->why : libcurl.error(o->result));
    if (o->status == 200)
        return cli_fail(CLI_UNAVAILABLE, "%s does not answer as FlowForge does",
                        server);
    return remote_refused(s->setup.remote, o->status, o->problem);
}

/* Where it was reached before it is not its name that is wrong, nor its protocol. */
static bool is_passing_there(const struct remote_stream *s, CURLcode result)
{
    return is_known(s) &&
           (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_SSL_CONNECT_ERROR);
}

static bool is_passing(const struct remote_stream *s, const struct connection *o)
{
    if (o->streamed)
        return true; /* it was opened once, so it may be again */
    if (o->result != CURLE_OK)
        return curl_is_passing(o->result) || o->result == CURLE_OPERATION_TIMEDOUT ||
               is_passing_there(s, o->result);
    return o->status == 429 || (o->status >= 502 && o->status <= 504);
}

static void say_lost(const struct remote_stream *s, const struct connection *o)
{
    char status[32];

    if (!is_known(s))
        return;
    if (!s->setup.lost && !s->lost)
        cli_note(s->setup.c, "%s does not answer any more; asking again",
                 s->setup.remote->server);
    if (!s->setup.lost)
        return;
    snprintf(status, sizeof(status), "it answers %ld", o->status);
    s->setup.lost(s->setup.arg, o->result == CURLE_OK
                                    ? o->streamed ? "it broke off" : status
                                : s->why[0] ? s->why
                                            : libcurl.error(o->result));
}

/* False: it was tried for too long. */
static bool try_again(struct remote_stream *s, const struct connection *o)
{
    const int64_t now = loop_mono_us(s->setup.loop);

    if (!s->lost)
        s->lost_at = now;
    say_lost(s, o);
    s->lost = true;
    if (s->closed)
        return true;
    if (now - s->begun_at > WAIT_MAX_US) /* else who ends all at once is asked less */
        s->wait_us = FIRST_US;
    if (now - s->lost_at > (is_known(s) ? LOST_US : NEVER_OPEN_US))
        return false;
    loop_timer_add(s->setup.loop, s->wait_us, begin, s, &s->timer);
    s->wait_us = 2 * s->wait_us < WAIT_MAX_US ? 2 * s->wait_us : WAIT_MAX_US;
    return true;
}

static bool is_crowded(const struct remote_stream *s, const struct connection *o)
{
    return s->setup.crowded && o->result == CURLE_OK && o->status == 429;
}

static void decide(struct remote_stream *s, const struct connection *o)
{
    const bool over = strcmp(s->reason, "over") == 0;
    int code = CLI_OK;

    if (is_crowded(s, o)) {
        s->setup.crowded(s->setup.arg);
        return;
    }
    if (strcmp(s->reason, "denied") == 0)
        code = cli_fail(CLI_DENIED, "%s: the credential may not see this any more",
                        s->setup.remote->server);
    else if (s->too_large)
        code = cli_fail(CLI_UNAVAILABLE,
                        "%s tells of something larger than %zu MiB, which is too much",
                        s->setup.remote->server, EVENT_MAX >> 20);
    else if (!over && is_passing(s, o) && try_again(s, o))
        return;
    else if (!over)
        code = refuse(s, o);
    s->setup.ended(s->setup.arg, code);
}

static void judge(struct remote_stream *s, CURLcode result)
{
    struct connection o = {.result = result, .streamed = is_stream(s)};
    struct ff_err ignored;

    libcurl.getinfo(s->easy, CURLINFO_RESPONSE_CODE, &o.status);
    if (!o.streamed)
        o.problem = json_parse(buf_text(&s->in), s->in.len, &ignored);
    end_transfer(s);
    decide(s, &o);
    json_decref(o.problem);
}

static void destroy(struct remote_stream *s)
{
    end_transfer(s);
    libcurl.multi_cleanup(s->multi);
    loop_timer_del(s->timer);
    for (size_t i = 0; i < s->sockets.n; i++)
        loop_watch_del(s->sockets.items[i].watch);
    ARRAY_DONE(&s->sockets);
    buf_done(&s->url);
    buf_done(&s->in);
    buf_done(&s->data);
    buf_done(&s->id);
    buf_done(&s->event);
    mem_free(s->last_id);
    mem_free(s);
}

/* Something came of what libcurl waits for. */
static void turn(struct remote_stream *s, curl_socket_t fd, int what)
{
    CURLcode result = CURLE_OK;
    bool over = false;
    int n;

    libcurl.multi_action(s->multi, fd, what, &n);
    for (const CURLMsg *m; (m = libcurl.multi_info(s->multi, &n));)
        if (m->msg == CURLMSG_DONE) {
            over = true;
            result = m->data.result;
        }
    s->busy = true;
    tell_lines(s);
    if ((over || s->too_large) && !s->closed)
        judge(s, result);
    s->busy = false;
    if (s->closed)
        destroy(s);
}

struct remote_stream *remote_stream_open(const struct remote_stream_setup *setup,
                                         struct ff_err *err)
{
    if (curl_load(err) != FF_OK)
        return NULL;
    struct remote_stream *s = mem_alloc(sizeof(*s));

    *s = (struct remote_stream){
        .setup = *setup, .multi = libcurl.multi_init(), .wait_us = FIRST_US};
    if (!s->multi)
        mem_exhausted();
    s->request = remote_request_of(setup->remote, setup->path, &s->url);
    s->request.streams = true;
    libcurl.multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    libcurl.multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
    libcurl.multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    libcurl.multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
    begin(s);
    return s;
}

void remote_stream_close(struct remote_stream *s)
{
    if (!s)
        return;
    s->closed = true;
    if (!s->busy)
        destroy(s);
}
