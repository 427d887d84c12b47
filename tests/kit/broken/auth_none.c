/* breaks: auth/forged/none
 * over: auth-jwt
 *
 * An algorithm that is not known need not be checked. */
#include "broken_auth.h"

FORGIVES("", "algorithm is not allowed")
