/* answer.c - what came back, as JSON files that are the outputs of the task. */
#include "fetch/fetch_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int write_file(const char *folder, const char *name, const struct buf *b,
                      struct ff_err *err)
{
    MEM_AUTO char *path = file_join(folder, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;

    while (fd >= 0 && done < b->len) {
        const ssize_t n = write(fd, b->data + done, b->len - done);

        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0 && close(fd) == 0 && done == b->len)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", path, strerror(errno));
}

static int write_json(const char *folder, const char *name, json_t *value,
                      struct ff_err *err)
{
    struct buf b = {0};

    json_add_to(&b, value);
    json_decref(value);

    const int code = write_file(folder, name, &b, err);

    buf_done(&b);
    return code;
}

/* application/json, and application/problem+json. */
static bool says_json(const struct answer *a)
{
    const char *type = json_string_value(json_object_get(a->headers, "content-type"));
    const size_t len = type ? strcspn(type, "; ") : 0;

    return (len >= 5 && strncasecmp(type + len - 5, "/json", 5) == 0) ||
           (len >= 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

/* JSON that is none is text: the status has been looked at, and whoever wants more
 * looks at `encoding`. */
static json_t *body_of(const struct answer *a, const char **encoding)
{
    const char *bytes = a->body.len ? a->body.data : "";
    struct ff_err err;
    json_t *value = says_json(a) ? json_parse(bytes, a->body.len, &err) : NULL;
    struct buf b = {0};

    *encoding = value ? "json" : "text";
    if (value)
        return value;
    if (text_utf8_error(bytes, a->body.len) == a->body.len)
        return json_stringn(bytes, a->body.len);
    *encoding = "base64";
    base64_add(&b, bytes, a->body.len);
    value = json_stringn(b.data, b.len);
    buf_done(&b);
    return value;
}

int answer_write(const struct answer *a, const char *folder, struct ff_err *err)
{
    const char *encoding;
    int code = write_json(folder, "status", json_integer(a->status), err);

    if (code == FF_OK)
        code = write_json(folder, "headers", json_incref(a->headers), err);
    if (code == FF_OK)
        code = write_json(folder, "body", body_of(a, &encoding), err);
    if (code == FF_OK)
        code = write_json(folder, "encoding", json_string(encoding), err);
    return code;
}

void answer_done(struct answer *a)
{
    json_decref(a->headers);
    buf_done(&a->body);
}
