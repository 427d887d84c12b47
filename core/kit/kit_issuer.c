/* kit/kit_issuer.c - an issuer of tokens that lives as long as a check: on this machine
 * and by plain HTTP/1.1 it says where its keys are, and which. It knows three paths and
 * one method, and each connection ends with its answer. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX  8192
#define PATIENT_S 5 /* with who says nothing */

struct kit_issuer {
    struct kit *k;
    int listener;
    struct kit_thread *thread;
    char url[64];
    pthread_mutex_t lock; /* of all below */
    struct kit_published now;
    char *keys; /* what it publishes */
    struct kit_asked asked;
};

/* --- what it says --- */

static char *document_of(const struct kit_issuer *i)
{
    json_t *document = json_pack(
        "{s:s, s:s+, s:s+, s:s+, s:[s], s:[s], s:[s]}", "issuer",
        i->now.issuer ? i->now.issuer : i->url, "jwks_uri", i->url, "/keys",
        "authorization_endpoint", i->url, "/authorize", "token_endpoint", i->url,
        "/token", "response_types_supported", "code", "subject_types_supported",
        "public", "id_token_signing_alg_values_supported", "RS256");
    char *text = json_text(document);

    json_decref(document);
    return text;
}

/* By the lock. NULL: there is no such place. */
static char *answer_to(struct kit_issuer *i, const char *path)
{
    static const char *const documents[] = {"/.well-known/openid-configuration",
                                            "/.well-known/oauth-authorization-server"};

    for (size_t n = 0; n < COUNT_OF(documents); n++)
        if (strcmp(path, documents[n]) == 0) {
            i->asked.documents++;
            return document_of(i);
        }
    if (strcmp(path, "/keys") != 0)
        return NULL;
    i->asked.keys++;
    return mem_text(i->keys);
}

static void add_answer(struct kit_issuer *i, const char *path, struct buf *out)
{
    pthread_mutex_lock(&i->lock);

    const bool busy = i->now.busy;
    MEM_AUTO char *found = busy ? NULL : answer_to(i, path);

    pthread_mutex_unlock(&i->lock);

    const char *text = found ? found : "{}";

    buf_printf(out,
               "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
               found  ? "200 OK"
               : busy ? "503 Service Unavailable"
                      : "404 Not Found",
               strlen(text), text);
}

/* --- who asks --- */

/* The path of a GET, in head; NULL: it is none. */
static char *read_path(int fd, char head[HEAD_MAX])
{
    size_t len = 0;
    ssize_t n = 1;

    head[0] = '\0';
    while (!strstr(head, "\r\n\r\n") && len < HEAD_MAX - 1 && n > 0) {
        n = recv(fd, head + len, HEAD_MAX - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        head[len] = '\0';
    }
    if (!strstr(head, "\r\n\r\n") || strncmp(head, "GET ", 4) != 0)
        return NULL;
    head[4 + strcspn(head + 4, " ?\r")] = '\0';
    return head + 4;
}

static void serve_one(struct kit_issuer *i, int fd)
{
    const struct timeval patient = {.tv_sec = PATIENT_S};
    char head[HEAD_MAX];
    struct buf out = {0};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patient, sizeof(patient));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patient, sizeof(patient));

    const char *path = read_path(fd, head);

    if (path) {
        add_answer(i, path, &out);
        for (ssize_t n; out.len > 0; buf_drop(&out, (size_t)n))
            if ((n = send(fd, buf_text(&out), out.len, MSG_NOSIGNAL)) <= 0)
                break;
    }
    buf_done(&out);
    close(fd);
}

static void serve(struct kit *k, void *arg)
{
    struct kit_issuer *i = arg;
    int fd;

    (void)k;
    while ((fd = accept4(i->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 ||
           errno == EINTR || errno == ECONNABORTED)
        if (fd >= 0)
            serve_one(i, fd);
}

/* --- begin and end --- */

static void listen_here(struct kit_issuer *i)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    i->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (i->listener < 0 || bind(i->listener, (struct sockaddr *)&at, len) != 0 ||
        listen(i->listener, SOMAXCONN) != 0 ||
        getsockname(i->listener, (struct sockaddr *)&at, &len) != 0)
        kit_skip(i->k, "no port on this machine: %s", strerror(errno));
    snprintf(i->url, sizeof(i->url), "http://127.0.0.1:%d", ntohs(at.sin_port));
}

struct kit_issuer *kit_need_issuer(struct kit *k, const struct kit_published *first)
{
    if (!kit_uses(k, "discovery") || !kit_uses(k, "issuer"))
        kit_skip(k, "the driver asks no issuer: where it can, it is told to by an "
                    "option with {discovery}, beside {issuer} and {audience}");

    struct kit_issuer *i = mem_alloc(sizeof(*i));

    *i = (struct kit_issuer){.k = k, .listener = -1};
    pthread_mutex_init(&i->lock, NULL);
    kit_issuer_publish(i, first);
    listen_here(i);
    kit_tokens(k, 0);
    kit_write_keys(k, 1U << KIT_STRANGER);
    kit_set(k, "issuer", i->url);
    kit_set(k, "discovery", "true");
    i->thread = kit_thread(k, serve, i);
    return i;
}

void kit_issuer_publish(struct kit_issuer *i, const struct kit_published *now)
{
    char *keys = kit_keys_text(now->keys);

    pthread_mutex_lock(&i->lock);
    mem_free(i->keys);
    i->keys = keys;
    i->now = *now;
    pthread_mutex_unlock(&i->lock);
}

struct kit_asked kit_issuer_asked(struct kit_issuer *i)
{
    pthread_mutex_lock(&i->lock);

    const struct kit_asked asked = i->asked;

    pthread_mutex_unlock(&i->lock);
    return asked;
}

const char *kit_issuer_token(const struct kit_issuer *i)
{
    return kit_token(i->k, kit_claims_with("iss", json_string(i->url)));
}

void kit_issuer_end(struct kit_issuer *i)
{
    shutdown(i->listener, SHUT_RDWR); /* wakes who accepts */
    kit_join(i->thread);
    close(i->listener);
    pthread_mutex_destroy(&i->lock);
    mem_free(i->keys);
    mem_free(i);
}
