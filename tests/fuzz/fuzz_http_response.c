/* fuzz_http_response.c - what the command line reads from an owner: answers, problem
 * documents, event streams. Where the bytes are cut makes no difference. The link is
 * ours: client_link.c is not in this program. */
#include "api/client_link.h"
#include "fuzz.h"

static struct {
    const uint8_t *at, *end;
    size_t step;
} wire;

int client_link_init(struct client_link *l, const char *endpoint, struct ff_err *err)
{
    (void)endpoint;
    (void)err;
    *l = (struct client_link){.fd = -1};
    return FF_OK;
}

void client_link_done(struct client_link *l)
{
    (void)l;
}

void client_link_set_deadline(struct client_link *l, int64_t from_now_us)
{
    (void)l;
    (void)from_now_us;
}

bool client_link_is_fresh(struct client_link *l)
{
    (void)l;
    return false;
}

int client_link_open(struct client_link *l, struct ff_err *err)
{
    (void)err;
    l->fd = 1000;
    return FF_OK;
}

void client_link_close(struct client_link *l)
{
    l->fd = -1;
}

int client_link_send(struct client_link *l, const char *bytes, size_t len,
                     struct ff_err *err)
{
    (void)l;
    (void)bytes;
    (void)len;
    (void)err;
    return FF_OK;
}

int client_link_recv(struct client_link *l, char *bytes, size_t room, size_t *n,
                     struct ff_err *err)
{
    const size_t left = (size_t)(wire.end - wire.at);

    (void)l;
    (void)err;
    *n = left < wire.step ? left : wire.step;
    if (*n > room)
        *n = room;
    if (*n)
        memcpy(bytes, wire.at, *n);
    wire.at += *n;
    return FF_OK;
}

/* What came of one call, as text. */
static void note_answer(struct client *c, struct buf *out)
{
    const struct client_request r = {.method = "GET", .path = "/"};
    struct client_answer answer;
    struct ff_err err = {0};
    const int code = client_call(c, &r, &answer, &err);

    buf_printf(out, "%d|", code);
    if (code != FF_OK)
        return;
    FUZZ_CHECK(answer.status >= 0 && answer.status <= 999);
    FUZZ_CHECK(strlen(answer.type) < sizeof(answer.type));
    buf_printf(out, "%d|%s|", answer.status, answer.type);
    buf_add(out, buf_text(&answer.body), answer.body.len);
    buf_done(&answer.body);
}

static void note_json(struct client *c, struct buf *out)
{
    json_t *value = NULL;
    struct ff_err err = {0};
    const int code = client_json(c, "GET", "/", NULL, &value, &err);

    FUZZ_CHECK((code == FF_OK) == (value != NULL));
    FUZZ_CHECK(code == FF_OK || (err.code == code && err.msg[0]));
    buf_printf(out, "|%d|%s|", code, code == FF_OK ? "" : err.msg);
    if (value)
        json_add_to(out, value);
    json_decref(value);
}

static bool note_event(void *arg, const char *id, const char *event, const char *data,
                       size_t len)
{
    struct buf *out = arg;

    FUZZ_CHECK(data[len] == '\0');
    buf_printf(out, "|%s|%s|", id, event);
    buf_add(out, data, len);
    return strcmp(event, "stop") != 0;
}

static void note_events(struct client *c, struct buf *out)
{
    struct ff_err err = {0};
    const int code = client_events(c, "/", NULL, note_event, out, &err);

    buf_printf(out, "|%d", code);
}

static char *hear(const uint8_t *data, size_t size, size_t step)
{
    static void (*const notes[])(struct client *,
                                 struct buf *) = {note_answer, note_json, note_events};
    const struct client_options opts = {.endpoint = "/nowhere"};
    struct ff_err err;
    struct buf out = {0};

    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        struct client *c = client_new(&opts, &err);

        wire.at = data;
        wire.end = data + size;
        wire.step = step;
        notes[i](c, &out);
        client_free(c);
    }
    return buf_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *whole = hear(data, size, SIZE_MAX);
    MEM_AUTO char *cut = hear(data, size, 1);
    MEM_AUTO char *other = hear(data, size, 5);

    FUZZ_CHECK(strcmp(whole, cut) == 0);
    FUZZ_CHECK(strcmp(whole, other) == 0);
    return 0;
}
