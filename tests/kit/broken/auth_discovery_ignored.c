/* breaks: auth/discovery/keys
 * over: auth-jwt
 *
 * It asks no issuer, whatever it is told. */
#include "broken_auth.h"

#include "auth_jwt.h"

static const void *changed; /* as long as the process */

static int open_deaf(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    struct config *own = malloc(sizeof(*own));

    memcpy(own, config, sizeof(*own));
    own->issuer_discovery = 0;
    changed = own;
    return good->open(host, own, auth, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->open = open_deaf;
}
