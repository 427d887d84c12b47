/* base/json.c - parsing by jansson, within bounds, and json_t back to text. The
 * streaming writer is jsonw.c. */
#include "base/json_priv.h"

#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 128
/* Values put together from parsed ones stay far below; a cycle would not. */
#define WRITE_DEPTH_MAX 2048

/* jansson recurses and has a limit of its own, 2048, which is too much stack for the
 * threads that parse. Wrong JSON may be counted wrong here: the parser refuses it. */
static bool too_deep(const char *text, size_t len)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        const char c = text[i];

        if (c == '"')
            in_string = !in_string;
        else if (in_string && c == '\\')
            i++;
        else if (!in_string && (c == '[' || c == '{') && ++depth > DEPTH_MAX)
            return true;
        else if (!in_string && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

json_t *json_parse(const char *text, size_t len, struct ff_err *err)
{
    json_error_t failed;
    json_t *plain = json_read_plain(text, len, DEPTH_MAX);

    if (plain)
        return plain;
    if (too_deep(text, len)) {
        ff_fail(err, FF_INVALID, 0, "JSON is nested deeper than %d levels", DEPTH_MAX);
        return NULL;
    }
    json_t *value =
        json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &failed);

    if (!value)
        ff_fail(err, FF_INVALID, 0, "JSON line %d, column %d: %s", failed.line,
                failed.column, failed.text);
    return value;
}

/* The shortest form that reads back as the same number, and never that of an integer:
 * 1.0 stays a real on the way out and in again. */
static void add_real(struct jsonw *w, double x)
{
    char text[40];
    int len = 0;

    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(text, sizeof(text) - 2, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    if (!strpbrk(text, ".e")) {
        memcpy(text + len, ".0", 3);
        len += 2;
    }
    jsonw_raw(w, text, (size_t)len);
}

static void add_value(struct jsonw *w, const json_t *value, int depth);

/* jansson's iterator wants a value that it could change, and does not change it. */
static void add_object(struct jsonw *w, const json_t *value, int depth)
{
    json_t *object = (json_t *)(uintptr_t)value;

    jsonw_open(w, '{');
    for (void *at = json_object_iter(object); at;
         at = json_object_iter_next(object, at)) {
        jsonw_key(w, json_object_iter_key(at));
        add_value(w, json_object_iter_value(at), depth + 1);
    }
    jsonw_close(w, '}');
}

static void add_array(struct jsonw *w, const json_t *value, int depth)
{
    const size_t n = json_array_size(value);

    jsonw_open(w, '[');
    for (size_t i = 0; i < n; i++)
        add_value(w, json_array_get(value, i), depth + 1);
    jsonw_close(w, ']');
}

static void add_value(struct jsonw *w, const json_t *value, int depth)
{
    if (depth > WRITE_DEPTH_MAX)
        abort(); /* a value that holds itself: a bug, and no text would be right */
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        add_object(w, value, depth);
        break;
    case JSON_ARRAY:
        add_array(w, value, depth);
        break;
    case JSON_STRING:
        jsonw_text_len(w, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        jsonw_int(w, json_integer_value(value));
        break;
    case JSON_REAL:
        add_real(w, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        jsonw_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        jsonw_null(w);
        break;
    }
}

void jsonw_value(struct jsonw *w, const json_t *value)
{
    add_value(w, value, 1);
}

void json_add_to(struct buf *b, const json_t *value)
{
    struct jsonw w = {.out = b};

    jsonw_value(&w, value);
}

char *json_text(const json_t *value)
{
    struct buf b = {.max = SIZE_MAX - 1};

    json_add_to(&b, value);
    return buf_take(&b);
}
