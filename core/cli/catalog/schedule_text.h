/* cli/catalog/schedule_text.h - what a schedule does, in words. */
#ifndef CLI_CATALOG_SCHEDULE_TEXT_H
#define CLI_CATALOG_SCHEDULE_TEXT_H

#include "cli/frame/frame.h"

/* What it waits for: "every 10m", "30 6 * * * Europe/Zurich", the name of an event. */
void schedule_text_when(const struct schedule_row *row, struct buf *out);

/* A line of what becomes of times that come late or while a run is open. */
void schedule_text_rules(const struct schedule *s, struct buf *out);

/* After which the first of the coming times is: one that only waits for its jitter is
 * still to come. */
int64_t schedule_text_after(const struct schedule *s, int64_t now_us);

/* Behind the nominal time: when it begins, where its jitter says so. */
void schedule_text_begins(const struct schedule *s, int64_t nominal_us,
                          struct buf *out);

/* Lines of the backfills that go on. FF_OK, or a code with err. */
int schedule_text_backfills(const struct cli_session *s, const struct schedule_row *row,
                            struct buf *out, struct ff_err *err);

/* Why a time waits. */
const char *schedule_text_waits(const struct schedule_row *row);

#endif
