/*
 * Values as text: compact JSON and what goes into mixed text. jansson's own dump is not
 * used because it writes 0.1 as 0.10000000000000001, and has no ceiling.
 */
#include "expr/expr_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct out {
    char *data;
    size_t len, cap, max;
    int code; /* 0, or why it stopped */
};

static void put(struct out *out, const char *bytes, size_t len)
{
    if (out->code != 0)
        return;
    if (len > out->max - out->len) {
        out->code = EXPR_E_LIMIT;
        return;
    }
    if (out->len + len + 1 > out->cap) {
        const size_t cap = (out->len + len + 1) * 2;
        char *data = realloc(out->data, cap);
        if (data == NULL) {
            out->code = EXPR_E_NOMEM;
            return;
        }
        out->data = data;
        out->cap = cap;
    }
    memcpy(out->data + out->len, bytes, len);
    out->len += len;
    out->data[out->len] = '\0';
}

static void put_text(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

void expr_print_real(char out[40], double d)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 40, "%.*g", digits, d);
        if (strtod(out, NULL) == d)
            return;
    }
}

/* A real stays a real when it is read back. */
static void put_real(struct out *out, double d)
{
    char text[40];

    expr_print_real(text, d);
    put_text(out, text);
    if (strpbrk(text, ".en") == NULL)
        put(out, ".0", 2);
}

static void put_string(struct out *out, const char *s, size_t len)
{
    static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    size_t plain = 0;

    put(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        const char c = s[i];
        if ((unsigned char)c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(out, s + plain, i - plain);
        plain = i + 1;
        char text[8];
        snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
        for (const char *e = escapes; *e != '\0'; e += 2)
            if (e[0] == c)
                snprintf(text, sizeof(text), "\\%c", e[1]);
        put_text(out, text);
    }
    put(out, s + plain, len - plain);
    put(out, "\"", 1);
}

static void put_value(struct out *out, const json_t *v, int depth);

static void put_array(struct out *out, const json_t *v, int depth)
{
    size_t i;
    json_t *item;

    put(out, "[", 1);
    json_array_foreach(v, i, item)
    {
        if (i > 0)
            put(out, ",", 1);
        put_value(out, item, depth + 1);
        if (out->code != 0)
            return;
    }
    put(out, "]", 1);
}

static void put_object(struct out *out, const json_t *v, int depth)
{
    /* jansson's iterators want a pointer that is not const, and change nothing. */
    json_t *object = (json_t *)(uintptr_t)v;
    const char *between = "";

    put(out, "{", 1);
    for (void *at = json_object_iter(object); at != NULL;
         at = json_object_iter_next(object, at)) {
        put_text(out, between);
        between = ",";
        put_string(out, json_object_iter_key(at), json_object_iter_key_len(at));
        put(out, ":", 1);
        put_value(out, json_object_iter_value(at), depth + 1);
        if (out->code != 0)
            return;
    }
    put(out, "}", 1);
}

static void put_value(struct out *out, const json_t *v, int depth)
{
    char number[32];

    if (depth > EXPR_MAX_DEPTH) {
        out->code = EXPR_E_LIMIT;
        return;
    }
    switch (json_typeof(v)) {
    case JSON_NULL:
        put_text(out, "null");
        break;
    case JSON_TRUE:
        put_text(out, "true");
        break;
    case JSON_FALSE:
        put_text(out, "false");
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
        put_text(out, number);
        break;
    case JSON_REAL:
        put_real(out, json_real_value(v));
        break;
    case JSON_STRING:
        put_string(out, json_string_value(v), json_string_length(v));
        break;
    case JSON_ARRAY:
        put_array(out, v, depth);
        break;
    case JSON_OBJECT:
        put_object(out, v, depth);
        break;
    }
}

char *expr_dump(const json_t *v, bool to_text, size_t max, size_t *len, int *code)
{
    struct out out = {.max = max};

    put(&out, "", 0);
    if (to_text && json_is_string(v))
        put(&out, json_string_value(v), json_string_length(v));
    else if (!to_text || !json_is_null(v))
        put_value(&out, v, 0);
    if (out.code != 0) {
        *code = out.code;
        free(out.data);
        return NULL;
    }
    *len = out.len;
    return out.data;
}

char *expr_to_text(const json_t *v, int *code)
{
    size_t len;
    int ignored;

    return expr_dump(v, true, SIZE_MAX / 4, &len, code ? code : &ignored);
}

bool expr_truth(const json_t *v, bool *truth)
{
    if (!json_is_boolean(v))
        return false;
    *truth = json_is_true(v);
    return true;
}
