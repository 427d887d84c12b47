/* breaks: auth/claims/no-expiry
 * over: auth-jwt
 *
 * Who says no end has none. */
#include "broken_auth.h"

FORGIVES(RS256, "no time of expiry")
