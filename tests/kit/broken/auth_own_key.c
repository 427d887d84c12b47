/* breaks: auth/forged/own-key
 * over: auth-jwt
 *
 * A token may bring its key. */
#include "broken_auth.h"

FORGIVES(RS256, "key of its own")
