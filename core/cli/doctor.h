/* cli/doctor.h - the checks of `flowforge doctor`. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/cli_priv.h"

/* One check at work. */
struct doctor {
    const struct cli_session *s;
    struct buf says; /* sentences, one a line */
    bool bad;
    const char *remedy;     /* what to do when it is */
    int64_t leaked, ghosts; /* of `slots` */
    int64_t paused;         /* of `paused` */
    struct ff_err err;
};
void FF_PRINTF(2, 3) doctor_says(struct doctor *d, const char *fmt, ...);

/* FF_OK: d tells what was found; else the store could not be asked. */
int doctor_slots(struct doctor *d);
int doctor_blobs(struct doctor *d);
int doctor_paused(struct doctor *d);

#endif
