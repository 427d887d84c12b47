/* breaks: auth/discovery/issuer
 * over: auth-jwt
 *
 * It believes whatever document is there, whoever it is of. */
#include "broken_auth.h"

/* In the place of the driver's own issuer.c, whose one comparison it is. */
#define strcmp(a, b) 0
#include "issuer.c"
#undef strcmp

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    (void)ops;
}
