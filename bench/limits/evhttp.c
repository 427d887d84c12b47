/* bench/limits/evhttp.c - the least that an HTTP answer costs in libevent's own server:
 * one thread, a constant body, no route. Prints its port and serves until it is ended.
 *
 * usage: evhttp BYTES */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char body[1 << 16];
static size_t body_len;

static void on_request(struct evhttp_request *request, void *arg)
{
    struct evbuffer *out = evbuffer_new();

    (void)arg;
    evbuffer_add(out, body, body_len);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, 200, "OK", out);
    evbuffer_free(out);
}

static int port_of(struct evhttp_bound_socket *bound)
{
    struct sockaddr_in at = {0};
    socklen_t len = sizeof(at);

    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len);
    return ntohs(at.sin_port);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);

    body_len = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (body_len > sizeof(body))
        return 2;
    memset(body, 'x', body_len);
    evhttp_set_gencb(http, on_request, NULL);

    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);

    if (!bound)
        return 1;
    printf("%d\n", port_of(bound));
    fflush(stdout);
    event_base_dispatch(base);
    return 0;
}
