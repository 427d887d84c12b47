/* owner_link.c - see owner_link.h. */
#include "cli/owner/owner_link.h"

#include "api/api.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CALL_TIMEOUT_US (5 * UNITS_SECOND)
#define PENDING_MAX     ((size_t)1024 * 1024)

struct owner_link {
    struct owner_link_setup setup;
    struct client *client;
    struct lane *lane;
    struct loop_watch *watch;
    struct buf path;    /* of the request */
    struct buf pending; /* read from the pipe, not yet a whole line */
    int data[2];        /* lines of JSON, from the thread to the loop */
    int stop[2];        /* closed at one end: the thread gives up */
    bool began;         /* the thread closes data[1] */
    struct ff_err err;  /* the thread's; read after it was joined */
};

/* --- the thread --- */

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false; /* the loop's end is closed: the link is being freed */
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool on_event(void *arg, const char *id, const char *event, const char *data,
                     size_t len)
{
    const struct owner_link *link = arg;

    (void)id;
    (void)event;
    return !memchr(data, '\n', len) && write_all(link->data[1], data, len) &&
           write_all(link->data[1], "\n", 1);
}

static void listen_to_owner(void *arg)
{
    struct owner_link *link = arg;

    client_events(link->client, buf_text(&link->path), NULL, on_event, link,
                  &link->err);
    close(link->data[1]);
}

/* --- the loop --- */

static void take_lines(struct owner_link *link)
{
    struct buf *b = &link->pending;
    const char *end;

    while (b->len > 0 && (end = memchr(b->data, '\n', b->len))) {
        const size_t len = (size_t)(end - b->data);
        struct ff_err err = {0};
        json_t *data = json_parse(b->data, len, &err);
        buf_drop(b, len + 1);
        if (data)
            link->setup.event(link->setup.arg, data);
        else
            log_debug("the owner sent no JSON: %s", err.msg);
        json_decref(data);
    }
}

static void on_readable(void *arg, int fd, uint32_t events)
{
    struct owner_link *link = arg;
    char bytes[8192];

    (void)events;
    const ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0)
        return;
    if (n > 0) {
        buf_add(&link->pending, bytes, (size_t)n);
        take_lines(link);
        return;
    }
    loop_watch_del(link->watch);
    link->watch = NULL;
    /* Its last act was to close the pipe; after the join its words can be read. */
    lane_free(link->lane);
    link->lane = NULL;
    link->setup.ended(link->setup.arg, &link->err);
}

/* Descriptor 0 may be free, and the client takes 0 for "none". */
static int make_pipe(int fds[2], struct ff_err *err)
{
    int low[2];

    if (pipe2(low, O_CLOEXEC) != 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "cannot make a pipe: %s",
                       strerror(errno));
    for (int i = 0; i < 2; i++) {
        fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
        close(low[i]);
    }
    if (fds[0] >= 0 && fds[1] >= 0)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, errno, "cannot make a pipe: %s",
                   strerror(errno));
}

static int connect_to(struct owner_link *link, struct ff_err *err)
{
    const struct client_options opts = {.endpoint = link->setup.socket,
                                        .stop_fd = link->stop[0]};

    link->client = client_new(&opts, err);
    if (!link->client)
        return err->code;
    buf_add_text(&link->path, "/api/v1/");
    if (link->setup.run) {
        buf_add_text(&link->path, "runs/");
        client_escape(&link->path, link->setup.run);
        buf_add_char(&link->path, '/');
    }
    buf_add_text(&link->path, "events");
    if (link->setup.run && link->setup.inside)
        buf_add_text(&link->path, "?inside=true");
    link->lane = lane_new(link->setup.loop, "owner", err);
    return link->lane ? FF_OK : err->code;
}

struct owner_link *owner_link_new(const struct owner_link_setup *setup,
                                  struct ff_err *err)
{
    struct owner_link *link = mem_alloc(sizeof(*link));

    *link = (struct owner_link){.setup = *setup,
                                .pending = {.max = PENDING_MAX},
                                .data = {-1, -1},
                                .stop = {-1, -1}};
    if (make_pipe(link->data, err) != FF_OK || make_pipe(link->stop, err) != FF_OK ||
        connect_to(link, err) != FF_OK) {
        owner_link_free(link);
        return NULL;
    }
    link->watch =
        loop_watch_add(setup->loop, link->data[0], FF_FD_READ, on_readable, link);
    link->began = true;
    lane_do(link->lane, listen_to_owner, NULL, link);
    return link;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void owner_link_free(struct owner_link *link)
{
    if (!link)
        return;
    loop_watch_del(link->watch);
    /* Either end wakes the thread, wherever it waits. */
    close_fd(link->stop[1]);
    close_fd(link->data[0]);
    lane_free(link->lane);
    close_fd(link->stop[0]);
    if (!link->began)
        close_fd(link->data[1]);
    client_free(link->client);
    buf_done(&link->path);
    buf_done(&link->pending);
    mem_free(link);
}

/* --- single calls --- */

int owner_call(const char *socket, const char *method, const char *path,
               const json_t *body, json_t **out, struct ff_err *err)
{
    const struct client_options opts = {.endpoint = socket,
                                        .timeout_us = CALL_TIMEOUT_US};
    struct client *client = client_new(&opts, err);

    if (!client)
        return err->code;
    const int code = client_json(client, method, path, body, out, err);
    client_free(client);
    return code;
}

int owner_call_cancel(const char *socket, const char *run, bool kill,
                      struct ff_err *err)
{
    json_t *body = json_pack("{s:s}", "mode", kill ? "kill" : "graceful");
    struct buf path = {0};

    buf_add_text(&path, "/api/v1/runs/");
    client_escape(&path, run);
    buf_add_text(&path, "/cancel");
    const int code = owner_call(socket, "POST", buf_text(&path), body, NULL, err);
    buf_done(&path);
    json_decref(body);
    return code;
}

bool owner_wake(const struct cli_session *s)
{
    MEM_AUTO char *socket = s->remote ? NULL : node_socket_path(s->node);
    struct ff_err err;

    return s->remote ||
           owner_call(socket, "POST", "/api/v1/wake", NULL, NULL, &err) == FF_OK;
}
