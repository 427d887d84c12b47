/* cli/logs/logs_print.h - lines of logs as text, as JSON, or as the bytes they were. */
#ifndef CLI_LOGS_LOGS_PRINT_H
#define CLI_LOGS_LOGS_PRINT_H

#include "cli/frame/frame.h"
#include "cli/logs/logs_read.h"

struct logs_print {
    bool json, raw, timestamps, colour;
    bool prefix; /* say whose line it is */
    int only;    /* enum log_stream, or -1: all */
    struct buf out;
    const struct log_source *open_source; /* whose line has not ended */
    enum log_stream open_stream;
};

void logs_print_line(struct logs_print *p, const struct log_source *s);
/* Ends an open line, unless raw. */
void logs_print_end(struct logs_print *p);

#endif
