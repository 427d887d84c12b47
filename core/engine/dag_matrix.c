/* dag_matrix.c - the combinations of a matrix: the product of its axes, the first axis
 * changing slowest; without those that match an entry of `exclude`; then each entry of
 * `include` is added to the combinations whose axes it does not contradict, or is one
 * of its own if there is none. */
#include "engine/dag_priv.h"

#include <string.h>

struct matrix {
    json_t *given; /* the evaluated map */
    json_t *made;  /* the combinations */
    size_t n_axes; /* combinations of axes, which `include` may add to */
    struct ff_err *err;
};

static bool is_axis(const char *key)
{
    return strcmp(key, "include") != 0 && strcmp(key, "exclude") != 0;
}

static bool check(const struct matrix *m)
{
    const char *key;
    json_t *list;
    size_t i;
    json_t *entry;

    if (json_typeof(m->given) != JSON_OBJECT) {
        ff_fail(m->err, FF_INVALID, 0, "matrix: gives no map");
        return false;
    }
    json_object_foreach(m->given, key, list)
    {
        if (json_typeof(list) != JSON_ARRAY) {
            ff_fail(m->err, FF_INVALID, 0, "matrix: %.64s gives no list", key);
            return false;
        }
        if (is_axis(key))
            continue;
        json_array_foreach(list, i, entry)
        {
            if (json_typeof(entry) == JSON_OBJECT)
                continue;
            ff_fail(m->err, FF_INVALID, 0, "matrix: entry %zu of %s is no map", i, key);
            return false;
        }
    }
    return true;
}

/* How many the product has, or false when that is too many. */
static bool count(const struct matrix *m, size_t *product)
{
    const size_t entries = json_array_size(json_object_get(m->given, "include")) +
                           json_array_size(json_object_get(m->given, "exclude"));
    size_t n = 1;
    bool any = false;
    const char *key;
    json_t *list;

    json_object_foreach(m->given, key, list)
    {
        if (!is_axis(key) || n > FLOW_MAX_ITEMS)
            continue;
        n *= json_array_size(list);
        any = true;
    }
    *product = any ? n : 0;
    if (*product > FLOW_MAX_ITEMS)
        ff_fail(m->err, FF_INVALID, 0,
                "matrix: more than %d combinations, which is the limit",
                FLOW_MAX_ITEMS);
    else if (*product * entries > FLOW_MAX_MATCHES)
        ff_fail(m->err, FF_INVALID, 0,
                "matrix: %zu combinations times %zu entries of include and exclude are "
                "more than %d, which is the limit",
                *product, entries, FLOW_MAX_MATCHES);
    else
        return true;
    return false;
}

/* Combination `no` of the product of `n`. */
static json_t *combine(const struct matrix *m, size_t no, size_t n)
{
    json_t *made = json_object();
    const char *key;
    json_t *list;

    json_object_foreach(m->given, key, list)
    {
        if (!is_axis(key))
            continue;
        n /= json_array_size(list);
        json_object_set(made, key, json_array_get(list, no / n));
        no %= n;
    }
    return made;
}

/* All that the entry names is so in the combination. */
static bool has_all(const json_t *combination, json_t *entry)
{
    const char *key;
    json_t *value;

    json_object_foreach(entry, key, value)
    {
        if (!json_equal(json_object_get(combination, key), value))
            return false;
    }
    return true;
}

static bool is_excluded(const struct matrix *m, const json_t *combination)
{
    const json_t *entries = json_object_get(m->given, "exclude");

    for (size_t i = 0; i < json_array_size(entries); i++)
        if (has_all(combination, json_array_get(entries, i)))
            return true;
    return false;
}

static void add_product(struct matrix *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *made = combine(m, i, n);

        if (!is_excluded(m, made))
            json_array_append(m->made, made);
        json_decref(made);
    }
    m->n_axes = json_array_size(m->made);
}

/* What stands in the axes stays; what an entry before this one added may change. */
static bool fits(const struct matrix *m, const json_t *combination, json_t *entry)
{
    const char *key;
    json_t *value;

    json_object_foreach(entry, key, value)
    {
        if (is_axis(key) && json_object_get(m->given, key) &&
            !json_equal(json_object_get(combination, key), value))
            return false;
    }
    return true;
}

static void include(struct matrix *m, json_t *entry)
{
    bool added = false;

    for (size_t i = 0; i < m->n_axes; i++) {
        json_t *combination = json_array_get(m->made, i);

        if (!fits(m, combination, entry))
            continue;
        json_object_update(combination, entry);
        added = true;
    }
    if (!added)
        json_array_append_new(m->made, json_copy(entry));
}

json_t *dag_matrix_items(json_t *matrix, struct ff_err *err)
{
    struct matrix m = {.given = matrix, .made = json_array(), .err = err};
    size_t n;

    if (!check(&m) || !count(&m, &n)) {
        json_decref(m.made);
        json_decref(matrix);
        return NULL;
    }
    const json_t *entries = json_object_get(matrix, "include");

    add_product(&m, n);
    for (size_t i = 0; i < json_array_size(entries); i++)
        include(&m, json_array_get(entries, i));
    json_decref(matrix);
    return m.made;
}
