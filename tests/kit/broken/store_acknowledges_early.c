/* breaks: store/crash/kill
 * over: store-sqlite
 *
 * Of two commits the first waits for the second, and is acknowledged before. */
#include "broken_store.h"

static struct ff_change waiting[64];
static struct ff_value values[64][64];
static size_t n_waiting;

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    int code = FF_OK;

    usleep(2000);
    if (n_waiting > 0)
        code = good->commit(store, waiting, n_waiting, failed, err);
    for (size_t i = 0; i < n; i++) {
        waiting[i] = changes[i];
        memcpy(values[i], changes[i].values,
               changes[i].record->n_columns * sizeof(struct ff_value));
        waiting[i].values = values[i];
    }
    n_waiting = n;
    return code;
}

BREAK(commit, commit)
