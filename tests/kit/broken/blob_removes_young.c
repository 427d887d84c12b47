/* breaks: blob/remove/put-since
 * over: blob-file
 *
 * Removes it, however young. */
#include "broken_blob.h"

REMOVE
{
    (void)before_us;
    return good->remove(blob, id, INT64_MAX, err);
}

BREAK(remove)
