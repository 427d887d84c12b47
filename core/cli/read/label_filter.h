/* cli/read/label_filter.h - which runs a command is about, by --label. */
#ifndef CLI_READ_LABEL_FILTER_H
#define CLI_READ_LABEL_FILTER_H

#include "cli/frame/frame.h"

#define LABEL_FILTER_MAX 16

struct label_filter { /* a run must have all of them */
    struct {
        struct span name, value; /* value.s NULL: any */
    } items[LABEL_FILTER_MAX];
    size_t n;
};

/* Points into the arguments. Exit code; has printed why. */
int label_filter_read(struct label_filter *f, const struct cli_args *args);
bool label_filter_takes(const struct label_filter *f, const struct run_row *run);

#endif
