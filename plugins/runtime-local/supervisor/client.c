/* client.c - see client.h. What requests mean is in requests.c. */
#include "client_priv.h"

#include "sup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CLIENTS  64
#define RUN_REQUESTS 8 /* of one client in one round */
#define NEW_SOCKET   RL_SOCKET ".new"
#define PAUSE_US     100000

/* Above it events wait for the client, and so do its requests. */
#define TX_SOFT_MAX ((size_t)1 << 20)

static void on_client(struct source *source, uint32_t events)
{
    struct client *client = container_of(source, struct client, source);

    if (events & EPOLLOUT)
        client->stuck = false; /* clients_flush tries again */
    /* What came in must be carried out before more is taken in. */
    if ((events & EPOLLIN) && !client->pending &&
        rl_rx_read(&client->rx, source->fd) < 0)
        client->closing = true;
    if (!(events & (EPOLLIN | EPOLLOUT)))
        client->closing = true;
}

static bool is_welcome(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void add_client(struct sup *sup, int fd)
{
    struct client *client = calloc(1, sizeof(*client));

    if (!client) {
        close(fd);
        return;
    }
    *client = (struct client){
        .source = {.fn = on_client, .fd = fd},
        .sup = sup,
        .events = EPOLLIN,
        .next = sup->clients,
        .tx = {.max = RL_FRAME_MAX},
    };
    if (!loop_watch(&sup->loop, &client->source, EPOLLIN)) {
        free(client);
        close(fd);
        return;
    }
    sup->clients = client;
    sup->n_clients++;
}

/* Without descriptors the waiting client would wake us again and again: it is taken
 * with the spare one and turned away, and nobody else for a moment. */
static void turn_away(struct sup *sup)
{
    if (sup->spare_fd >= 0)
        close(sup->spare_fd);
    const int fd = accept4(sup->listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    sup->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop_unwatch(&sup->loop, &sup->listener);
    loop_timer(&sup->loop, &sup->listen_again, sup->loop.now_us + PAUSE_US);
}

static void on_listen_again(struct timer *timer)
{
    struct sup *sup = container_of(timer, struct sup, listen_again);

    if (!loop_watch(&sup->loop, &sup->listener, EPOLLIN))
        loop_timer(&sup->loop, timer, sup->loop.now_us + PAUSE_US);
}

static void on_listener(struct source *source, uint32_t events)
{
    struct sup *sup = container_of(source, struct sup, listener);

    (void)events;
    const int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            turn_away(sup);
        return;
    }
    if (sup->n_clients >= MAX_CLIENTS || !is_welcome(fd))
        close(fd);
    else
        add_client(sup, fd);
}

bool clients_listen(struct sup *sup)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = NEW_SOCKET};

    sup->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sup->listen_again.fn = on_listen_again;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* Names are relative to the state directory, which may be deeper than the 107
     * bytes of an address. The rename makes it appear only when it works. */
    unlink(NEW_SOCKET);
    sup->listener = (struct source){.fn = on_listener, .fd = fd};
    return !bind(fd, (struct sockaddr *)&address, sizeof(address)) &&
           !chmod(NEW_SOCKET, 0600) && !listen(fd, MAX_CLIENTS) &&
           !rename(NEW_SOCKET, RL_SOCKET) &&
           loop_watch(&sup->loop, &sup->listener, EPOLLIN);
}

/* What a process that has died asked for last may not have been read yet. It will never
 * be: whoever adopts is told what is there, and nothing may begin behind his back. */
void clients_end_dead(struct sup *sup)
{
    for (struct client *client = sup->clients; client; client = client->next) {
        struct pollfd fd = {.fd = client->source.fd};
        if (poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR)))
            client->closing = true;
    }
}

void client_done(struct client *client, uint64_t seq, const struct ff_err *err)
{
    const size_t begun = rl_frame_begin(&client->tx, RL_DONE, seq);

    rl_put_i32(&client->tx, err ? err->code : FF_OK);
    rl_put_i32(&client->tx, err ? err->sys : 0);
    rl_put_str(&client->tx, err ? err->msg : NULL);
    rl_frame_end(&client->tx, begun);
}

void client_event(struct client *client, struct attempt *attempt)
{
    if (client->tx.len > TX_SOFT_MAX) {
        attempt->unreported = true;
        client->owed = true;
        return;
    }
    attempt->unreported = false;
    const size_t begun = rl_frame_begin(&client->tx, RL_EVENT, 0);
    outcome_put(&client->tx, attempt->id, &attempt->outcome);
    rl_frame_end(&client->tx, begun);
}

static void pay(struct client *client)
{
    struct table *table = &client->sup->table;

    client->owed = false;
    for (struct attempt *attempt = table_first(table); attempt;
         attempt = table_next(table, attempt))
        if (attempt->unreported && attempt->client == client)
            client_event(client, attempt);
}

static void run(struct client *client)
{
    struct rl_frame frame;

    for (int i = 0; i < RUN_REQUESTS; i++) {
        client->pending = true;
        if (client->closing || client->tx.len > TX_SOFT_MAX)
            return;
        const int found = rl_rx_next(&client->rx, &frame);
        client->pending = found > 0;
        client->closing = client->closing || found < 0;
        if (found <= 0)
            return;
        client_request(client, &frame);
        /* It takes as long as a small task runs: who has ended is told between two. */
        if (frame.type == RL_START || frame.type == RL_START_MASKED)
            return;
    }
}

void clients_run(struct sup *sup)
{
    for (struct client *client = sup->clients; client; client = client->next)
        run(client);
}

static void flush(struct client *client)
{
    if (client->owed && client->tx.len <= TX_SOFT_MAX)
        pay(client);
    if (client->tx.failed)
        client->closing = true;
    if (!client->tx.len || client->stuck || client->closing)
        return;
    const size_t before = client->tx.len;
    const int sent = rl_out_send(&client->tx, &client->sent, client->source.fd);
    if (sent < 0)
        client->closing = true;
    client->stuck = sent == 0;
    /* One who does not read what it asked for may not ask for more. */
    const bool slow = client->stuck && before > TX_SOFT_MAX;
    const uint32_t events = (slow ? 0 : EPOLLIN) | (client->stuck ? EPOLLOUT : 0);
    if (events != client->events)
        loop_events(&client->sup->loop, &client->source, events);
    client->events = events;
}

static void free_client(struct client *client)
{
    struct sup *sup = client->sup;

    for (struct attempt *attempt = table_first(&sup->table); attempt;
         attempt = table_next(&sup->table, attempt))
        if (attempt->client == client)
            attempt->client = NULL;
    loop_unwatch(&sup->loop, &client->source);
    close(client->source.fd);
    rl_rx_done(&client->rx);
    rl_out_done(&client->tx);
    sup->n_clients--;
    sup->n_greeted -= client->greeted;
    free(client);
}

bool clients_flush(struct sup *sup)
{
    struct client **at = &sup->clients;
    bool more = false;

    while (*at) {
        struct client *client = *at;
        flush(client);
        if (client->closing) {
            *at = client->next;
            free_client(client);
        } else {
            more = more || (client->pending && client->tx.len <= TX_SOFT_MAX);
            at = &client->next;
        }
    }
    return more;
}

void clients_close(struct sup *sup)
{
    close(sup->listener.fd);
    unlink(RL_SOCKET);
    for (struct client *client = sup->clients; client; client = client->next)
        client->closing = true;
    clients_flush(sup);
}
