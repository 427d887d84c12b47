/* place.c - addresses as settings name them: where a server is to listen. */
#include "http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

bool http_is_loopback(const char *address)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(address, "::1") == 0;
}

bool http_is_address(const char *text)
{
    struct in6_addr any;

    return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

static bool read_port(const char *text, uint16_t *port)
{
    const size_t len = strlen(text);
    const long n = strtol(text, NULL, 10);

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len || n > 65535)
        return false;
    *port = (uint16_t)n;
    return true;
}

bool http_read_place(const char *text, char address[HTTP_ADDRESS_TEXT], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    const bool brackets = *text == '[';
    size_t len = colon ? (size_t)(colon - text) : 0;

    if (!colon || !read_port(colon + 1, port))
        return false;
    if (brackets && (len < 2 || text[len - 1] != ']'))
        return false;
    if (brackets)
        len -= 2;
    if (len == 0 || len >= HTTP_ADDRESS_TEXT)
        return false;
    memcpy(address, text + brackets, len);
    address[len] = '\0';
    if (strcmp(address, "localhost") == 0)
        snprintf(address, HTTP_ADDRESS_TEXT, "127.0.0.1");
    return http_is_address(address) && (strchr(address, ':') != NULL) == brackets;
}
