/* breaks: auth/token/json
 * over: auth-jwt
 *
 * A payload that is no object has no claims, and needs none. */
#include "broken_auth.h"

FORGIVES(RS256, "payload is not JSON")
