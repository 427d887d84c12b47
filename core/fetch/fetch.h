/* fetch/fetch.h - one HTTP request as a process: what it is to do comes as JSON on
 * standard input, what came of it goes into files of $FF_OUT.
 *
 * Private addresses are refused, by the address that is connected to and not by the
 * name, so that no name can lead there. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "base/base.h"

/* Exit codes, for retry.exit_codes; docs/workflow-reference.md has the table. */
enum fetch_exit {
    FETCH_OK = 0,
    FETCH_STATUS = 1,  /* an answer with a status that was not expected */
    FETCH_REFUSED = 2, /* an address or URL that may not be asked */
    FETCH_NO_ANSWER = 3,
    FETCH_LIMIT = 4, /* the answer is larger, or led on more often, than it may */
    FETCH_INTERNAL = 70
};

#define FETCH_MAX_BYTES    (INT64_C(16) << 20)
#define FETCH_MAX_HEADS    65536
#define FETCH_MAX_FOLLOWED 20

/* Variables that the executor sets. */
#define FETCH_ALLOW "FF_HTTP_ALLOW" /* engine.http_allow */
#define FETCH_SECRET                                                                   \
    "FF_HTTP_SECRET_" /* and a number: values that are no text of the                  \
                       * request */

int fetch_main(void);

#endif
