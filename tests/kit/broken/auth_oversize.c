/* breaks: auth/token/oversize
 * over: auth-jwt
 *
 * A token may have any size. */
#include "broken_auth.h"

FORGIVES(RS256, "longer than")
