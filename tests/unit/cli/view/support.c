/* support.c - see support.h. */
#include "support.h"

#include <string.h>

struct track *track_of(const char *tasks)
{
    const struct run_row row = {.run = 7,
                                .id = span_of("01a1ffce-df7f-7d9d-b276-ac5447dae72d"),
                                .created_at = 1};
    struct flow_problems problems = {0};
    struct buf source = {0};

    buf_printf(&source, "flowforge: 1\nname: flow\ntasks:\n%s", tasks);
    struct flow *flow = flow_parse(buf_text(&source), source.len, &problems);
    if (!flow)
        fail_msg("%s", problems.items[0].msg);
    flow_problems_done(&problems);
    buf_done(&source);
    return track_new(&row, flow);
}

struct track_event tell(struct track *t, int64_t at_us, const char *event)
{
    static json_t *last; /* the caller looks into it */
    struct track_event e;
    struct ff_err err = {0};

    json_decref(last);
    last = json_parse(event, strlen(event), &err);
    assert_non_null(last);
    assert_true(track_apply(t, at_us, last, &e));
    return e;
}
