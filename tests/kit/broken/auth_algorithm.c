/* breaks: auth/forged/algorithm
 * over: auth-jwt
 *
 * The token says by which algorithm its key is used. */
#include "broken_auth.h"

FORGIVES(RS512, "not known here")
