/* kit/kit_wait.h - waiting for what asynchronous drivers do, on the check's loop: every
 * callback wakes whoever waits, so that no check looks again and again. */
#ifndef KIT_KIT_WAIT_H
#define KIT_KIT_WAIT_H

#include "kit/kit.h"

/* Runs the loop until done(arg); false: it did not come about in a third of the time
 * that the check has left. */
bool kit_wait(struct kit *k, bool (*done)(void *arg), void *arg);
void kit_wake(struct kit *k);                 /* loop thread: something has happened */
void kit_turn(struct kit *k, int64_t for_us); /* runs the loop for a moment */

#endif
