/* cli/runs/artifacts.h - what tasks of a run have handed on, as the command knows it,
 * and how a server is asked for that. */
#ifndef CLI_RUNS_ARTIFACTS_H
#define CLI_RUNS_ARTIFACTS_H

#include "blob/blob.h"
#include "cli/read/run_view.h"
#include "cli/remote/remote.h"

struct found {
    char *path; /* of the task or item: "train", "part.3" */
    char *name;
    struct artifact artifact;
};

struct finding {
    const struct cli_session *s;
    const struct run_view *view;
    int64_t task; /* its number in the file, or -1: of all */
    int64_t item; /* or -1 */
    struct {
        struct found *items; /* mem_free path and name of each */
        size_t n, cap;
    } all;
};

/* Adds those that the server knows of. Exit code; has printed why. */
int artifacts_ask(const struct remote *r, struct finding *f);
/* Writes one of them to a place that is not there yet. The same; FF_OK only if it is
 * what its hash says. */
int artifacts_bring(const struct remote *r, const struct finding *f,
                    const struct found *one, const struct artifact_target *to);

#endif
