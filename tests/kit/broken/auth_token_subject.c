/* breaks: auth/token/admit
 * over: auth-jwt
 *
 * Everybody is the tenant. */
#include "broken_auth.h"

CHANGES_PRINCIPAL(p.subject = p.tenant)
