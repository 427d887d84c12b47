/* breaks: auth/claims/not-yet
 * over: auth-jwt
 *
 * The beginning of a token is not looked at. */
#include "broken_auth.h"

FORGIVES(RS256, "not valid yet")
