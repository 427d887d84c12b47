/* How long, and until when: values that a file or an expression gives. */
#include "flow/flow.h"

static int too_long(struct ff_err *err, const char *key)
{
    return ff_fail(err, FF_INVALID, 0, "%s: at most ten years are allowed", key);
}

static int seconds_us(double seconds, int64_t *us, struct ff_err *err)
{
    if (seconds < 0) /* JSON has no others that are none */
        return ff_fail(err, FF_INVALID, 0, "sleep: %g seconds are no time to wait for",
                       seconds);
    if (seconds > (double)FLOW_MAX_WAIT_US / (double)UNITS_SECOND)
        return too_long(err, "sleep");
    *us = (int64_t)(seconds * (double)UNITS_SECOND);
    return FF_OK;
}

int flow_wait_us(const json_t *value, int64_t *us, struct ff_err *err)
{
    int64_t made;

    if (json_typeof(value) == JSON_INTEGER || json_typeof(value) == JSON_REAL)
        return seconds_us(json_number_value(value), us, err);
    if (json_typeof(value) != JSON_STRING ||
        !units_duration(json_string_value(value), &made))
        return ff_fail(err, FF_INVALID, 0,
                       "sleep: gives no time to wait for; write 30s, 10m, or a number "
                       "of seconds");
    if (made > FLOW_MAX_WAIT_US)
        return too_long(err, "sleep");
    *us = made;
    return FF_OK;
}

int flow_until_us(const json_t *value, int64_t now_us, int64_t *at_us,
                  struct ff_err *err)
{
    int64_t made;

    if (json_typeof(value) != JSON_STRING ||
        !units_time(json_string_value(value), &made))
        return ff_fail(err, FF_INVALID, 0,
                       "wait_until: gives no time; write 2026-11-30T08:00:00Z, or "
                       "another offset instead of Z");
    if (made > now_us && made - now_us > FLOW_MAX_WAIT_US)
        return too_long(err, "wait_until");
    *at_us = made;
    return FF_OK;
}
