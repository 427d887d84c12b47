/* queue-redis/redis.h - what the files of the driver have in common: a session with two
 * connections, one for commands and one on which the server tells of news. */
#ifndef QUEUE_REDIS_REDIS_H
#define QUEUE_REDIS_REDIS_H

#include "link.h"
#include "text.h"

#include <flowforge/queue.h>
#include <netinet/in.h>
#include <sys/un.h>

#define RQ_MAX_ADDRESSES 32
#define RQ_MAX_PLACES    8
#define RQ_MAX_TOPIC     255
#define RQ_MAX_ID        255
#define RQ_MAX_BODY      ((size_t)64 * 1024)
#define RQ_HOLDER_TEXT   40
#define RQ_WHERE         168
#define RQ_MAX_PREFIX    80
#define RQ_MAX_TOLD      16

enum rq_cluster { RQ_CLUSTER_AUTO, RQ_CLUSTER_OFF, RQ_CLUSTER_ON };
enum rq_tls { RQ_TLS_AUTO, RQ_TLS_OFF, RQ_TLS_ON };

struct rq_config {
    const char *addresses;
    const char *host;
    int64_t port;
    int64_t db;
    const char *user;
    const char *password;
    int64_t tls; /* enum rq_tls */
    const char *tls_ca_cert;
    const char *tls_cert;
    const char *tls_key;
    const char *tls_server_name;
    int64_t insecure;
    const char *sentinel_master; /* set: the addresses are those of sentinels */
    const char *sentinel_user;
    const char *sentinel_password;
    int64_t cluster; /* enum rq_cluster */
    const char *prefix;
    int64_t max_messages;
    int64_t lease_us;
    int64_t keep_us;
    int64_t connect_timeout_us;
    int64_t command_timeout_us;
};

struct rq_address {
    char host[256]; /* a path when it begins with / */
    int port;
};

union rq_place {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

struct rq_places {
    union rq_place items[RQ_MAX_PLACES];
    socklen_t sizes[RQ_MAX_PLACES];
    size_t n;
};

enum rq_script {
    RQ_PUBLISH,
    RQ_TAKE,
    RQ_ACK,
    RQ_NACK,
    RQ_KEEP,
    RQ_RENEW,
    RQ_BROADCAST,
    RQ_N_SCRIPTS,
    RQ_PLAIN = RQ_N_SCRIPTS /* no script, but a command of the server */
};

struct rq_session;
struct rq_command;

/* Once for each command: its reply, or NULL and why there is none. */
typedef void rq_answer_fn(struct rq_session *s, const struct rq_command *c,
                          const redisReply *reply, const struct ff_err *err);

struct rq_command {
    struct rq_command *next;
    enum rq_script script;
    bool again;   /* harmless to repeat: sent anew when the connection was lost */
    bool in_full; /* the server did not know the script: send its text */
    unsigned n_args;
    struct rq_text args;
    rq_answer_fn *fn;
    void *arg;
    int64_t deadline_us; /* monotonic */
};

struct rq_commands {
    struct rq_command *first, *last;
};

/* A message that is out. */
struct rq_out {
    struct rq_out *next_of_hash;
    struct rq_out *next, *prev; /* of the subscription */
    struct rq_subscription *sub;
    uint64_t number;
};

struct rq_subscription {
    struct rq_subscription *next;
    struct rq_session *session;
    ff_deliver_fn *fn;
    void *arg;
    struct ff_timer *timer; /* until something is due */
    struct rq_out *first_out;
    uint32_t credit, n_out;
    uint64_t asked_from; /* the first number of the take that is under way */
    uint32_t asked_n;    /* and how many it asked for */
    bool taking;
    bool dirty;      /* there may be something to take */
    bool confirmed;  /* the server tells of news */
    bool gone;       /* unsubscribed */
    bool left;       /* and the server knows, or never will: to be freed */
    unsigned n_busy; /* callers up the stack who still need it */
    char holder[RQ_HOLDER_TEXT];
    char topic[];
};

enum rq_state {
    RQ_WAITING,    /* for the next try */
    RQ_RESOLVING,  /* the name of the server */
    RQ_CONNECTING, /* and saying who we are */
    RQ_UP
};

struct rq_session {
    const struct ff_host *host;
    struct rq_config config; /* its texts are ours */
    struct ssl_ctx_st *tls;  /* NULL: without */
    struct rq_address addresses[RQ_MAX_ADDRESSES];
    size_t n_addresses, at_address;
    size_t n_configured;      /* of them; the others are what a cluster has told */
    struct rq_address target; /* the address, or what the sentinel there has named */
    bool to_target;           /* the next try is of the target, not of an address */
    bool asking;              /* the target is a sentinel */
    bool heard;               /* some sentinel has answered since the last pause */
    struct rq_places places;  /* of the target */
    size_t at_place;
    struct rq_resolve *resolving;

    enum rq_state state;
    struct rq_link commands, news;
    unsigned n_greeted, n_news_greeted; /* replies of the greeting, or of a sentinel */
    bool cluster;                       /* the server is a node of one */
    char prefix[RQ_MAX_PREFIX + 3];
    char channels[RQ_MAX_PREFIX + 32];
    bool listening;
    bool proved; /* it does what we are there for */
    bool was_up;
    size_t n_failed;  /* addresses tried in vain since the last pause */
    unsigned n_jumps; /* from node to node, since one did something for us */
    int64_t pause_us;
    struct ff_timer *retry, *connect_timer, *command_timer, *renew_timer;
    struct ff_err why;
    bool told_eviction;
    uint32_t told[RQ_MAX_TOLD]; /* hashes of what was logged since a server worked */
    size_t n_told;
    char sha[RQ_N_SCRIPTS][41];

    char id[17];
    uint64_t generation; /* counts connections */
    uint64_t next_number, next_holder, next_message;
    struct rq_commands sent, waiting;
    size_t pending_bytes;
    struct rq_subscription *subs; /* gone ones too */
    struct rq_out **outs;         /* by number */
    size_t n_outs, n_buckets;
    uint64_t n_poison;

    unsigned n_holds; /* callers up the stack who still need it */
    bool closed;
};

/* address.c */
int rq_read_addresses(struct rq_session *s, struct ff_err *err);
/* As a server writes it: no more than a host, or an address without brackets. */
bool rq_read_address(const char *host, const char *port, struct rq_address *out);
bool rq_is_local(const struct rq_address *address);
bool rq_all_local(const struct rq_session *s);
/* "Redis at HOST:PORT", for sentences: whom we talk to, or try to. */
const char *rq_where(const struct rq_session *s, char out[RQ_WHERE]);
/* True when no name has to be looked up; n is 0 when the address cannot be one. */
bool rq_place_now(const struct rq_address *address, struct rq_places *out);
void rq_place_by_name(const struct rq_address *address, struct rq_places *out);

/* scripts.c */
extern const char *const rq_scripts[RQ_N_SCRIPTS];

/* error.c */
enum rq_after {
    RQ_GOES_ON,
    RQ_LEAVES, /* the connection is of no use: another server is asked */
    RQ_WAITS,  /* and comes back to the same one */
    RQ_FOLLOWS /* to where the answer points */
};

int rq_fail_reply(const struct rq_session *s, const redisReply *reply,
                  struct ff_err *err, enum rq_after *after);
/* In answer to a password: with none of the server's own words. */
int rq_fail_auth(const struct rq_session *s, const redisReply *reply,
                 struct ff_err *err);
bool rq_is_error(const redisReply *reply, const char *word);

/* server.c: connecting, and connecting again. */
void rq_start(struct rq_session *s);
void rq_lost(struct rq_session *s, const struct ff_err *err);
/* What is to be done after an error of the server, by rq_fail_reply. */
void rq_leave_after(struct rq_session *s, enum rq_after after, const redisReply *reply,
                    const struct ff_err *err);
void rq_prove(struct rq_session *s); /* a command was done */
void rq_stop(struct rq_session *s);  /* timers and connections */
void rq_release(struct rq_session *s);
bool rq_is_final(int code); /* no later try of the same server will do better */

/* sentinel.c: which server is the primary. */
bool rq_has_sentinels(const struct rq_config *c);
bool rq_ask_sentinel(struct rq_session *s);
int rq_sentinel_said(struct rq_session *s, const redisReply *reply, bool *done,
                     struct rq_address *out, struct ff_err *err);

/* cluster.c */
int rq_name_keys(struct rq_session *s, struct ff_err *err);
bool rq_moved_to(const struct rq_session *s, const redisReply *reply,
                 struct rq_address *out);
void rq_learn_nodes(struct rq_session *s);

/* greet.c: who we are, and what kind of server it is. */
void rq_say(struct rq_text *to, const char *const *words); /* NULL ends them */
void rq_say_who(const char *user, const char *password, struct rq_text *to);
bool rq_greet(struct rq_session *s);
int rq_greeted(struct rq_session *s, const redisReply *reply, bool *done,
               struct ff_err *err);
bool rq_greet_news(struct rq_session *s);
int rq_news_greeted(struct rq_session *s, const redisReply *reply, bool *done,
                    struct ff_err *err);

/* command.c */
struct rq_command *rq_command(enum rq_script script);
void rq_arg(struct rq_command *c, const void *data, size_t len);
void rq_arg_text(struct rq_command *c, const char *text);
void rq_arg_int(struct rq_command *c, int64_t n);
/* What most scripts begin with. */
struct rq_command *rq_command_of(enum rq_script script,
                                 const struct rq_subscription *sub);
/* Takes the command, also when there is no memory for it: fn is told. */
void rq_send(struct rq_session *s, struct rq_command *c);
void rq_free_command(struct rq_command *c);
void rq_on_reply(struct rq_session *s, redisReply *reply);
void rq_send_waiting(struct rq_session *s);
void rq_keep_unanswered(struct rq_session *s, const struct ff_err *err);
void rq_fail_waiting(struct rq_session *s, const struct ff_err *err);
void rq_watch_deadlines(struct rq_session *s);
int64_t rq_mono_us(void);

/* call.c: the operations of the contract. */
void rq_publish(struct rq_session *s, const struct ff_message *messages, size_t n,
                struct ff_op *op);
void rq_broadcast(struct rq_session *s, const struct ff_message *m, struct ff_op *op);
void rq_ack(struct rq_session *s, const char *const *receipts, size_t n,
            struct ff_op *op);
void rq_nack(struct rq_session *s, const char *const *receipts, size_t n,
             int64_t delay_us, struct ff_op *op);
void rq_unsubscribe(struct rq_session *s, const char *topic, struct ff_op *op);
void rq_complete(const struct rq_session *s, struct ff_op *op,
                 const struct ff_err *err);

/* message.c: messages as the server keeps them. */
void rq_pack(struct rq_session *s, struct rq_text *to, const struct ff_message *m);
bool rq_unpack(const char *data, size_t len, struct ff_message *out);
int rq_check_message(const struct ff_message *m, struct ff_err *err);
int rq_check_topic(const char *topic, struct ff_err *err);

/* topic.c: subscriptions, and what is taken for them. */
int rq_subscribe(struct rq_session *s, const char *topic, uint32_t credit,
                 ff_deliver_fn *fn, void *arg, struct ff_err *err);
struct rq_subscription *rq_find(const struct rq_session *s, const char *topic);
void rq_pump(struct rq_subscription *sub);
void rq_wake(struct rq_subscription *sub);
void rq_subs_lost(struct rq_session *s);
void rq_subs_back(struct rq_session *s); /* says which messages are out here */
struct rq_command *rq_leave(struct rq_subscription *sub);
void rq_settle(struct rq_subscription *sub); /* frees one that is over */
void rq_free_sub(struct rq_subscription *sub);
void rq_arm_renewal(struct rq_session *s);

/* news.c: what the server tells by itself. */
void rq_listen_to(struct rq_session *s, const struct rq_subscription *sub, bool on);
void rq_listen_to_all(struct rq_session *s);
void rq_on_news(struct rq_session *s, redisReply *reply);

/* outs.c: messages that are out, by receipt. */
#define RQ_RECEIPT_TEXT 17
struct rq_out *rq_out_add(struct rq_subscription *sub, uint64_t number,
                          char receipt[RQ_RECEIPT_TEXT]);
/* No longer out: the caller frees it. NULL: no receipt of ours. */
struct rq_out *rq_out_take(struct rq_session *s, const char *receipt);
void rq_outs_forget(struct rq_subscription *sub);
void rq_outs_done(struct rq_session *s);

/* close.c */
void rq_close(struct rq_session *s);

#endif
