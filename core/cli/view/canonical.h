/* cli/view/canonical.h - the history of a run without what differs between machines:
 * the same workflow and inputs give the same bytes, whatever the drivers.
 *
 * One JSON object a line, keys sorted, ordered by task, item, attempt and then by
 * sequence; the run's own events come first. Left out: sequence numbers (steps of
 * different tasks interleave differently), times, delays, ids, messages. */
#ifndef CLI_VIEW_CANONICAL_H
#define CLI_VIEW_CANONICAL_H

#include "base/base.h"

struct canonical {
    struct canonical_event {
        json_t *event;
        size_t order;
    } * items;
    size_t n, cap;
};

/* `events` is the body of one stored event row, in the order of sequence. prefix: of a
 * run that is a task of another one, "each.0#1/", before the names of its tasks; or
 * NULL. */
int canonical_add(struct canonical *c, const char *events, size_t len,
                  const char *prefix, struct ff_err *err);
/* Sorts and writes the lines, then empties it. */
void canonical_write(struct canonical *c, struct buf *out);

#endif
