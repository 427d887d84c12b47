/* breaks: auth/claims/audience
 * over: auth-jwt
 *
 * Tokens for any audience are let in. */
#include "broken_auth.h"

FORGIVES(RS256, "another audience")
