/* http/listen.c - the sockets that the HTTP server listens on, and who connects. */
#include "http/conn.h"
#include "http/unix_path.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- unix --- */

/* The lock file stays: removing it would let two servers lock two files of one name. */
static int take_lock(const char *path, struct ff_err *err)
{
    struct buf name = {0};

    buf_printf(&name, "%s.lock", path);
    int fd = open(buf_text(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    buf_done(&name);
    if (fd < 0) {
        ff_fail(err, FF_UNAVAILABLE, errno, "%s.lock: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ff_fail(err, FF_CONFLICT, errno, "%s: another server is listening there", path);
        close(fd);
        return -1;
    }
    return fd;
}

/* Only called with the lock held, so a socket that is there is a dead server's. */
static int remove_stale(const char *path, struct ff_err *err)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return FF_OK;
    if (!S_ISSOCK(st.st_mode))
        return ff_fail(err, FF_CONFLICT, 0, "%s: is there and is no socket", path);
    if (unlink(path) != 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%s: %s", path, strerror(errno));
    return FF_OK;
}

/* The mode is set between bind and listen: before listen nobody can connect, so the
 * umask opens no window. */
static int bind_unix(const char *path, struct ff_err *err)
{
    struct unix_path place;

    int code = unix_path_open(&place, path, err);
    if (code != FF_OK)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&place.address, sizeof(place.address)) ||
        chmod(place.address.sun_path, 0600) != 0 || listen(fd, SOMAXCONN) != 0) {
        ff_fail(err, FF_UNAVAILABLE, errno, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    unix_path_close(&place);
    return fd;
}

int http_listen_unix(const char *path, int *lock, struct ff_err *err)
{
    *lock = take_lock(path, err);
    if (*lock < 0)
        return -1;
    int fd = -1;
    if (remove_stale(path, err) == FF_OK)
        fd = bind_unix(path, err);
    if (fd < 0) {
        close(*lock);
        *lock = -1;
    }
    return fd;
}

void http_unlisten_unix(const char *path, int lock)
{
    unlink(path);
    close(lock);
}

/* --- TCP --- */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len;
    bool loopback;
};

static bool is_loopback_v6(const struct in6_addr *a)
{
    return IN6_IS_ADDR_LOOPBACK(a) ||
           (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static int parse_address(const char *text, uint16_t port, struct address *out,
                         struct ff_err *err)
{
    *out = (struct address){0};
    if (inet_pton(AF_INET, text, &out->u.v4.sin_addr) == 1) {
        out->u.v4.sin_family = AF_INET;
        out->u.v4.sin_port = htons(port);
        out->len = sizeof(out->u.v4);
        out->loopback = ntohl(out->u.v4.sin_addr.s_addr) >> 24 == 127;
        return FF_OK;
    }
    if (inet_pton(AF_INET6, text, &out->u.v6.sin6_addr) == 1) {
        out->u.v6.sin6_family = AF_INET6;
        out->u.v6.sin6_port = htons(port);
        out->len = sizeof(out->u.v6);
        out->loopback = is_loopback_v6(&out->u.v6.sin6_addr);
        return FF_OK;
    }
    return ff_fail(err, FF_INVALID, 0, "%s: is not an IP address", text);
}

/* Accepted connections inherit these. Without TCP_NODELAY answers wait 40 ms for the
 * peer's delayed acknowledgements; keep-alive ends what a dead host leaves behind. */
static void set_options(int fd)
{
    static const int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

int http_listen_tcp(const char *text, uint16_t port, bool any, bool *loopback,
                    struct ff_err *err)
{
    struct address address;

    if (parse_address(text, port, &address, err) != FF_OK)
        return -1;
    if (!address.loopback && !any) {
        ff_fail(err, FF_INVALID, 0, "%s: only loopback addresses are allowed", text);
        return -1;
    }
    *loopback = address.loopback;
    int fd =
        socket(address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        set_options(fd);
    if (fd < 0 || bind(fd, &address.u.any, address.len) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        int code = errno == EADDRINUSE ? FF_CONFLICT : FF_UNAVAILABLE;
        ff_fail(err, code, errno, "%s port %u: %s", text, port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* --- peers --- */

static bool local_peer(int fd, struct http_peer *peer)
{
    struct ucred who;
    socklen_t len = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    *peer = (struct http_peer){.local = true,
                               .uid = who.uid,
                               .pid = who.pid,
                               .address = "unix",
                               .network = "unix"};
    return who.uid == geteuid() || who.uid == 0;
}

static void remote_peer(const struct sockaddr *from, struct http_peer *peer)
{
    char text[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;

    *peer = (struct http_peer){.uid = (uid_t)-1};
    http_network_of(from, peer->network, sizeof(peer->network));
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
        port = ntohs(v4->sin_port);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)from;
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
        port = ntohs(v6->sin6_port);
    }
    snprintf(peer->address, sizeof(peer->address),
             from->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

bool http_peer_of(int fd, bool local, const struct sockaddr *from,
                  struct http_peer *peer)
{
    if (local)
        return local_peer(fd, peer);
    remote_peer(from, peer);
    return true;
}
