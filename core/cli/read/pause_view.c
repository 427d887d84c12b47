/* pause_view.c - run_row.paused in words. */
#include "cli/read/pause_view.h"

/* New reference, or NULL: nothing is paused. */
static json_t *paused_of(const struct run_row *run)
{
    struct ff_err ignored;

    if (!run->paused.s || run_state_final(run->state))
        return NULL;
    return json_parse(run->paused.s, run->paused.len, &ignored);
}

static const char *text_of(const json_t *note, const char *key)
{
    const char *text = json_string_value(json_object_get(note, key));

    return text ? text : "?";
}

static void add_note(struct buf *out, const char *what, const json_t *note)
{
    buf_printf(out, "%s%s%ssince %s, by %s", out->len > 0 ? "; " : "", what,
               what[0] ? " " : "", text_of(note, "at"), text_of(note, "by"));
}

void pause_view_add(struct buf *out, const struct run_row *run)
{
    json_t *paused = paused_of(run);
    const json_t *all = json_object_get(paused, "run");
    struct buf text = {0};
    const char *task;
    json_t *note;

    if (all)
        add_note(&text, "", all);
    if (json_object_get(paused, "outer"))
        buf_printf(&text, "%swith the run around it", text.len > 0 ? "; " : "");
    json_object_foreach(json_object_get(paused, "tasks"), task, note)
    {
        struct buf what = {0};
        buf_printf(&what, "task %s", task);
        add_note(&text, buf_text(&what), note);
        buf_done(&what);
    }
    cli_add_clean(out, buf_text(&text), text.len);
    buf_done(&text);
    json_decref(paused);
}

bool pause_view_all(const struct run_row *run)
{
    json_t *paused = paused_of(run);
    const bool all = json_object_get(paused, "run") || json_object_get(paused, "outer");

    json_decref(paused);
    return all;
}
