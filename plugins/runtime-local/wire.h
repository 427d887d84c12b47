/* wire.h - frames of protocol.h: writing and reading payloads, and moving frames
 * through a socket. Linked into the driver and into the supervisor; knows no
 * request's meaning. */
#ifndef RUNTIME_LOCAL_WIRE_H
#define RUNTIME_LOCAL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow. After a failed allocation, or growth over `max`, `failed` is
 * set and further puts do nothing, so that one check at the end is enough. */
struct rl_out {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
};

void rl_out_done(struct rl_out *out);
void rl_put_u32(struct rl_out *out, uint32_t value);
void rl_put_i32(struct rl_out *out, int32_t value);
void rl_put_u64(struct rl_out *out, uint64_t value);
void rl_put_i64(struct rl_out *out, int64_t value);
void rl_put_str(struct rl_out *out, const char *text); /* takes NULL */
void rl_put_blob(struct rl_out *out, const void *bytes, size_t len);
void rl_put_strs(struct rl_out *out, const char *const *texts, size_t n);

/* begin returns where the frame starts; end fills in its length. */
size_t rl_frame_begin(struct rl_out *out, uint32_t type, uint64_t seq);
void rl_frame_end(struct rl_out *out, size_t begun);

/* A payload being read. After anything malformed `bad` is set and further gets
 * return zeros. Strings point into the payload. */
struct rl_in {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

uint32_t rl_get_u32(struct rl_in *in);
int32_t rl_get_i32(struct rl_in *in);
uint64_t rl_get_u64(struct rl_in *in);
int64_t rl_get_i64(struct rl_in *in);
const char *rl_get_str(struct rl_in *in);
const void *rl_get_blob(struct rl_in *in, size_t *len);

struct rl_frame {
    uint32_t type;
    uint64_t seq;
    struct rl_in body; /* valid until the next rl_rx_read */
};

/* What came in and was not taken yet. */
struct rl_rx {
    uint8_t *data;
    size_t begin;
    size_t end;
    size_t cap;
};

void rl_rx_done(struct rl_rx *rx);

/* One recv. 1: something came; 0: nothing there now; -1: closed or broken, see
 * errno (0 when the other side closed). */
int rl_rx_read(struct rl_rx *rx, int fd);

/* 1: a whole frame; 0: more must be read first; -1: no frame of ours. */
int rl_rx_next(struct rl_rx *rx, struct rl_frame *frame);

/* Sends out->data from *sent on; empties the buffer once all is gone.
 * 1: all sent; 0: the socket is full; -1: broken. */
int rl_out_send(struct rl_out *out, size_t *sent, int fd);

#endif
