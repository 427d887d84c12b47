/* queue-shared.c - a queue between processes, for what none of ours declares yet: the
 * conformance kit's checks of FF_QUEUE_SHARED must be seen to pass somewhere. The first
 * session of a directory starts a broker process (queue-shared-broker.c). */
#include "queue-shared.h"

#include <flowforge/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct config {
    const char *dir;
};

static const struct ff_opt options[] = {
    {.name = "dir",
     .help = "directory that the processes share",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED,
     .offset = offsetof(struct config, dir)},
    {0},
};

struct out {
    struct out *next;
    uint64_t number;
};

struct subscription {
    struct subscription *next;
    uint64_t place;
    uint32_t credit, n_out;
    ff_deliver_fn *fn;
    void *arg;
    struct out *outs;
    char topic[NAME_MAX_LEN];
};

struct pending {
    struct pending *next;
    uint64_t number;
    struct ff_op *op;
};

struct session {
    const struct ff_host *host;
    int fd;
    struct ff_watch *watch;
    struct subscription *subscriptions;
    struct pending *first, **last;
    uint64_t n_places, n_ops;
    bool in_call, closed; /* a subscriber is being called; it closed us */
};

/* --- the broker --- */

static int listen_at(const struct sockaddr_un *address)
{
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    unlink(address->sun_path);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        listen(fd, 64) == 0)
        return fd;
    close(fd);
    return -1;
}

static void start_broker(const char *lock_path, const struct sockaddr_un *address)
{
    const int listening_fd = listen_at(address);

    if (listening_fd < 0 || fork() != 0) {
        close(listening_fd);
        return;
    }
    /* Nothing of whoever started it: pipes that end when he ends, his lock. */
    dup2(listening_fd, 3);
    syscall(SYS_close_range, 4u, ~0u, 0u);
    broker_run(3, open(lock_path, O_RDWR | O_CLOEXEC), address->sun_path);
}

static int dial(const struct config *config, struct ff_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char lock_path[sizeof(address.sun_path)];
    const int len = snprintf(address.sun_path, sizeof(address.sun_path),
                             "%s/broker.sock", config->dir);

    if (len < 0 || (size_t)len >= sizeof(address.sun_path))
        return ff_fail(err, FF_INVALID, 0, "dir is too long for a socket"), -1;
    snprintf(lock_path, sizeof(lock_path), "%.*s.lock", len - 5, address.sun_path);
    const int lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    flock(lock_fd, LOCK_EX);
    for (int i = 0; i < 2; i++) {
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            close(lock_fd);
            return fd;
        }
        start_broker(lock_path, &address);
    }
    ff_fail(err, FF_UNAVAILABLE, errno, "no broker in %.150s: %s", config->dir,
            strerror(errno));
    close(lock_fd);
    close(fd);
    return -1;
}

/* --- saying --- */

static struct packet *packet_of(uint32_t type, const char *topic)
{
    static struct packet p; /* on the loop thread only */

    memset(&p, 0, offsetof(struct packet, body));
    p.type = type;
    if (topic)
        snprintf(p.topic, sizeof(p.topic), "%s", topic);
    return &p;
}

static void say(const struct session *s, const struct packet *p)
{
    while (send(s->fd, p, PACKET_LEN(p), MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void fence(struct session *s, struct ff_op *op)
{
    struct packet *p = packet_of(FENCE, NULL);
    struct pending *pending = malloc(sizeof(*pending));

    *pending = (struct pending){.number = ++s->n_ops, .op = op};
    *s->last = pending;
    s->last = &pending->next;
    p->number = pending->number;
    say(s, p);
}

static void fail(const struct session *s, struct ff_op *op, const char *why)
{
    struct ff_err err;

    ff_fail(&err, FF_INVALID, 0, "%s", why);
    s->host->complete(s->host->self, op, &err);
}

/* --- hearing --- */

static struct subscription *find(const struct session *s, uint64_t place)
{
    for (struct subscription *u = s->subscriptions; u; u = u->next)
        if (u->place == place)
            return u;
    return NULL;
}

static struct subscription *find_topic(const struct session *s, const char *topic)
{
    for (struct subscription *u = s->subscriptions; u; u = u->next)
        if (strcmp(u->topic, topic) == 0)
            return u;
    return NULL;
}

static bool forget_out(struct subscription *u, uint64_t number)
{
    for (struct out **at = &u->outs; *at; at = &(*at)->next)
        if ((*at)->number == number) {
            struct out *gone = *at;

            *at = gone->next;
            free(gone);
            u->n_out--;
            return true;
        }
    return false;
}

static void show(struct session *s, struct subscription *u, const struct packet *p,
                 const char *receipt)
{
    const struct ff_message m = {
        .struct_size = sizeof(m),
        .delivery = p->type == NEWS ? 1 : p->delivery,
        .topic = p->topic,
        .id = p->id,
        .body = p->body,
        .len = p->len,
        .receipt = receipt,
    };

    s->in_call = true;
    u->fn(u->arg, &m);
    s->in_call = false;
}

static void on_deliver(struct session *s, struct packet *p)
{
    struct subscription *u = find(s, p->place);
    char receipt[64];

    if (!u)
        return; /* unsubscribed meanwhile: the broker knows by now */
    if (u->n_out >= u->credit) {
        /* It was on its way when the credit was lowered. */
        struct packet *back = packet_of(NACK, NULL);

        back->number = p->number;
        back->place = p->place;
        say(s, back);
        return;
    }
    struct out *out = malloc(sizeof(*out));

    *out = (struct out){u->outs, p->number};
    u->outs = out;
    u->n_out++;
    snprintf(receipt, sizeof(receipt), "%llu.%llu", (unsigned long long)p->number,
             (unsigned long long)p->place);
    show(s, u, p, receipt);
}

static void on_done(struct session *s, uint64_t number)
{
    struct pending *first = s->first;

    if (!first || first->number != number)
        return;
    s->first = first->next;
    if (!s->first)
        s->last = &s->first;
    s->host->complete(s->host->self, first->op, NULL);
    free(first);
}

static void on_packet(struct session *s, struct packet *p)
{
    struct subscription *u = find(s, p->place);

    if (p->type == DELIVER)
        on_deliver(s, p);
    else if (p->type == NEWS && u)
        show(s, u, p, NULL);
    else if (p->type == DONE)
        on_done(s, p->number);
}

static void on_readable(void *arg, int fd, uint32_t events)
{
    struct session *s = arg;
    struct packet *p = malloc(sizeof(*p));

    (void)events;
    while (!s->closed && recv(fd, p, sizeof(*p), MSG_DONTWAIT) > 0)
        on_packet(s, p);
    free(p);
    if (s->closed)
        free(s);
}

/* --- the contract --- */

static int queue_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    const int fd = dial(config, err);

    if (fd < 0)
        return err->code;
    struct session *s = calloc(1, sizeof(*s));

    s->host = host;
    s->fd = fd;
    s->last = &s->first;
    s->watch = host->watch_add(host->self, fd, FF_FD_READ, on_readable, s);
    *queue = s;
    return FF_OK;
}

static void drop(struct session *s, struct subscription **at)
{
    struct subscription *gone = *at;

    (void)s;
    *at = gone->next;
    while (gone->outs)
        forget_out(gone, gone->outs->number);
    free(gone);
}

static void queue_close(void *queue)
{
    struct session *s = queue;
    struct ff_err err;

    if (!s)
        return;
    s->host->watch_del(s->host->self, s->watch);
    close(s->fd);
    while (s->subscriptions)
        drop(s, &s->subscriptions);
    ff_fail(&err, FF_CANCELLED, 0, "the session was closed");
    while (s->first) {
        struct pending *next = s->first->next;

        s->host->complete(s->host->self, s->first->op, &err);
        free(s->first);
        s->first = next;
    }
    s->closed = true;
    if (!s->in_call)
        free(s);
}

static void put(const struct session *s, uint32_t type, const struct ff_message *m)
{
    struct packet *p = packet_of(type, m->topic);

    snprintf(p->id, sizeof(p->id), "%s", m->id);
    p->time_us = m->not_before_us;
    p->len = (uint32_t)m->len;
    if (m->len > 0)
        memcpy(p->body, m->body, m->len);
    say(s, p);
}

static void queue_publish(void *queue, const struct ff_message *messages, size_t n,
                          struct ff_op *op)
{
    struct session *s = queue;

    for (size_t i = 0; i < n; i++)
        if (messages[i].len > BODY_MAX) {
            fail(s, op, "a message has a body of at most 64 KiB");
            return;
        }
    for (size_t i = 0; i < n; i++)
        put(s, PUBLISH, &messages[i]);
    fence(s, op);
}

static void queue_broadcast(void *queue, const struct ff_message *message,
                            struct ff_op *op)
{
    put(queue, BROADCAST, message);
    fence(queue, op);
}

static void give_back(struct session *s, uint32_t type, const char *receipt,
                      int64_t delay_us)
{
    unsigned long long number;
    unsigned long long place;
    struct packet *p = packet_of(type, NULL);

    if (sscanf(receipt, "%llu.%llu", &number, &place) != 2)
        return;
    struct subscription *u = find(s, place);

    if (!u || !forget_out(u, number))
        return;
    p->number = number;
    p->place = place;
    p->time_us = delay_us;
    say(s, p);
}

static void queue_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    for (size_t i = 0; i < n; i++)
        give_back(queue, ACK, receipts[i], 0);
    fence(queue, op);
}

static void queue_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    for (size_t i = 0; i < n; i++)
        give_back(queue, NACK, receipts[i], delay_us);
    fence(queue, op);
}

static int queue_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    struct session *s = queue;
    struct subscription *u = find_topic(s, topic);
    struct packet *p = packet_of(SUBSCRIBE, topic);

    (void)err;
    if (!u) {
        u = calloc(1, sizeof(*u));
        u->place = ++s->n_places;
        u->next = s->subscriptions;
        memcpy(u->topic, p->topic, sizeof(u->topic));
        s->subscriptions = u;
    }
    u->credit = credit;
    u->fn = fn;
    u->arg = arg;
    p->place = u->place;
    p->credit = credit;
    say(s, p);
    return FF_OK;
}

static void queue_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    struct session *s = queue;

    for (struct subscription **at = &s->subscriptions; *at; at = &(*at)->next)
        if (strcmp((*at)->topic, topic) == 0) {
            struct packet *p = packet_of(UNSUBSCRIBE, NULL);

            p->place = (*at)->place;
            say(s, p);
            drop(s, at);
            break;
        }
    fence(s, op);
}

static const struct ff_queue_ops ops = {
    .open = queue_open,
    .close = queue_close,
    .publish = queue_publish,
    .ack = queue_ack,
    .nack = queue_nack,
    .subscribe = queue_subscribe,
    .unsubscribe = queue_unsubscribe,
    .broadcast = queue_broadcast,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_QUEUE, FF_ON_LOOP, ops),
    .caps = FF_QUEUE_BROADCAST | FF_QUEUE_SHARED,
    .name = "shared",
    .version = "1",
    .summary = "messages between the processes that share a directory",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.queue = &ops,
};

FF_REGISTER_DRIVER(driver)
