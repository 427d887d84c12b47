/* breaks: blob/remove/gone
 * over: blob-file
 *
 * Removes nothing. */
#include "broken_blob.h"

REMOVE
{
    (void)blob;
    (void)id;
    (void)before_us;
    (void)err;
    return FF_OK;
}

BREAK(remove)
