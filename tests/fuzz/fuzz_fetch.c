/* fuzz_fetch.c - what flowforge-http reads. The first byte chooses: two addresses and
 * how many bits they share; a list of http_allow; an answer with its type; a request;
 * the lines of an answer's head. An address is of one kind however it is written; what
 * came back is in the files. */
#include "fuzz.h"

/* For the lines, which libcurl hands to a function that is nobody else's. */
#include "../../core/fetch/send.c"

#include <arpa/inet.h>
#include <netinet/in.h>

/* --- addresses --- */

static struct sockaddr_in6 v6_of(const uint8_t bytes[16], uint16_t port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memcpy(&a.sin6_addr, bytes, 16);
    return a;
}

static const char *kind_of_v6(const uint8_t *head, size_t n_head, const uint8_t *four)
{
    uint8_t bytes[16] = {0};

    memcpy(bytes, head, n_head);
    memcpy(bytes + n_head, four, 4);
    const struct sockaddr_in6 a = v6_of(bytes, 80);

    return address_kind((const struct sockaddr *)&a);
}

/* As it is, mapped, through NAT64 and through 6to4. */
static void check_kind(const uint8_t four[4])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t six_to_four[2] = {0x20, 0x02};
    struct sockaddr_in a = {.sin_family = AF_INET};

    memcpy(&a.sin_addr, four, 4);
    const char *kind = address_kind((const struct sockaddr *)&a);

    FUZZ_CHECK(kind_of_v6(mapped, sizeof(mapped), four) == kind);
    FUZZ_CHECK(kind_of_v6(nat64, sizeof(nat64), four) == kind);
    FUZZ_CHECK(kind_of_v6(six_to_four, sizeof(six_to_four), four) == kind);
}

static bool shares(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* A network of IPv6, which nothing is unwrapped of, and an address. */
static void check_network(struct fuzz_input *in)
{
    uint8_t network[16], other[16];
    char text[INET6_ADDRSTRLEN], list[96];
    const unsigned bits = fuzz_byte(in) % 129;
    const uint16_t port = (uint16_t)(fuzz_byte(in) + 1);

    for (int i = 0; i < 16; i++) {
        network[i] = fuzz_byte(in);
        other[i] = network[i] ^ fuzz_byte(in);
    }
    network[0] = other[0] = 0xfd;
    inet_ntop(AF_INET6, network, text, sizeof(text));
    const struct sockaddr_in6 near = v6_of(other, port);
    const struct sockaddr_in6 far = v6_of(other, (uint16_t)(port + 1));
    const bool is_inside = shares(network, other, bits);

    snprintf(list, sizeof(list), "10.0.0.1, %s/%u", text, bits);
    FUZZ_CHECK(address_allowed(list, (const struct sockaddr *)&near) == is_inside);
    snprintf(list, sizeof(list), "[%s]:%u", text, port);
    FUZZ_CHECK(address_allowed(list, (const struct sockaddr *)&near) ==
               shares(network, other, 128));
    FUZZ_CHECK(!address_allowed(list, (const struct sockaddr *)&far));
}

static void check_addresses(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    const uint8_t four[4] = {fuzz_byte(&in), fuzz_byte(&in), fuzz_byte(&in),
                             fuzz_byte(&in)};

    check_kind(four);
    check_network(&in);
}

/* Who is let in by a list is let in by it also with one more entry. */
static void check_list(const char *list)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct ff_err err = {0};
    struct buf longer = {0};

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!address_check_list(list, &err)) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        return;
    }
    buf_printf(&longer, "%s, 192.0.2.1", list);
    FUZZ_CHECK(address_allowed(list, (const struct sockaddr *)&a) ==
               address_allowed(buf_text(&longer), (const struct sockaddr *)&a));
    buf_done(&longer);
}

/* --- answers --- */

static json_t *read_file(const char *name)
{
    MEM_AUTO char *path = file_join(fuzz_dir(), name);
    struct buf b = {.max = (size_t)1 << 20};
    struct ff_err err = {0};

    FUZZ_CHECK(file_read(path, b.max, &b) == 0);
    json_t *value = json_parse(buf_text(&b), b.len, &err);

    FUZZ_CHECK(value);
    buf_done(&b);
    return value;
}

static void check_body(const json_t *body, const char *encoding, const char *bytes,
                       size_t len)
{
    struct buf b = {0};
    struct ff_err err = {0};

    if (strcmp(encoding, "json") == 0) {
        json_t *value = json_parse(bytes, len, &err);

        FUZZ_CHECK(value && json_equal(value, body));
        json_decref(value);
        return;
    }
    if (strcmp(encoding, "base64") == 0)
        FUZZ_CHECK(base64_read(json_string_value(body), json_string_length(body), &b));
    else
        buf_add(&b, json_string_value(body), json_string_length(body));
    FUZZ_CHECK(b.len == len && (len == 0 || memcmp(b.data, bytes, len) == 0));
    buf_done(&b);
}

/* TYPE NUL BODY */
static void check_answer(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    MEM_AUTO char *type = fuzz_piece(&in, 0, NULL);
    const size_t len = (size_t)(in.end - in.at);
    MEM_AUTO char *bytes = fuzz_text(in.at, len);
    struct answer a = {.status = 200, .headers = json_object()};
    struct ff_err err = {0};
    json_t *text = json_string(type);

    if (text)
        json_object_set_new(a.headers, "content-type", text);
    buf_add(&a.body, bytes, len);
    FUZZ_CHECK(answer_write(&a, fuzz_dir(), &err) == FF_OK);
    json_t *encoding = read_file("encoding");
    json_t *body = read_file("body");
    json_t *headers = read_file("headers");

    check_body(body, json_string_value(encoding), bytes, len);
    FUZZ_CHECK(json_equal(headers, a.headers));
    json_decref(encoding);
    json_decref(body);
    json_decref(headers);
    answer_done(&a);
}

/* --- the head --- */

/* Lines with a byte 0xff for each end of them, as libcurl gives them: with CR and LF.
 */
static void check_head(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    struct answer a = {.headers = json_object()};
    struct hop h = {.answer = &a};
    size_t n_bytes = 0;

    while (in.at < in.end) {
        size_t len;
        MEM_AUTO char *piece = fuzz_piece(&in, 0xff, &len);
        MEM_AUTO char *line = mem_alloc(len + 2);

        memcpy(line, piece, len);
        memcpy(line + len, "\r\n", 2);
        const size_t taken = take_header(line, 1, len + 2, &h);

        n_bytes += len + 2;
        FUZZ_CHECK(taken == (n_bytes > FETCH_MAX_HEADS ? 0 : len + 2));
        if (taken == 0)
            break;
    }
    FUZZ_CHECK(h.heads_too_large == (n_bytes > FETCH_MAX_HEADS));
    const char *name;
    json_t *value;

    json_object_foreach(a.headers, name, value)
    {
        FUZZ_CHECK(json_is_string(value) && strlen(name) < 128);
        for (const char *c = name; *c; c++)
            FUZZ_CHECK(*c < 'A' || *c > 'Z');
    }
    FUZZ_CHECK(answer_write(&a, fuzz_dir(), &(struct ff_err){0}) == FF_OK);
    json_t *headers = read_file("headers");

    FUZZ_CHECK(json_is_object(headers));
    json_decref(headers);
    answer_done(&a);
}

/* --- requests --- */

static void check_request(const char *text, size_t len)
{
    struct ff_err err = {0};
    struct request r;

    if (request_read(text, len, &r, &err) != FF_OK) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        request_done(&r);
        return;
    }
    FUZZ_CHECK(r.method[0] && !strpbrk(r.method, " \r\n:") && r.url &&
               r.max_bytes >= 0);
    for (size_t i = 0; i < r.headers.n; i++)
        FUZZ_CHECK(!strpbrk(r.headers.items[i].name, " \r\n:") &&
                   !strpbrk(r.headers.items[i].value, "\r\n"));
    request_expects(&r, 204);
    request_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    MEM_AUTO char *text = fuzz_text(data + 1, size - 1);

    switch (data[0] % 5) {
    case 0:
        check_addresses(data + 1, size - 1);
        break;
    case 1:
        check_list(text);
        break;
    case 2:
        check_answer(data + 1, size - 1);
        break;
    case 3:
        check_head(data + 1, size - 1);
        break;
    default:
        check_request(text, size - 1);
    }
    return 0;
}
