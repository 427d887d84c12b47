/* address.c - who may be asked: everybody on the internet, and nobody in private
 * networks, on this machine or behind the metadata addresses of clouds, unless the
 * engine's settings name them. */
#include "fetch/fetch_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* An address as 16 bytes; IPv4 as ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
    uint16_t port;
};

struct network {
    struct address base;
    unsigned bits;
};

/* RFC 6890 and what came after it; the last are not private but asked by nobody else.
 * Of IPv6 only 2000::/3 is given out, so the rest is refused without being named here.
 */
static const struct {
    const char *network;
    unsigned bits;
    const char *kind;
} special[] = {
    {"0.0.0.0", 8, "an address of this machine"},
    {"127.0.0.0", 8, "an address of this machine"},
    {"::", 128, "an address of this machine"},
    {"::1", 128, "an address of this machine"},
    {"169.254.0.0", 16, "a link-local or metadata address"},
    {"168.63.129.16", 32, "a metadata address"},
    {"fe80::", 10, "a link-local address"},
    {"10.0.0.0", 8, "a private address"},
    {"100.64.0.0", 10, "a private address"},
    {"172.16.0.0", 12, "a private address"},
    {"192.168.0.0", 16, "a private address"},
    {"fc00::", 7, "a private address"},
    {"fec0::", 10, "a private address"},
    {"192.0.0.0", 24, "a reserved address"},
    {"192.0.2.0", 24, "a reserved address"},
    {"198.18.0.0", 15, "a reserved address"},
    {"198.51.100.0", 24, "a reserved address"},
    {"203.0.113.0", 24, "a reserved address"},
    {"224.0.0.0", 3, "a reserved address"},
    {"2001::", 23, "a reserved address"}, /* Teredo too, which holds IPv4 */
    {"2001:db8::", 32, "a reserved address"},
    {"3fff::", 20, "a reserved address"},
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct address *a, const void *four)
{
    memcpy(a->bytes, mapped, sizeof(mapped));
    memcpy(a->bytes + sizeof(mapped), four, 4);
}

/* What routers turn into IPv4: NAT64 (64:ff9b::/96), 6to4 (2002::/16), and ::a.b.c.d.
 */
static void unwrap(struct address *a)
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t none[12] = {0};
    uint8_t four[4];

    if (memcmp(a->bytes, nat64, sizeof(nat64)) == 0 ||
        (memcmp(a->bytes, none, sizeof(none)) == 0 && (a->bytes[12] || a->bytes[13])))
        memcpy(four, a->bytes + 12, sizeof(four));
    else if (a->bytes[0] == 0x20 && a->bytes[1] == 0x02)
        memcpy(four, a->bytes + 2, sizeof(four));
    else
        return;
    set_v4(a, four);
}

static bool read_sockaddr(const struct sockaddr *from, struct address *a)
{
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, from, sizeof(v4));
        set_v4(a, &v4.sin_addr);
        a->port = ntohs(v4.sin_port);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, from, sizeof(v6));
        memcpy(a->bytes, &v6.sin6_addr, sizeof(a->bytes));
        a->port = ntohs(v6.sin6_port);
        unwrap(a);
        return true;
    }
    return false;
}

static bool inside(const struct network *n, const struct address *a)
{
    const unsigned whole = n->bits / 8;
    const unsigned rest = n->bits % 8;
    const uint8_t mask = (uint8_t)(0xff00 >> rest);

    return memcmp(n->base.bytes, a->bytes, whole) == 0 &&
           (rest == 0 || (n->base.bytes[whole] & mask) == (a->bytes[whole] & mask));
}

/* bits: of the family that the text is of. */
static bool read_base(const char *text, unsigned bits, struct network *n)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        set_v4(&n->base, &v4);
        n->bits = bits + 96;
        return bits <= 32;
    }
    n->bits = bits;
    return inet_pton(AF_INET6, text, n->base.bytes) == 1 && bits <= 128;
}

/* By the registry of IANA; 2001::/23 and others within it are in the table. */
static bool is_given_out(const struct address *a)
{
    return memcmp(a->bytes, mapped, sizeof(mapped)) == 0 || a->bytes[0] >> 5 == 1;
}

const char *address_kind(const struct sockaddr *address)
{
    struct address a;

    if (!read_sockaddr(address, &a))
        return "no address of the internet";
    for (size_t i = 0; i < COUNT_OF(special); i++) {
        struct network n;

        if (read_base(special[i].network, special[i].bits, &n) && inside(&n, &a))
            return special[i].kind;
    }
    return is_given_out(&a) ? NULL : "a reserved address";
}

/* --- what is allowed --- */

static bool read_number(const char *text, unsigned most, unsigned *number)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || n > most)
        return false;
    *number = (unsigned)n;
    return true;
}

/* "10.0.0.0/8", "127.0.0.1:8080", "[::1]:80", "fd00::/8". Changes the text. */
static bool read_entry(char *text, struct network *n)
{
    char *slash = strchr(text, '/');
    char *close = text[0] == '[' ? strchr(text, ']') : NULL;
    char *colon = close ? (close[1] == ':' ? close + 1 : NULL) : strchr(text, ':');
    unsigned bits = 0;
    unsigned port = 0;

    if (!close && colon && strchr(colon + 1, ':'))
        colon = NULL; /* IPv6 without brackets has no port */
    if (slash) {
        *slash = '\0';
        if (colon > slash || !read_number(slash + 1, 128, &bits))
            return false;
    }
    if (colon) {
        *colon = '\0';
        if (!read_number(colon + 1, 65535, &port) || port == 0)
            return false;
    }
    if (close && close[1])
        return false; /* [::1]80 would be every port */
    if (close)
        *close = '\0';
    text += close != NULL;
    if (!slash)
        bits = strchr(text, ':') ? 128 : 32;
    n->base.port = (uint16_t)port;
    return read_base(text, bits, n);
}

/* Calls with each entry until one is wrong (false), or `a` is inside (*found). */
static bool walk(const char *list, const struct address *a, bool *found, char bad[64])
{
    char *copy = mem_text(list);
    bool good = true;

    for (char *save = NULL, *entry = strtok_r(copy, ", ", &save); good && entry;
         entry = strtok_r(NULL, ", ", &save)) {
        struct network n;

        snprintf(bad, 64, "%s", entry);
        good = read_entry(entry, &n);
        if (good && a && (n.base.port == 0 || n.base.port == a->port) && inside(&n, a))
            *found = true;
    }
    mem_free(copy);
    return good;
}

bool address_allowed(const char *list, const struct sockaddr *address)
{
    struct address a;
    bool found = false;
    char bad[64];

    return list && read_sockaddr(address, &a) && walk(list, &a, &found, bad) && found;
}

bool address_check_list(const char *list, struct ff_err *err)
{
    bool found = false;
    char bad[64] = "";

    if (!list || walk(list, NULL, &found, bad))
        return true;
    ff_fail(err, FF_INVALID, 0,
            "engine.http_allow: %s is no address or network: write 10.0.0.0/8, "
            "127.0.0.1:8080 or [::1]:8080",
            bad);
    return false;
}
