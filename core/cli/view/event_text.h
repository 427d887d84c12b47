/* cli/view/event_text.h - one event of a run's history as a line, for people and for
 * programs. */
#ifndef CLI_VIEW_EVENT_TEXT_H
#define CLI_VIEW_EVENT_TEXT_H

#include "model/model.h"

/* `event` is one of the row's body. run: NULL, or what tells whose it is. */
void event_add_json(struct buf *out, const json_t *run, const struct event_row *row,
                    json_t *event);
/* "     12  19:20:37.123  task.finished  fetch.3#2  state=failed exit_code=1"; takes
 * away from the event what stands in columns. */
void event_add_text(struct buf *out, const struct event_row *row, json_t *event);
/* The line behind its time: "task.finished  fetch.3#2  state=failed exit_code=1". */
void event_add_named(struct buf *out, json_t *event);

/* All that one step of a run has done. */
struct event_look {
    bool json;
    const json_t *run;  /* its members stand in front of those of each event; or NULL */
    const char *prefix; /* of each line for people */
};
void event_add_step(struct buf *out, const struct event_look *look,
                    const struct event_row *row, const json_t *events);

#endif
