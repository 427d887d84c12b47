/* breaks: auth/admit/principal
 * over: auth-dev
 *
 * No roles are NULL, not a list that ends at once. */
#include "broken_auth.h"

CHANGES_PRINCIPAL(p.roles = NULL)
