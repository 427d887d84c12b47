/* queue-redis/queue_redis.c - the queue in a Redis server, shared by all processes that
 * use the same one with the same prefix.
 *
 * Here: settings, opening and closing a session, the driver's description. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

static const char *const cluster_words[] = {"auto", "off", "on", NULL};
static const char *const tls_words[] = {"auto", "off", "on", NULL};

#define AT(FIELD) offsetof(struct rq_config, FIELD)
#define TEXT(NAME, HELP, FALLBACK, FLAGS)                                              \
    {                                                                                  \
        .name = #NAME, .help = (HELP), .fallback = (FALLBACK), .type = FF_OPT_TEXT,    \
        .flags = (FLAGS), .offset = AT(NAME)                                           \
    }
#define INT(NAME, HELP, FALLBACK, MIN, MAX)                                            \
    {                                                                                  \
        .name = #NAME, .help = (HELP), .fallback = (FALLBACK), .type = FF_OPT_INT,     \
        .offset = AT(NAME), .min = (MIN), .max = (MAX)                                 \
    }
#define SECONDS(NAME, HELP, FALLBACK, MIN, MAX)                                        \
    {                                                                                  \
        .name = #NAME, .help = (HELP), .fallback = (FALLBACK), .type = FF_OPT_SECONDS, \
        .offset = AT(NAME##_us), .min = (MIN), .max = (MAX)                            \
    }

static const struct ff_opt options[] = {
    TEXT(addresses,
         "the servers, or the sentinels: HOST:PORT or the path of a socket, several "
         "with commas; the first primary is used",
         NULL, 0),
    TEXT(host, "the server, where addresses is not set", "localhost", 0),
    INT(port, "its port, where an address has none of its own", "6379", 1, 65535),
    INT(db, "the number of the database", "0", 0, 1000000),
    TEXT(user, "who we are there; else the default user", NULL, 0),
    TEXT(password, "the password of the user", NULL, FF_OPT_SECRET),
    {.name = "tls",
     .help = "whether the connection is protected; auto: on, but off on this machine",
     .fallback = "auto",
     .type = FF_OPT_CHOICE,
     .offset = AT(tls),
     .choices = tls_words},
    TEXT(tls_ca_cert, "certificates that are trusted; else those of the system", NULL,
         0),
    TEXT(tls_cert, "a certificate of our own, if the server wants one", NULL, 0),
    TEXT(tls_key, "its key", NULL, 0),
    TEXT(tls_server_name, "the name in the server's certificate, if not the host's",
         NULL, 0),
    {.name = "insecure",
     .help = "allows tls: off, off this machine too, where others can read along",
     .fallback = "false",
     .type = FF_OPT_BOOL,
     .offset = AT(insecure)},
    TEXT(sentinel_master,
         "the primary's name at the sentinels, whose addresses are then in addresses",
         NULL, 0),
    TEXT(sentinel_user, "who we are at the sentinels; else the default user", NULL, 0),
    TEXT(sentinel_password, "the password there", NULL, FF_OPT_SECRET),
    {.name = "cluster",
     .help = "whether all keys share a slot, as a cluster needs it; auto: if it is one",
     .fallback = "auto",
     .type = FF_OPT_CHOICE,
     .offset = AT(cluster),
     .choices = cluster_words},
    TEXT(prefix, "what all keys and channels begin with: one for each installation",
         "flowforge", 0),
    INT(max_messages, "messages of one topic; publishing more is refused as full",
        "1000000", 1, INT64_C(100) * 1000 * 1000),
    SECONDS(lease, "how long after the death of a process its messages go to others",
            "12s", SECOND_US, 3600 * SECOND_US),
    SECONDS(keep, "messages that nobody asks for are forgotten after this long", "168h",
            60 * SECOND_US, INT64_C(8760) * 3600 * SECOND_US),
    SECONDS(connect_timeout, "how long one try to connect may take", "5s",
            SECOND_US / 10, 300 * SECOND_US),
    SECONDS(command_timeout, "how long an operation waits for its answer", "5s",
            SECOND_US / 10, 300 * SECOND_US),
    {0},
};

/* --- opening --- */

static const char **text_of(struct rq_config *config, const struct ff_opt *option)
{
    return (const char **)(void *)((char *)config + option->offset);
}

/* Whoever opened us may forget what it was opened with. */
static int copy_config(struct rq_session *s, const struct rq_config *config,
                       struct ff_err *err)
{
    bool copied = true;

    s->config = *config;
    for (const struct ff_opt *o = options; o->name; o++) {
        if (o->type != FF_OPT_TEXT || !*text_of(&s->config, o))
            continue;
        *text_of(&s->config, o) = strdup(*text_of(&s->config, o));
        copied &= *text_of(&s->config, o) != NULL;
    }
    return copied ? FF_OK : ff_fail(err, FF_NO_MEMORY, 0, "no memory for settings");
}

static int check_config(const struct rq_config *c, struct ff_err *err)
{
    if (!c->prefix[0] || strlen(c->prefix) > RQ_MAX_PREFIX)
        return ff_fail(err, FF_INVALID, 0, "redis: prefix has 1 to %d bytes",
                       RQ_MAX_PREFIX);
    if (c->user && c->user[0] && !c->password)
        return ff_fail(err, FF_INVALID, 0, "redis: a user needs a password");
    if (c->sentinel_user && c->sentinel_user[0] && !c->sentinel_password)
        return ff_fail(err, FF_INVALID, 0,
                       "redis: a sentinel_user needs a "
                       "sentinel_password");
    if ((c->tls_cert == NULL) != (c->tls_key == NULL))
        return ff_fail(err, FF_INVALID, 0,
                       "redis: tls_cert and tls_key are set together");
    return FF_OK;
}

/* Without TLS whoever sits between can read and forge all: off this machine that has to
 * be asked for by name. */
static int set_tls(struct rq_session *s, struct ff_err *err)
{
    const struct rq_config *c = &s->config;
    const bool local = rq_all_local(s);
    char where[RQ_WHERE];

    s->target = s->addresses[0];
    s->asking = rq_has_sentinels(c);
    if (c->tls == RQ_TLS_OFF && !local && !c->insecure)
        return ff_fail(err, FF_INVALID, 0,
                       "redis: tls: off would let anybody between here and %.70s read "
                       "everything; leave it on, or set insecure: true",
                       rq_where(s, where));
    if (c->tls == RQ_TLS_OFF || (c->tls == RQ_TLS_AUTO && local))
        return FF_OK;
    return rq_tls_new(&s->tls, c->tls_ca_cert, c->tls_cert, c->tls_key, err);
}

static void free_session(struct rq_session *s)
{
    while (s->subs)
        rq_free_sub(s->subs);
    rq_outs_done(s);
    rq_tls_free(s->tls);
    for (const struct ff_opt *o = options; o->name; o++)
        if (o->type == FF_OPT_TEXT)
            free((void *)(uintptr_t)*text_of(&s->config, o));
    free(s);
}

void rq_release(struct rq_session *s)
{
    if (--s->n_holds == 0 && s->closed)
        free_session(s);
}

static int queue_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    struct rq_session *s;
    int code = check_config(config, err);

    if (code != FF_OK)
        return code;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a queue");
    s->host = host;
    s->next_number = 1;
    s->commands = (struct rq_link){.host = host, .session = s, .fd = -1};
    s->news = s->commands;
    snprintf(s->id, sizeof(s->id), "%016llx",
             (unsigned long long)host->random(host->self));
    code = copy_config(s, config, err);
    if (code == FF_OK)
        code = rq_read_addresses(s, err);
    if (code == FF_OK)
        code = set_tls(s, err);
    if (code != FF_OK) {
        free_session(s);
        return code;
    }
    rq_start(s);
    *queue = s;
    return FF_OK;
}

static void queue_close(void *queue)
{
    struct rq_session *s = queue;

    if (!s)
        return;
    s->n_holds++;
    rq_close(s);
    rq_release(s);
}

/* --- the functions of the contract --- */

static void queue_publish(void *queue, const struct ff_message *messages, size_t n,
                          struct ff_op *op)
{
    rq_publish(queue, messages, n, op);
}

static void queue_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    rq_ack(queue, receipts, n, op);
}

static void queue_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    rq_nack(queue, receipts, n, delay_us, op);
}

static int queue_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    return rq_subscribe(queue, topic, credit, fn, arg, err);
}

static void queue_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    rq_unsubscribe(queue, topic, op);
}

static void queue_broadcast(void *queue, const struct ff_message *message,
                            struct ff_op *op)
{
    rq_broadcast(queue, message, op);
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
    .name = "redis",
    .version = FLOWFORGE_VERSION,
    .summary = "messages in a Redis server, shared by all processes that use it",
    .opts = options,
    .config_size = sizeof(struct rq_config),
    .ops.queue = &ops,
};

FF_REGISTER_DRIVER(driver)
