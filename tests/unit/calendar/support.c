#include "support.h"

int64_t support_time(const char *text)
{
    int64_t us = 0;

    assert_true(units_time(text, &us));
    return us;
}

/* A header with one type and two characters, twice: version 2 says all again. */
#define HEADER                                                                         \
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"              \
    "\0\0\0\1\0\0\0\2"
#define BODY "\0\0\0\0\0\0X\0"

struct zone *support_zone(const char *rule)
{
    static const char front[] = HEADER BODY HEADER BODY "\n";
    struct buf file = {0};
    struct ff_err err = {0};

    buf_add(&file, front, sizeof(front) - 1);
    buf_add_text(&file, rule);
    buf_add_text(&file, "\n");
    struct zone *z = zone_new(buf_text(&file), file.len, &err);
    buf_done(&file);
    assert_non_null(z);
    return z;
}
