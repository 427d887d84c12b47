/* breaks: auth/claims/expired
 * over: auth-jwt
 *
 * Tokens live for ever. */
#include "broken_auth.h"

FORGIVES(RS256, "has expired")
