/* breaks: store/moment/commit
 * breaks: store/moment/other-process
 * over: store-sqlite
 *
 * The moment is always the same. */
#include "broken_store.h"

static int moment(void *store, uint64_t words[FF_MOMENT_WORDS], struct ff_err *err)
{
    (void)store;
    (void)err;
    for (int i = 0; i < FF_MOMENT_WORDS; i++)
        words[i] = 1;
    return FF_OK;
}

BREAK(moment, moment)
