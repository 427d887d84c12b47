/* queue-shared-broker.c - the process that holds the messages of queue-shared. A
 * session that ends, however, gives back what was out at it. Written to be short, not
 * fast. */
#include "queue-shared.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SESSIONS 64

struct message {
    struct message *next;
    struct session *holder; /* NULL: it waits */
    uint64_t place;         /* the holder's subscription */
    struct packet packet;   /* allocated to its length */
};

struct subscription {
    struct subscription *next;
    uint64_t place;
    uint32_t credit, n_out;
    char topic[NAME_MAX_LEN];
};

/* What the socket does not take yet. */
struct waiting {
    struct waiting *next;
    struct packet packet;
};

struct session {
    int fd; /* -1: free */
    struct subscription *subscriptions;
    struct waiting *first, **last;
};

static struct session sessions[MAX_SESSIONS];
static struct message *messages;
static uint64_t last_number;

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- sending --- */

static void flush(struct session *s)
{
    while (s->first) {
        struct waiting *w = s->first;

        if (send(s->fd, &w->packet, PACKET_LEN(&w->packet),
                 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            return; /* later, or its end is noticed when it is read */
        s->first = w->next;
        if (!s->first)
            s->last = &s->first;
        free(w);
    }
}

static void say(struct session *s, const struct packet *p)
{
    struct waiting *w = malloc(offsetof(struct waiting, packet) + PACKET_LEN(p));

    memcpy(&w->packet, p, PACKET_LEN(p));
    w->next = NULL;
    *s->last = w;
    s->last = &w->next;
    flush(s);
}

/* --- messages --- */

static struct subscription *find(struct session *s, uint64_t place)
{
    for (struct subscription *u = s->subscriptions; u; u = u->next)
        if (u->place == place)
            return u;
    return NULL;
}

static bool take(struct message *m, struct session *s)
{
    for (struct subscription *u = s->subscriptions; u; u = u->next) {
        if (u->n_out >= u->credit || strcmp(u->topic, m->packet.topic) != 0)
            continue;
        u->n_out++;
        m->holder = s;
        m->place = u->place;
        m->packet.type = DELIVER;
        m->packet.place = u->place;
        m->packet.delivery++;
        say(s, &m->packet);
        return true;
    }
    return false;
}

/* Milliseconds until the next message becomes due, or -1. */
static int deliver(void)
{
    static size_t turn;
    const int64_t now = now_us();
    int64_t next_us = -1;

    for (struct message *m = messages; m; m = m->next) {
        const int64_t left_us = m->packet.time_us - now;

        if (m->holder)
            continue;
        if (left_us > 0) {
            if (next_us < 0 || left_us < next_us)
                next_us = left_us;
            continue;
        }
        for (size_t i = 0; i < MAX_SESSIONS; i++) {
            struct session *s = &sessions[(turn + i) % MAX_SESSIONS];

            if (s->fd >= 0 && take(m, s)) {
                turn++;
                break;
            }
        }
    }
    return next_us < 0 ? -1 : (int)(next_us / 1000) + 1;
}

static void publish(const struct packet *p)
{
    struct message **at = &messages;
    struct message *m = calloc(1, offsetof(struct message, packet) + PACKET_LEN(p));

    memcpy(&m->packet, p, PACKET_LEN(p));
    m->packet.number = ++last_number;
    m->packet.delivery = 0;
    while (*at)
        at = &(*at)->next;
    *at = m;
}

/* A receipt counts for the subscription that it was given to. */
static void give_back(struct session *s, const struct packet *p)
{
    for (struct message **at = &messages; *at; at = &(*at)->next) {
        struct message *m = *at;

        if (m->packet.number != p->number || m->holder != s || m->place != p->place)
            continue;
        if (find(s, m->place))
            find(s, m->place)->n_out--;
        m->holder = NULL;
        m->packet.time_us = p->time_us > 0 ? now_us() + p->time_us : 0;
        if (p->type == ACK) {
            *at = m->next;
            free(m);
        }
        return;
    }
}

static void unsubscribe(struct session *s, uint64_t place)
{
    for (struct message *m = messages; m; m = m->next)
        if (m->holder == s && m->place == place)
            m->holder = NULL;
    for (struct subscription **at = &s->subscriptions; *at; at = &(*at)->next)
        if ((*at)->place == place) {
            struct subscription *gone = *at;

            *at = gone->next;
            free(gone);
            return;
        }
}

static void subscribe(struct session *s, const struct packet *p)
{
    struct subscription *u = find(s, p->place);

    if (!u) {
        u = calloc(1, sizeof(*u));
        u->place = p->place;
        memcpy(u->topic, p->topic, sizeof(u->topic));
        u->next = s->subscriptions;
        s->subscriptions = u;
    }
    u->credit = p->credit;
}

static void broadcast(const struct packet *p)
{
    struct packet *copy = malloc(PACKET_LEN(p));

    memcpy(copy, p, PACKET_LEN(p));
    copy->type = NEWS;
    for (size_t i = 0; i < MAX_SESSIONS; i++) {
        struct session *s = &sessions[i];

        for (struct subscription *u = s->fd >= 0 ? s->subscriptions : NULL; u;
             u = u->next)
            if (strcmp(u->topic, p->topic) == 0) {
                copy->place = u->place;
                say(s, copy);
            }
    }
    free(copy);
}

/* --- sessions --- */

static void obey(struct session *s, struct packet *p)
{
    switch (p->type) {
    case PUBLISH:
        publish(p);
        break;
    case BROADCAST:
        broadcast(p);
        break;
    case ACK:
    case NACK:
        give_back(s, p);
        break;
    case SUBSCRIBE:
        subscribe(s, p);
        break;
    case UNSUBSCRIBE:
        unsubscribe(s, p->place);
        break;
    default:
        p->type = DONE;
        say(s, p);
    }
}

static void end(struct session *s)
{
    close(s->fd);
    s->fd = -1;
    while (s->subscriptions)
        unsubscribe(s, s->subscriptions->place);
    while (s->first) {
        struct waiting *next = s->first->next;

        free(s->first);
        s->first = next;
    }
}

static void hear(struct session *s)
{
    static struct packet p;
    ssize_t n;

    while ((n = recv(s->fd, &p, sizeof(p), MSG_DONTWAIT)) > 0)
        obey(s, &p);
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        end(s);
}

static bool welcome(int listening_fd)
{
    const int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < MAX_SESSIONS; i++)
        if (sessions[i].fd < 0) {
            sessions[i] = (struct session){.fd = fd};
            sessions[i].last = &sessions[i].first;
            return true;
        }
    if (fd >= 0)
        close(fd);
    return false;
}

/* Whoever opens a session holds the lock until he is connected. */
static void end_if_alone(int listening_fd, int lock_fd, const char *socket_path)
{
    for (size_t i = 0; i < MAX_SESSIONS; i++)
        if (sessions[i].fd >= 0)
            return;
    if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0)
        return;
    if (!welcome(listening_fd)) {
        unlink(socket_path);
        _exit(0);
    }
    flock(lock_fd, LOCK_UN);
}

_Noreturn void broker_run(int listening_fd, int lock_fd, const char *socket_path)
{
    bool had_one = false;

    for (size_t i = 0; i < MAX_SESSIONS; i++)
        sessions[i].fd = -1;
    for (;;) {
        struct pollfd fds[MAX_SESSIONS + 1];

        fds[0] = (struct pollfd){.fd = listening_fd, .events = POLLIN};
        const int timeout_ms = deliver();

        for (size_t i = 0; i < MAX_SESSIONS; i++)
            fds[i + 1] = (struct pollfd){
                .fd = sessions[i].fd,
                .events = (short)(POLLIN | (sessions[i].first ? POLLOUT : 0))};
        poll(fds, MAX_SESSIONS + 1, timeout_ms);
        for (size_t i = 0; i < MAX_SESSIONS; i++) {
            if (fds[i + 1].revents & POLLOUT)
                flush(&sessions[i]);
            if (fds[i + 1].revents & ~POLLOUT)
                hear(&sessions[i]);
        }
        if (fds[0].revents && welcome(listening_fd))
            had_one = true;
        if (had_one)
            end_if_alone(listening_fd, lock_fd, socket_path);
    }
}
