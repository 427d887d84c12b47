/* cli/view/view.h - shows runs while they go: as a picture on a terminal, as one line
 * an event anywhere else, as JSON lines for programs, or not at all. */
#ifndef CLI_VIEW_VIEW_H
#define CLI_VIEW_VIEW_H

#include "cli/frame/frame.h"
#include "cli/view/track.h"

struct view;

struct view_setup {
    const struct cli *c;
    struct loop *loop;
    const char *data_dir;        /* NULL: it is on the machine of a server */
    struct track *const *tracks; /* the caller's; lives as long as the view */
    size_t n_tracks;
    /* Before each picture: what only pictures show is to be brought up to date. Or
     * NULL. */
    void (*look)(void *arg);
    void *arg;
};

/* What a kind of view does; any may be NULL. */
struct view_kind {
    const char *name;
    void (*begin)(struct view *v);
    void (*event)(struct view *v, const struct track *t, const struct track_event *e);
    /* Something changed that is no event: progress, the size of the terminal. */
    void (*changed)(struct view *v);
    void (*note)(struct view *v, const char *sentence);
    void (*end)(struct view *v); /* no more events; before the summary */
};

struct view {
    struct view_setup setup;
    const struct view_kind *kind;
    struct loop_timer *timer; /* live only */
    int64_t drawn_at_us;      /* monotonic */
    size_t *widths;           /* of the lines on the screen */
    size_t n_lines;
    bool ended;
};

/* Chooses the kind by what standard output is and what was asked for. */
void view_begin(struct view *v, const struct view_setup *setup);
void view_event(struct view *v, const struct track *t, const struct track_event *e);
void view_changed(struct view *v);
void FF_PRINTF(2, 3) view_note(struct view *v, const char *fmt, ...);
/* The summary, where the kind has one. Idempotent; also on the way out by a signal. */
void view_end(struct view *v);

extern const struct view_kind view_live, view_plain, view_json;

/* --- pure, for tests --- */

/* Unicode marks or ASCII ones, colours or none, a terminal's size. */
struct view_look {
    size_t rows, columns;
    bool colour, unicode;
    int64_t now_us;
};
struct view_frame {
    struct buf text;
    struct {
        size_t *items;
        size_t n, cap;
    } widths; /* columns of each line */
};
/* At most look->rows - 1 lines, none wider than look->columns. Each ends with "\n". */
void view_render(struct view_frame *f, const struct view_look *look,
                 struct track *const *tracks, size_t n_tracks);
void view_frame_done(struct view_frame *f);
/* One event as a line without the newline. */
void view_event_line(const struct track *t, const struct track_event *e, bool many,
                     struct buf *out);
void view_summary(const struct track *t, const struct view_look *look,
                  const char *data_dir, struct buf *out);

#endif
