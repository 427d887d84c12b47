/* cli/read/pause_view.h - what of a run is paused, for people. */
#ifndef CLI_READ_PAUSE_VIEW_H
#define CLI_READ_PAUSE_VIEW_H

#include "cli/frame/frame.h"

/* "since 2026-11-30T08:00:00Z, by ada; task fetch, by bob"; nothing when nothing is. */
void pause_view_add(struct buf *out, const struct run_row *run);
/* Does nothing of it start? Some of its tasks only: false. */
bool pause_view_all(const struct run_row *run);

#endif
