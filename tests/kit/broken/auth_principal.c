/* breaks: auth/admit/principal
 * over: auth-dev
 *
 * A principal without a tenant. */
#include "broken_auth.h"

CHANGES_PRINCIPAL(p.tenant = NULL)
