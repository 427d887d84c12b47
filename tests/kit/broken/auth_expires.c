/* breaks: auth/admit/expires
 * over: auth-dev
 *
 * The end is told in seconds, not in microseconds. */
#include "broken_auth.h"

CHANGES_PRINCIPAL(p.expires_us = 4102444800)
