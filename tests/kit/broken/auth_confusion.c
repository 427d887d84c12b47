/* breaks: auth/forged/confusion
 * over: auth-jwt
 *
 * An HMAC by any secret is let in, so one by the public key is. */
#include "broken_auth.h"

FORGIVES(HS256, "signature is wrong")
