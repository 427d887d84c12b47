/* http/h2_guard.c - against floods of frames that cost the peer nothing: pings,
 * settings, priorities, window updates, resets, empty data, requests beyond the limit.
 *
 * Each such frame takes a token; time gives them back, and so does work that is really
 * done, as its side frames are many then. nghttp2 has guards of its own, for what it
 * must answer and for resets; it skips frames of unknown types without a word. */
#include "http/h2_priv.h"

enum {
    SMALL = 64,
    RESET_COST = 7 /* a request that is reset has cost more than its frame */
};

void h2_guard_init(struct h2 *h)
{
    h->n_tokens = H2_TOKENS_MAX;
    h->tokens_us = loop_mono_us(h->conn->server->loop);
}

void h2_guard_pay_back(struct h2 *h, size_t n)
{
    h->n_tokens += n;
    if (h->n_tokens > H2_TOKENS_MAX)
        h->n_tokens = H2_TOKENS_MAX;
}

static void count_time(struct h2 *h)
{
    int64_t now = loop_mono_us(h->conn->server->loop);
    int64_t earned = (now - h->tokens_us) * H2_TOKENS_A_SECOND / UNITS_SECOND;

    if (earned > 0) {
        h->tokens_us = now;
        h2_guard_pay_back(h, (size_t)earned);
    }
}

bool h2_guard_frame(struct h2 *h, const nghttp2_frame_hd *hd)
{
    if (hd->type == NGHTTP2_DATA && hd->length >= SMALL)
        return true;
    if (h->n_tokens < H2_TOKENS_MAX / 2)
        count_time(h);
    size_t cost = hd->type == NGHTTP2_RST_STREAM ? RESET_COST : 1;
    if (h->n_tokens < cost)
        return false;
    h->n_tokens -= cost;
    return true;
}
