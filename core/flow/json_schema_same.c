/* When two values are the same, by JSON Schema: numbers by what they are worth, lists
 * in their order, objects in any. Each value has one canonical form, so that lists can
 * be sorted by it: no choice of items makes that slow. */
#include "flow/json_schema.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 3.0 becomes 3. Beyond 64 bits reals stay what they are. */
static json_t *canonical_real(double x)
{
    const double limit = 9223372036854775808.0;

    if (x == floor(x) && x >= -limit && x < limit)
        return json_integer((json_int_t)x);
    return json_real(x);
}

static json_t *canonical(json_t *v);

static json_t *canonical_list(json_t *list)
{
    json_t *made = json_array();

    for (size_t i = 0; i < json_array_size(list); i++)
        json_array_append_new(made, canonical(json_array_get(list, i)));
    return made;
}

static json_t *canonical_object(json_t *o)
{
    json_t *made = json_object();

    for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at))
        json_object_set_new_nocheck(made, json_object_iter_key(at),
                                    canonical(json_object_iter_value(at)));
    return made;
}

static json_t *canonical(json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_REAL:
        return canonical_real(json_real_value(v));
    case JSON_ARRAY:
        return canonical_list(v);
    case JSON_OBJECT:
        return canonical_object(v);
    default:
        return json_incref(v);
    }
}

bool json_schema_same(json_t *a, json_t *b)
{
    json_t *x = canonical(a);
    json_t *y = canonical(b);
    const bool same = json_equal(x, y);

    json_decref(x);
    json_decref(y);
    return same;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *text_of(json_t *v)
{
    json_t *form = canonical(v);
    char *text = json_dumps(form, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    json_decref(form);
    if (!text)
        mem_exhausted();
    return text;
}

bool json_schema_unique(const json_t *list)
{
    const size_t n = json_array_size(list);
    char **texts = mem_array(n + 1, sizeof(*texts));
    bool unique = true;

    for (size_t i = 0; i < n; i++)
        texts[i] = text_of(json_array_get(list, i));
    qsort(texts, n, sizeof(*texts), by_text);
    for (size_t i = 1; i < n; i++)
        unique &= strcmp(texts[i - 1], texts[i]) != 0;
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    mem_free(texts);
    return unique;
}
