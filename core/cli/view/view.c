/* view.c - chooses how runs are shown; the summary at the end; the two views that are
 * plain lines. */
#include "cli/view/view.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct view_kind view_quiet = {.name = "quiet"};

static const struct view_kind *choose(const struct cli *c)
{
    const char *term = getenv("TERM");

    if (c->json)
        return &view_json;
    if (c->quiet)
        return &view_quiet;
    if (isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0)
        return &view_live;
    return &view_plain;
}

void view_begin(struct view *v, const struct view_setup *setup)
{
    *v = (struct view){.setup = *setup, .kind = choose(setup->c)};
    if (v->kind->begin)
        v->kind->begin(v);
}

void view_event(struct view *v, const struct track *t, const struct track_event *e)
{
    if (v->kind->event)
        v->kind->event(v, t, e);
}

void view_changed(struct view *v)
{
    if (v->kind->changed)
        v->kind->changed(v);
}

void view_note(struct view *v, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (v->kind->note && !v->ended)
        v->kind->note(v, buf_text(&text));
    else if (v->kind != &view_quiet)
        fprintf(stderr, "%s\n", buf_text(&text));
    buf_done(&text);
}

void view_end(struct view *v)
{
    if (v->ended || !v->kind)
        return;
    v->ended = true;
    if (v->kind->end)
        v->kind->end(v);
}

/* --- plain: one line an event --- */

static void print(struct view *v, struct buf *line)
{
    (void)v;
    if (line->len > 0)
        buf_add_char(line, '\n');
    cli_print(line);
}

static void plain_event(struct view *v, const struct track *t,
                        const struct track_event *e)
{
    struct buf line = {0};

    view_event_line(t, e, v->setup.n_tracks > 1, &line);
    print(v, &line);
}

static void plain_note(struct view *v, const char *sentence)
{
    (void)v;
    fprintf(stderr, "%s\n", sentence);
}

static void plain_end(struct view *v)
{
    const struct view_look look = {.columns = 120};
    struct buf text = {0};

    for (size_t i = 0; i < v->setup.n_tracks; i++)
        if (run_state_final(v->setup.tracks[i]->state))
            view_summary(v->setup.tracks[i], &look, v->setup.data_dir, &text);
    cli_print(&text);
}

const struct view_kind view_plain = {
    .name = "plain",
    .event = plain_event,
    .note = plain_note,
    .end = plain_end,
};

/* --- JSON: one object an event --- */

static void json_event(struct view *v, const struct track *t,
                       const struct track_event *e)
{
    json_t *line = json_object();
    struct buf out = {0};
    char at[UNITS_TEXT];

    units_time_text(e->at_us, at);
    json_object_set_new(line, "at", json_string(at));
    json_object_set_new(line, "run", json_string(t->id));
    json_object_update(line, (json_t *)(uintptr_t)e->json);
    json_add_to(&out, line);
    json_decref(line);
    print(v, &out);
}

const struct view_kind view_json = {
    .name = "json",
    .event = json_event,
    .note = plain_note,
};
