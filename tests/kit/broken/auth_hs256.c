/* breaks: auth/token/hs256
 * over: auth-jwt
 *
 * Tokens by HS256 are let in with any signature. */
#include "broken_auth.h"

FORGIVES(HS256, "signature is wrong")
