/* breaks: blob/crash/kill
 * over: blob-file
 *
 * Of two puts the first waits for the second, and is acknowledged before. */
#include "broken_blob.h"

static struct {
    char space[FF_BLOB_SPACE_MAX + 1];
    char hash[FF_BLOB_HASH_LEN + 1];
    char *bytes;
} waiting;

static int read_waiting(void *arg, uint64_t offset, void *to, size_t len)
{
    (void)arg;
    memcpy(to, waiting.bytes + offset, len);
    return 0;
}

PUT
{
    static uint64_t waiting_bytes;
    const struct ff_blob_id before = {waiting.space, waiting.hash};
    int code = FF_OK;

    usleep(2000);
    if (waiting.bytes)
        code = good->put(blob, &before, waiting_bytes, read_waiting, NULL, err);
    free(waiting.bytes);
    waiting.bytes = malloc(size_bytes + 1);
    read_fn(arg, 0, waiting.bytes, size_bytes);
    waiting_bytes = size_bytes;
    snprintf(waiting.space, sizeof(waiting.space), "%s", id->space);
    snprintf(waiting.hash, sizeof(waiting.hash), "%s", id->hash);
    return code;
}

BREAK(put)
