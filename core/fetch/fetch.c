/* fetch.c - the program: request in, answer out, one sentence when it fails. */
#include "fetch/fetch_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)64 << 20)

static int read_input(struct buf *b, struct ff_err *err)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0 ||
           (n < 0 && errno == EINTR))
        if (n > 0)
            buf_add(b, piece, (size_t)n);
    if (n < 0 || b->overflow)
        return ff_fail(err, FF_INVALID, 0, "the request cannot be read");
    return FF_OK;
}

static int refuse_status(const struct request *r, const struct answer *a)
{
    const size_t shown = a->body.len < 200 ? a->body.len : 200;

    fprintf(stderr, "%s %s: status %ld was not expected\n", r->method, r->url,
            a->status);
    if (shown > 0 && text_utf8_error(a->body.data, shown) + 4 > shown)
        fprintf(stdout, "%.*s\n", (int)shown, a->body.data);
    return FETCH_STATUS;
}

static int carry_out(const struct request *r, struct ff_err *err)
{
    const char *folder = getenv("FF_OUT");
    struct answer a = {0};
    int code;

    if (!folder || !address_check_list(getenv(FETCH_ALLOW), err))
        return FETCH_REFUSED;
    code = send_request(r, &a, err);
    if (code == FETCH_OK && !request_expects(r, a.status))
        code = refuse_status(r, &a);
    else if (code == FETCH_OK && answer_write(&a, folder, err) != FF_OK)
        code = FETCH_INTERNAL;
    if (code == FETCH_OK)
        printf("%s %s: %ld, %zu bytes\n", r->method, r->url, a.status, a.body.len);
    answer_done(&a);
    return code;
}

int fetch_main(void)
{
    struct buf input = {.max = INPUT_MAX};
    struct request r = {0};
    struct ff_err err = {0};
    int code = FETCH_INTERNAL;

    if (read_input(&input, &err) == FF_OK) {
        code = FETCH_REFUSED;
        if (request_read(buf_text(&input), input.len, &r, &err) == FF_OK)
            code = carry_out(&r, &err);
    }
    if (err.msg[0])
        fprintf(stderr, "%s\n", err.msg);
    request_done(&r);
    buf_done(&input);
    return code;
}
