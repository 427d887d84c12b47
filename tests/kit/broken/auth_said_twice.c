/* breaks: auth/token/twice
 * over: auth-jwt
 *
 * Of a name that is said twice the second one counts. */
#include "broken_auth.h"

FORGIVES(RS256, "payload is not JSON")
