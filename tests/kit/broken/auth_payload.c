/* breaks: auth/token/payload
 * over: auth-jwt
 *
 * The signature is not looked at. */
#include "broken_auth.h"

FORGIVES(RS256, "signature is wrong")
