/* http/conn.h - connections and what listens for them: life, deadlines, limits. What
 * is spoken on a connection is its protocol's affair. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "http/http_priv.h"
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>

struct http_conn;
struct http_tls;

/* Called between http_conn_enter and http_conn_leave; in each the connection may be
 * killed. */
struct http_protocol {
    void (*begin)(struct http_conn *c);  /* makes c->state */
    void (*input)(struct http_conn *c);  /* more came in, or its end, or: go on */
    void (*output)(struct http_conn *c); /* all that was written is out */
    void (*late)(struct http_conn *c);   /* the deadline is over, or it is too slow */
    void (*retire)(struct http_conn *c); /* takes no more requests, ends soon */
    void (*lost)(struct http_conn *c);   /* the connection is dead: tells those above */
    void (*free)(struct http_conn *c);   /* the state, when no call is in progress */
};

extern const struct http_protocol http_protocol_h1, http_protocol_h2;

/* --- meter.c: who takes or sends too few bytes a second --- */

struct http_meter {
    struct loop_timer *timer;
    size_t n_in, n_out;     /* bytes since the window began */
    bool awaits;            /* bytes are due from the peer */
    bool was_due, was_full; /* since the window began: input due, output not empty */
};

void http_meter_init(struct http_conn *c);
void http_meter_done(struct http_conn *c);
void http_meter_await(struct http_conn *c, bool awaits);
void http_meter_unsent(struct http_conn *c); /* some output must wait for the peer */

/* --- address.c: connections by address --- */

struct http_address {
    size_t n;
    char key[INET6_ADDRSTRLEN];
};

/* Of IPv6 the first 64 bits. False, and nothing: it is no address. */
bool http_network_of(const struct sockaddr *from, char *out, size_t size);
/* False: it has as many as it may have. *out NULL: not counted. */
bool http_address_add(struct http_server *s, const struct sockaddr *from,
                      struct http_address **out);
void http_address_del(struct http_server *s, struct http_address *a); /* takes NULL */

/* --- conn.c --- */

struct http_conn {
    struct list link; /* server->conns */
    struct list idle; /* server->idle, longest first; else linked to itself */
    int64_t idle_since_us;
    struct http_server *server;
    struct bufferevent *bev;
    struct http_peer peer;
    struct http_address *address;         /* NULL: not counted */
    const struct http_protocol *protocol; /* NULL: not known yet */
    void *state;                          /* the protocol's */
    void *former;                         /* of the one that it follows, to be freed */
    int depth;            /* calls in progress: no freeing below the outermost */
    bool rebinding_guard; /* the Host must be loopback */
    bool may_h2;          /* without TLS, by its preface */
    bool tls;
    bool input_ended;
    bool input_held;     /* not read: there is enough */
    bool gathers;        /* what is answered now is sent when all of it is there */
    bool waits_its_turn; /* it has a request that may begin when it is less crowded */
    bool doomed;         /* http_conn_kill_soon was called */
    bool dead;           /* freed when the outermost call has returned */
    int64_t stall_us;    /* see http_conn_may_stall; 0: not called */
    struct loop_timer *deadline;
    struct loop_timer *soon; /* goes on with the input, outside any other call */
    struct http_meter meter;
};

/* What a connection is taken with. */
struct http_accepted {
    struct http_peer peer;
    struct http_address *address;
    bool rebinding_guard, may_h2, tls;
};

void http_conn_new(struct http_server *s, struct bufferevent *bev,
                   const struct http_accepted *how);
struct evbuffer *http_conn_input(struct http_conn *c);
struct evbuffer *http_conn_output(struct http_conn *c);
/* Everything that comes in from the loop, or from a handler, stands between these. */
void http_conn_enter(struct http_conn *c);
void http_conn_leave(struct http_conn *c);
void http_conn_kill(struct http_conn *c);      /* at once */
void http_conn_kill_soon(struct http_conn *c); /* from the loop */
void http_conn_soon(struct http_conn *c);      /* protocol->input, from the loop */
void http_conn_retire(struct http_conn *c);    /* the server stops, or needs room */
/* Ends the stream of bytes to the peer; it may still send. False: that failed. */
bool http_conn_end_output(struct http_conn *c);
void http_conn_close(struct http_conn *c); /* with a TLS farewell; all is sent */
void http_conn_arm(struct http_conn *c, int64_t delay_us); /* unless it is armed */
void http_conn_disarm(struct http_conn *c);
/* The peer may take nothing for so long, and what he takes as slowly as he likes; 0:
 * as from the beginning. */
void http_conn_may_stall(struct http_conn *c, int64_t stall_us);
void http_conn_idle(struct http_conn *c); /* nothing is under way */
void http_conn_busy(struct http_conn *c);

/* --- listen.c --- */

/* A bound and listening unix socket; *lock is the descriptor that keeps others from
 * replacing it. */
int http_listen_unix(const char *path, int *lock, struct ff_err *err);
void http_unlisten_unix(const char *path, int lock);
/* any: may be off loopback; *loopback: is not. */
int http_listen_tcp(const char *address, uint16_t port, bool any, bool *loopback,
                    struct ff_err *err);
/* Who connected; false: this user may not. */
bool http_peer_of(int fd, bool local, const struct sockaddr *from,
                  struct http_peer *peer);

/* --- accept.c --- */

struct http_listener {
    struct http_server *server;
    struct evconnlistener *listener;
    bool local;
    bool loopback;
};

void http_listener_start(struct http_listener *l, struct http_server *s, int fd);
void http_server_left(struct http_server *s);     /* a connection has been freed */
void http_server_has_room(struct http_server *s); /* one could make way */

/* --- server.c --- */

struct http_server {
    struct loop *loop;
    struct http_options opts; /* with the defaults filled in */
    struct {
        struct http_mount *items;
        size_t n, cap;
    } mounts;
    struct http_listener unix_listener, tcp_listener;
    int unix_lock;
    struct http_tls *tls; /* NULL: none is spoken */
    struct list conns, idle;
    struct map addresses; /* struct http_address */
    struct http_counts counts;
    http_answered_fn *answered; /* NULL: nobody measures */
    void *answered_arg;
    struct http_reply *spare;
    size_t n_spare;
    bool accepting;
    bool crowded; /* http_server_crowded */
    bool stopping;
    ff_call_fn *stopped;
    void *stopped_arg;
    struct loop_timer *grace, *report;
    struct loop_timer *idle_over;
    struct loop_timer *retry; /* of accepting, after descriptors ran out */
    int64_t date_second;
    char date[40];
};

void http_server_empty(struct http_server *s);       /* no connection is left */
const char *http_server_date(struct http_server *s); /* IMF-fixdate */

#endif
