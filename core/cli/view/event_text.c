/* event_text.c - see event_text.h. */
#include "cli/view/event_text.h"

#include "cli/frame/frame.h"

void event_add_json(struct buf *out, const json_t *run, const struct event_row *row,
                    json_t *event)
{
    char at[UNITS_TEXT];
    json_t *line = run ? json_copy((json_t *)run) : json_object();

    units_time_text(row->at, at);
    json_object_set_new(line, "seq", json_integer(row->seq));
    json_object_set_new(line, "at", json_string(at));
    json_object_update(line, event);
    json_add_to(out, line);
    buf_add_char(out, '\n');
    json_decref(line);
}

void event_add_named(struct buf *out, json_t *event)
{
    static const char *const shown[] = {"type", "task", "item", "attempt"};
    const char *task = json_string_value(json_object_get(event, "task"));
    const json_t *item = json_object_get(event, "item");
    const json_t *attempt = json_object_get(event, "attempt");
    const char *name;
    json_t *value;

    buf_printf(out, "%-15s", json_string_value(json_object_get(event, "type")));
    if (task)
        buf_printf(out, " %s", task);
    if (item)
        buf_printf(out, ".%lld", (long long)json_integer_value(item));
    if (attempt)
        buf_printf(out, "#%lld", (long long)json_integer_value(attempt));
    for (size_t i = 0; i < COUNT_OF(shown); i++)
        json_object_del(event, shown[i]);
    json_object_foreach(event, name, value) cli_add_member(out, name, value);
    buf_add_char(out, '\n');
}

void event_add_text(struct buf *out, const struct event_row *row, json_t *event)
{
    char at[UNITS_TEXT];

    cli_time_text(row->at, at);
    buf_printf(out, "%6lld  %s.%03d  ", (long long)row->seq, at,
               (int)(row->at % UNITS_SECOND / 1000));
    event_add_named(out, event);
}

void event_add_step(struct buf *out, const struct event_look *look,
                    const struct event_row *row, const json_t *events)
{
    json_t *one;
    size_t i;

    json_array_foreach(events, i, one)
    {
        if (look->json) {
            event_add_json(out, look->run, row, one);
        } else {
            buf_add_text(out, look->prefix);
            event_add_text(out, row, one);
        }
    }
}
