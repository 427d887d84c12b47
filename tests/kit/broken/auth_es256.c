/* breaks: auth/token/es256
 * over: auth-jwt
 *
 * Tokens by ES256 are let in with any signature. */
#include "broken_auth.h"

FORGIVES(ES256, "signature is wrong")
