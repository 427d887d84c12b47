/* cli/admin/doctor.h - the checks of `flowforge doctor`. */
#ifndef CLI_ADMIN_DOCTOR_H
#define CLI_ADMIN_DOCTOR_H

#include "cli/frame/frame.h"

/* One check at work. */
struct doctor {
    const struct cli_session *s;
    const struct ff_err *away; /* why the store did not open: no rows; or NULL */
    struct buf says;           /* sentences, one a line */
    bool bad;
    bool led;               /* of `owner`: by some host */
    const char *remedy;     /* what to do when it is */
    int64_t leaked, ghosts; /* of `slots` */
    int64_t paused;         /* of `paused` */
    struct ff_err err;
};
void FF_PRINTF(2, 3) doctor_says(struct doctor *d, const char *fmt, ...);

/* Rows of the store, with d->err on failure. */
int doctor_scan(struct doctor *d, const struct ff_record *record, const void *like,
                uint32_t n_equal, store_row_fn *fn, void *arg);

typedef int doctor_run_fn(struct doctor *d, const struct open_run_row *open);
/* Each open run, after all of them are read: fn may scan. Ends with its first code that
 * is not FF_OK. */
int doctor_each_open_run(struct doctor *d, doctor_run_fn *fn);

/* FF_OK: d tells what was found; else the store could not be asked. */
int doctor_slots(struct doctor *d);
int doctor_queue(struct doctor *d);
int doctor_blobs(struct doctor *d);
int doctor_paused(struct doctor *d);

#endif
