/* cli/view/track_read.h - brings a track up to date with the committed events of its
 * run. */
#ifndef CLI_VIEW_TRACK_READ_H
#define CLI_VIEW_TRACK_READ_H

#include "cli/view/track.h"
#include "store/store.h"

typedef void track_event_fn(void *arg, const struct track *t,
                            const struct track_event *e);
/* One step, as its events; those that the track has already are passed over. fn may be
 * NULL. */
void track_step(struct track *t, const struct event_row *step, const json_t *events,
                track_event_fn *fn, void *arg);
/* fn may be NULL. */
int track_read(struct track *t, struct store *store, track_event_fn *fn, void *arg,
               struct ff_err *err);
/* Where the run's row says that it has ended, the track says so too. True: it has. */
bool track_read_end(struct track *t, struct store *store);

#endif
