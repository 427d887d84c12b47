/* cli/author/rehearse.h - what `sim` and `test` share: YAML files beside workflows, and
 * one simulation in a data directory that is gone afterwards. */
#ifndef CLI_AUTHOR_REHEARSE_H
#define CLI_AUTHOR_REHEARSE_H

#include "cli/read/flow_file.h"
#include "simulate/simulate.h"

struct rehearsal {
    const struct flow_file *file;
    json_t *inputs; /* checked */
    json_t *mocks;  /* or NULL; not checked yet */
    int64_t seed;
    int64_t slots;
    int64_t start_us, until_us;
};

#define REHEARSE_START "2026-01-01T00:00:00Z"
#define REHEARSE_UNTIL (INT64_C(365) * 86400 * UNITS_SECOND)
#define REHEARSE_SLOTS 100

/* A YAML file as a value: new reference, or NULL with an exit code, having printed why.
 */
json_t *rehearse_yaml(const char *path, int *code);

/* The result, see simulate(); NULL with an exit code and why in *err. */
json_t *rehearse(struct cli *c, const struct rehearsal *r, int *code,
                 struct ff_err *err);

#endif
