/* breaks: auth/token/eddsa
 * over: auth-jwt
 *
 * Tokens by EdDSA are let in with any signature. */
#include "broken_auth.h"

FORGIVES(EDDSA, "signature is wrong")
