/* wire.c - payloads and frames, see wire.h. */
#include "wire.h"
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RX_CHUNK ((size_t)16 << 10) /* kept between frames */
#define OUT_KEEP ((size_t)64 << 10) /* larger buffers are given back when empty */

void rl_out_done(struct rl_out *out)
{
    free(out->data);
    *out = (struct rl_out){.max = out->max};
}

static void *out_space(struct rl_out *out, size_t len)
{
    if (out->failed || len > out->max || out->len > out->max - len) {
        out->failed = true;
        return NULL;
    }
    if (out->cap - out->len < len) {
        size_t cap = out->cap ? out->cap : 512;
        while (cap < out->len + len)
            cap *= 2;
        uint8_t *data = realloc(out->data, cap);
        if (!data) {
            out->failed = true;
            return NULL;
        }
        out->data = data;
        out->cap = cap;
    }
    void *space = out->data + out->len;
    out->len += len;
    return space;
}

static void put(struct rl_out *out, const void *bytes, size_t len)
{
    void *space = out_space(out, len);
    if (space && len)
        memcpy(space, bytes, len);
}

void rl_put_u32(struct rl_out *out, uint32_t value)
{
    put(out, &value, sizeof(value));
}

void rl_put_i32(struct rl_out *out, int32_t value)
{
    put(out, &value, sizeof(value));
}

void rl_put_u64(struct rl_out *out, uint64_t value)
{
    put(out, &value, sizeof(value));
}

void rl_put_i64(struct rl_out *out, int64_t value)
{
    put(out, &value, sizeof(value));
}

void rl_put_blob(struct rl_out *out, const void *bytes, size_t len)
{
    if (!bytes) {
        rl_put_u32(out, RL_NO_STR);
        return;
    }
    if (len >= RL_NO_STR) {
        out->failed = true;
        return;
    }
    rl_put_u32(out, (uint32_t)len);
    put(out, bytes, len);
}

void rl_put_str(struct rl_out *out, const char *text)
{
    rl_put_blob(out, text, text ? strlen(text) : 0);
    if (text)
        put(out, "", 1);
}

void rl_put_strs(struct rl_out *out, const char *const *texts, size_t n)
{
    rl_put_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        rl_put_str(out, texts[i]);
}

size_t rl_frame_begin(struct rl_out *out, uint32_t type, uint64_t seq)
{
    const struct rl_head head = {.type = type, .seq = seq};
    const size_t begun = out->len;

    put(out, &head, sizeof(head));
    return begun;
}

void rl_frame_end(struct rl_out *out, size_t begun)
{
    if (out->failed)
        return;
    const uint32_t len = (uint32_t)(out->len - begun - sizeof(struct rl_head));
    memcpy(out->data + begun + offsetof(struct rl_head, len), &len, sizeof(len));
}

static const void *get(struct rl_in *in, size_t len)
{
    if (in->bad || (size_t)(in->end - in->at) < len) {
        in->bad = true;
        return NULL;
    }
    const void *bytes = in->at;
    in->at += len;
    return bytes;
}

static void get_number(struct rl_in *in, void *value, size_t len)
{
    const void *bytes = get(in, len);
    if (bytes)
        memcpy(value, bytes, len);
}

uint32_t rl_get_u32(struct rl_in *in)
{
    uint32_t value = 0;
    get_number(in, &value, sizeof(value));
    return value;
}

int32_t rl_get_i32(struct rl_in *in)
{
    int32_t value = 0;
    get_number(in, &value, sizeof(value));
    return value;
}

uint64_t rl_get_u64(struct rl_in *in)
{
    uint64_t value = 0;
    get_number(in, &value, sizeof(value));
    return value;
}

int64_t rl_get_i64(struct rl_in *in)
{
    int64_t value = 0;
    get_number(in, &value, sizeof(value));
    return value;
}

const void *rl_get_blob(struct rl_in *in, size_t *len)
{
    const uint32_t n = rl_get_u32(in);

    *len = 0;
    if (in->bad || n == RL_NO_STR)
        return NULL;
    const void *bytes = get(in, n);
    if (bytes)
        *len = n;
    return bytes;
}

const char *rl_get_str(struct rl_in *in)
{
    size_t len;
    const char *text = rl_get_blob(in, &len);

    if (!text)
        return NULL;
    const char *nul = get(in, 1);
    if (!nul || *nul || memchr(text, '\0', len)) {
        in->bad = true;
        return NULL;
    }
    return text;
}

void rl_rx_done(struct rl_rx *rx)
{
    free(rx->data);
    *rx = (struct rl_rx){0};
}

/* Bytes that the frame at `begin` needs in all, as far as is known. */
static size_t rx_wanted(const struct rl_rx *rx)
{
    struct rl_head head;

    if (rx->end - rx->begin < sizeof(head))
        return sizeof(head);
    memcpy(&head, rx->data + rx->begin, sizeof(head));
    return sizeof(head) + head.len;
}

static bool rx_resize(struct rl_rx *rx, size_t cap)
{
    uint8_t *data = realloc(rx->data, cap);
    if (!data)
        return false;
    rx->data = data;
    rx->cap = cap;
    return true;
}

/* Moves what is left to the front and sees to it that the frame fits. */
static bool rx_prepare(struct rl_rx *rx)
{
    const size_t left = rx->end - rx->begin;

    if (left && rx->begin)
        memmove(rx->data, rx->data + rx->begin, left);
    rx->begin = 0;
    rx->end = left;
    if (!left && rx->cap > OUT_KEEP)
        rl_rx_done(rx);

    size_t wanted = rx_wanted(rx);
    if (wanted < RX_CHUNK)
        wanted = RX_CHUNK;
    if (wanted > rx->cap)
        return rx_resize(rx, wanted);
    return rx->end < rx->cap || rx_resize(rx, rx->cap + RX_CHUNK);
}

int rl_rx_read(struct rl_rx *rx, int fd)
{
    if (!rx_prepare(rx)) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t n;
    do
        n = recv(fd, rx->data + rx->end, rx->cap - rx->end, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        rx->end += (size_t)n;
        return 1;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n == 0)
        errno = 0;
    return -1;
}

int rl_rx_next(struct rl_rx *rx, struct rl_frame *frame)
{
    struct rl_head head;

    if (rx->end - rx->begin < sizeof(head))
        return 0;
    memcpy(&head, rx->data + rx->begin, sizeof(head));
    if (head.len > RL_FRAME_MAX)
        return -1;
    if (rx->end - rx->begin - sizeof(head) < head.len)
        return 0;

    const uint8_t *body = rx->data + rx->begin + sizeof(head);
    *frame = (struct rl_frame){
        .type = head.type,
        .seq = head.seq,
        .body = {.at = body, .end = body + head.len},
    };
    rx->begin += sizeof(head) + head.len;
    return 1;
}

int rl_out_send(struct rl_out *out, size_t *sent, int fd)
{
    while (*sent < out->len) {
        const ssize_t n =
            send(fd, out->data + *sent, out->len - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            *sent += (size_t)n;
        } else if (errno != EINTR) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        }
    }
    *sent = 0;
    out->len = 0;
    if (out->cap > OUT_KEEP)
        rl_out_done(out);
    return 1;
}
