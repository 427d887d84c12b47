/* breaks: store/expire/older
 * over: store-memory
 *
 * Rows without a time expire, too. */
#include "broken_store_expire.h"

static bool is_older(const struct ff_value *at, int64_t before_us)
{
    return !at->type || at->i < before_us;
}
