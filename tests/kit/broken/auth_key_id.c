/* breaks: auth/forged/key-id
 * over: auth-jwt
 *
 * The key id leads to an empty secret. */
#include "broken_auth.h"

FORGIVES(HS256, "signature is wrong")
