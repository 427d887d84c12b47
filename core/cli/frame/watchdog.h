/* cli/frame/watchdog.h - an end for a process that a call of its store does not let go.
 * A timer of the loop cannot be that: the loop may be what stands still. */
#ifndef CLI_FRAME_WATCHDOG_H
#define CLI_FRAME_WATCHDOG_H

enum watchdog {
    WATCHDOG_SIGNAL, /* the loop takes note of a signal in time */
    WATCHDOG_LEAVE,  /* what is given up is given up in time */
    N_WATCHDOGS
};

/* From now on the process ends with exit_code, and says why, unless the same one is
 * cleared or set again within `seconds`. Nothing is flushed: as after a kill, what was
 * acknowledged is safe. Safe in a signal handler. Uses SIGALRM. */
void watchdog_set(enum watchdog which, int seconds, int exit_code);
void watchdog_clear(enum watchdog which);

#endif
