/* The map against a naive model: a list of pairs in order of insertion. */
#include "support.h"

#include <string.h>

#define MODEL_MAX 600
#define STEPS     20000

struct pair {
    int64_t key;
    void *value;
};

struct model {
    struct pair pairs[MODEL_MAX];
    size_t n;
};

static size_t model_find(const struct model *model, int64_t key)
{
    for (size_t i = 0; i < model->n; i++)
        if (model->pairs[i].key == key)
            return i;
    return model->n;
}

static void *model_get(const struct model *model, int64_t key)
{
    const size_t at = model_find(model, key);

    return at < model->n ? model->pairs[at].value : NULL;
}

static void model_set(struct model *model, int64_t key, void *value)
{
    const size_t at = model_find(model, key);

    if (at == model->n)
        model->n++;
    model->pairs[at] = (struct pair){.key = key, .value = value};
}

static void model_del(struct model *model, int64_t key)
{
    const size_t at = model_find(model, key);

    if (at == model->n)
        return;
    model->n--;
    memmove(&model->pairs[at], &model->pairs[at + 1],
            (model->n - at) * sizeof(struct pair));
}

/* The two ways to address a map, so that one test drives both. */
struct way {
    void *(*get)(const struct map *m, int64_t key);
    void (*set)(struct map *m, int64_t key, void *value);
    void *(*del)(struct map *m, int64_t key);
    bool texts;
};

static const char *text_of(int64_t key)
{
    static char text[64];

    /* Lengths from 1 to beyond the hash's word of eight bytes. */
    snprintf(text, sizeof(text), "%.*s%lld", (int)(key % 23), "abcdefghijklmnopqrstuvw",
             (long long)key);
    return text;
}

static void *get_text(const struct map *m, int64_t key)
{
    return map_get_text(m, text_of(key));
}

static void set_text(struct map *m, int64_t key, void *value)
{
    map_set_text(m, text_of(key), value);
}

static void *del_text(struct map *m, int64_t key)
{
    return map_del_text(m, text_of(key));
}

static void check_order(const struct map *m, const struct model *model,
                        const struct way *way)
{
    size_t at = 0;
    void *value = NULL;

    assert_int_equal(m->n, model->n);
    for (size_t i = 0; map_next(m, &i, &value); at++) {
        assert_true(at < model->n);
        assert_ptr_equal(value, model->pairs[at].value);
        if (way->texts)
            assert_string_equal(map_key_text(m, i), text_of(model->pairs[at].key));
    }
    assert_int_equal(at, model->n);
}

/* Deletes some of the entries in the middle of an iteration. */
static void delete_while_iterating(struct map *m, struct model *model,
                                   const struct way *way, struct rand *r)
{
    struct model before = *model;
    size_t at = 0;
    void *value = NULL;

    for (size_t i = 0; map_next(m, &i, &value); at++) {
        const int64_t key = before.pairs[at].key;

        assert_ptr_equal(value, before.pairs[at].value);
        if (rand_below(r, 3) != 0)
            continue;
        assert_ptr_equal(way->del(m, key), value);
        model_del(model, key);
    }
    assert_int_equal(at, before.n);
}

static void step(struct map *m, struct model *model, const struct way *way,
                 struct rand *r, uint64_t n_keys)
{
    const int64_t key = (int64_t)rand_below(r, n_keys);
    void *value = (void *)(uintptr_t)(rand_next(r) | 1);

    switch (rand_below(r, 4)) {
    case 0:
        assert_ptr_equal(way->del(m, key), model_get(model, key));
        model_del(model, key);
        break;
    case 1:
        assert_ptr_equal(way->get(m, key), model_get(model, key));
        break;
    default:
        if (model->n == MODEL_MAX)
            break;
        way->set(m, key, value);
        model_set(model, key, value);
    }
}

static void run_against_model(const struct way *way)
{
    static struct model model;
    struct rand r = support_rand();
    struct map m = {0};

    model.n = 0;
    map_seed(rand_next(&r), rand_next(&r));
    for (int i = 0; i < STEPS; i++) {
        step(&m, &model, way, &r, i % 5000 < 2500 ? 40 : MODEL_MAX);
        if (i % 500 == 0)
            check_order(&m, &model, way);
        if (i % 1500 == 0)
            delete_while_iterating(&m, &model, way, &r);
    }
    check_order(&m, &model, way);
    map_done(&m);
    assert_int_equal(m.n, 0);
}

static void numbers_agree_with_the_model(void **state)
{
    static const struct way way = {.get = map_get, .set = map_set, .del = map_del};

    (void)state;
    run_against_model(&way);
}

static void texts_agree_with_the_model(void **state)
{
    static const struct way way = {
        .get = get_text, .set = set_text, .del = del_text, .texts = true};

    (void)state;
    run_against_model(&way);
}

static void an_empty_map_answers(void **state)
{
    struct map m = {0};
    size_t i = 0;
    void *value = NULL;

    (void)state;
    assert_null(map_get(&m, 1));
    assert_null(map_del(&m, 1));
    assert_null(map_get_text(&m, "x"));
    assert_null(map_del_text(&m, "x"));
    assert_false(map_next(&m, &i, &value));
    map_done(&m);
}

static void a_key_may_be_part_of_a_text(void **state)
{
    struct map m = {0};
    int value = 0;

    (void)state;
    map_set_text(&m, "task", &value);
    map_set_text(&m, "", &m);
    assert_ptr_equal(map_get_len(&m, "tasks", 4), &value);
    assert_null(map_get_len(&m, "tasks", 5));
    assert_ptr_equal(map_get_len(&m, "tasks", 0), &m);
    map_done(&m);
}

static void deleting_gives_memory_back(void **state)
{
    struct map m = {0};

    (void)state;
    for (int64_t key = 0; key < 100000; key++)
        map_set(&m, key, &m);
    assert_true(m.cap <= 131072);
    for (int64_t key = 0; key < 100000; key++)
        assert_ptr_equal(map_del(&m, key), &m);
    /* A queue that stays short: it must not grow, and must shrink to its size. */
    for (int64_t key = 0; key < 1000000; key++) {
        map_set(&m, key, &m);
        assert_ptr_equal(map_del(&m, key), &m);
    }
    assert_int_equal(m.n, 0);
    assert_true(m.cap <= 16);
    map_done(&m);
}

static void order_does_not_depend_on_the_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct map m = {0};
        char text[16];
        int at = 0;
        void *value = NULL;

        map_seed(seed, ~seed);
        for (int i = 0; i < 100; i++) {
            snprintf(text, sizeof(text), "k%d", i);
            map_set_text(&m, text, &m);
        }
        for (size_t i = 0; map_next(&m, &i, &value); at++) {
            snprintf(text, sizeof(text), "k%d", at);
            assert_string_equal(map_key_text(&m, i), text);
        }
        map_done(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_agree_with_the_model),
        cmocka_unit_test(texts_agree_with_the_model),
        cmocka_unit_test(an_empty_map_answers),
        cmocka_unit_test(a_key_may_be_part_of_a_text),
        cmocka_unit_test(deleting_gives_memory_back),
        cmocka_unit_test(order_does_not_depend_on_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
