#include "support.h"

#include <string.h>

/* One timer of a test: notes its name, and what it was told to do besides. */
struct alarm {
    struct trace *trace;
    const char *name;
    struct alarm *deletes;
    struct alarm *adds;
    bool stops;
    struct loop_timer *timer;
    int64_t due_us;
};

static void ring(void *arg);

static void set_alarm(struct alarm *a, int64_t delay_us)
{
    struct loop *l = a->trace->loop;

    a->due_us = loop_mono_us(l) + delay_us;
    struct loop_timer *timer = loop_timer_add(l, delay_us, ring, a, &a->timer);

    assert_non_null(timer);
    assert_ptr_equal(a->timer, timer);
}

static void ring(void *arg)
{
    struct alarm *a = arg;

    assert_null(a->timer);
    assert_true(loop_mono_us(a->trace->loop) >= a->due_us);
    support_note(a->trace, a->name);
    if (a->deletes)
        loop_timer_del(a->deletes->timer);
    if (a->adds)
        set_alarm(a->adds, 0);
    if (a->stops)
        loop_stop(a->trace->loop, 0);
}

static void they_fire_in_order_of_time_and_never_early(void **state)
{
    struct trace t = {.loop = *state};
    struct alarm a = {.trace = &t, .name = "a"};
    struct alarm b = {.trace = &t, .name = "b"};
    struct alarm c = {.trace = &t, .name = "c"};
    struct alarm last = {.trace = &t, .name = "last", .stops = true};

    set_alarm(&last, 9000);
    set_alarm(&c, 7000);
    set_alarm(&a, 300);
    set_alarm(&b, 4500);
    loop_run(t.loop);
    assert_string_equal(t.text, "a b c last");
}

static void those_due_together_fire_in_order_of_adding(void **state)
{
    struct trace t = {.loop = *state};
    struct alarm alarms[10];
    const char *names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

    for (size_t i = 0; i < COUNT_OF(alarms); i++) {
        alarms[i] = (struct alarm){.trace = &t, .name = names[i], .stops = i == 9};
        set_alarm(&alarms[i], -5); /* past is now */
        alarms[i].due_us = 0;
    }
    loop_run(t.loop);
    assert_string_equal(t.text, "0 1 2 3 4 5 6 7 8 9");
}

static void a_deleted_one_does_not_fire(void **state)
{
    struct trace t = {.loop = *state};
    struct alarm first = {.trace = &t, .name = "first"};
    struct alarm never = {.trace = &t, .name = "never"};
    struct alarm last = {.trace = &t, .name = "last", .stops = true};

    set_alarm(&never, 100);
    loop_timer_del(never.timer);
    assert_null(never.timer);
    loop_timer_del(NULL);
    first.deletes = &never;
    set_alarm(&first, 1000);
    set_alarm(&never, 1000);
    set_alarm(&last, 2000);
    loop_run(t.loop);
    assert_string_equal(t.text, "first last");
}

static void one_that_fires_may_add_another(void **state)
{
    struct trace t = {.loop = *state};
    struct alarm c = {.trace = &t, .name = "c", .stops = true};
    struct alarm b = {.trace = &t, .name = "b", .adds = &c};
    struct alarm a = {.trace = &t, .name = "a", .adds = &b};

    set_alarm(&a, 0);
    loop_run(t.loop);
    assert_string_equal(t.text, "a b c");
}

static void one_added_later_may_be_due_earlier(void **state)
{
    struct trace t = {.loop = *state};
    struct alarm far = {.trace = &t, .name = "far"};
    struct alarm near = {.trace = &t, .name = "near", .stops = true};

    set_alarm(&far, 3600 * UNITS_SECOND);
    set_alarm(&near, 500);
    loop_run(t.loop);
    assert_string_equal(t.text, "near");
    loop_timer_del(far.timer);
}

static void the_longest_delay_is_taken(void **state)
{
    struct trace t = {.loop = *state};
    struct alarm endless = {.trace = &t, .name = "endless"};
    struct alarm last = {.trace = &t, .name = "last", .stops = true};

    assert_non_null(loop_timer_add(t.loop, INT64_MAX, ring, &endless, &endless.timer));
    set_alarm(&last, 500);
    loop_run(t.loop);
    assert_string_equal(t.text, "last");
}

static void pending_ones_are_dropped_with_the_loop(void **state)
{
    struct trace t = {.loop = loop_new(NULL)};
    struct alarm *a = mem_alloc(sizeof(*a));

    (void)state;
    *a = (struct alarm){.trace = &t, .name = "a"};
    set_alarm(a, 1000);
    loop_timer_add(t.loop, 1000, ring, a, NULL);
    mem_free(a); /* with its slot, as when its owner ends first */
    loop_free(t.loop);
    assert_string_equal(t.text, "");
}

struct crowd {
    struct loop *loop;
    int n_left;
};

struct member {
    struct crowd *crowd;
    int64_t due_us;
};

static void member_rings(void *arg)
{
    struct member *m = arg;

    assert_true(loop_mono_us(m->crowd->loop) >= m->due_us);
    if (--m->crowd->n_left == 0)
        loop_stop(m->crowd->loop, 0);
}

static void a_crowd_all_fires_none_early(void **state)
{
    static struct member members[5000];
    struct crowd crowd = {.loop = *state, .n_left = COUNT_OF(members)};
    struct rand r;

    rand_seed(&r, 1);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const int64_t delay_us = (int64_t)rand_below(&r, 20000);

        members[i].crowd = &crowd;
        members[i].due_us = loop_mono_us(crowd.loop) + delay_us;
        loop_timer_add(crowd.loop, delay_us, member_rings, &members[i], NULL);
    }
    loop_run(crowd.loop);
    assert_int_equal(crowd.n_left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(they_fire_in_order_of_time_and_never_early),
        WITH_LOOP(those_due_together_fire_in_order_of_adding),
        WITH_LOOP(a_deleted_one_does_not_fire),
        WITH_LOOP(one_that_fires_may_add_another),
        WITH_LOOP(one_added_later_may_be_due_earlier),
        WITH_LOOP(the_longest_delay_is_taken),
        WITH_LOOP(pending_ones_are_dropped_with_the_loop),
        WITH_LOOP(a_crowd_all_fires_none_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
