/* http/address.c - how many connections an address has. Of IPv6 the first 64 bits
 * count, since whoever has one address there has them all. */
#include "http/conn.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

bool http_network_of(const struct sockaddr *from, char *key, size_t size)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;
        return inet_ntop(AF_INET, &v4->sin_addr, key, (socklen_t)size);
    }
    if (from->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *v6 = (const void *)from;
    struct in6_addr network = v6->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&network))
        return inet_ntop(AF_INET, network.s6_addr + 12, key, (socklen_t)size);
    memset(network.s6_addr + 8, 0, 8);
    return inet_ntop(AF_INET6, &network, key, (socklen_t)size);
}

bool http_address_add(struct http_server *s, const struct sockaddr *from,
                      struct http_address **out)
{
    char key[INET6_ADDRSTRLEN];

    *out = NULL;
    if (s->opts.n_per_address_max == 0 || !http_network_of(from, key, sizeof(key)))
        return true;
    struct http_address *a = map_get_text(&s->addresses, key);
    if (a && a->n >= s->opts.n_per_address_max)
        return false;
    if (!a) {
        a = mem_alloc(sizeof(*a));
        snprintf(a->key, sizeof(a->key), "%s", key);
        map_set_text(&s->addresses, key, a);
    }
    a->n++;
    *out = a;
    return true;
}

void http_address_del(struct http_server *s, struct http_address *a)
{
    if (!a || --a->n > 0)
        return;
    map_del_text(&s->addresses, a->key);
    mem_free(a);
}
