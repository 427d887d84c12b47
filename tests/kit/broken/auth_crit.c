/* breaks: auth/forged/crit
 * over: auth-jwt
 *
 * Extensions that must be understood are passed over. */
#include "broken_auth.h"

FORGIVES(RS256, "wants extensions")
