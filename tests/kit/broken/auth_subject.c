/* breaks: auth/claims/subject
 * over: auth-jwt
 *
 * Who does not say who it is, is somebody. */
#include "broken_auth.h"

FORGIVES(RS256, "who it is for")
