/* breaks: auth/forged/key
 * over: auth-jwt
 *
 * A token by a key that is not known is let in. */
#include "broken_auth.h"

FORGIVES(RS256, "not known here")
