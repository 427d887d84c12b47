/* breaks: auth/token/expires
 * over: auth-jwt
 *
 * The principal does not end with its token. */
#include "broken_auth.h"

CHANGES_PRINCIPAL(p.expires_us = 0)
