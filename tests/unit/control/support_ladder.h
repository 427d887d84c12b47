/* support_ladder.h - the kind of runs "ladder": its source is a number n; it wants one
 * slot after the other for nodes 0 .. n-1, each after the one before ended, and a timer
 * of 1 ms between them. */
#ifndef SUPPORT_LADDER_H
#define SUPPORT_LADDER_H

#include "control/control_priv.h"

extern const struct engine_kind ladder_kind;

#endif
