/* cli/logs/logs_there_priv.h - one log of a server: its pages, and what it tells after
 * them. */
#ifndef CLI_LOGS_LOGS_THERE_PRIV_H
#define CLI_LOGS_LOGS_THERE_PRIV_H

#include "cli/logs/logs_there.h"
#include "cli/remote/stream.h"

struct log_there {
    const struct remote *remote;
    char *path;
    char *next;    /* cursor, or NULL */
    bool over;     /* there is nothing behind what was read */
    bool streamed; /* no more pages are read */
    bool rests;    /* nor now: it has no stream, and its last page was empty */
    int code;
    /* There is nothing more for now, and more may come; NULL: it is asked for again. */
    void (*tip)(struct log_source *s);
    struct logs_there_following *following; /* whose `tip` it is */
    struct remote_stream *stream;           /* or NULL */
    struct buf told;                        /* by it, and not taken yet */
};

/* A record as the line of a file. */
void logs_there_add_line(struct buf *out, const json_t *record);
/* The sources of attempts, as `/runs/ID/logs` names them, that are wanted. */
void logs_there_add(const struct cli_session *s, const char *id, const json_t *attempts,
                    const struct logs_pick *p, struct log_sources *to);

#endif
