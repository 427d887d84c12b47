/* breaks: auth/claims/issuer
 * over: auth-jwt
 *
 * Tokens of any issuer are let in. */
#include "broken_auth.h"

FORGIVES(RS256, "another issuer")
