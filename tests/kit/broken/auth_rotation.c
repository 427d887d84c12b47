/* breaks: auth/rotation/added
 * breaks: auth/rotation/removed
 * over: auth-jwt
 *
 * It looks at a copy of the keys, which it made when it was opened. */
#include "broken_auth.h"

#include <stdio.h>

static const void *copied; /* of the configuration; as long as the process */

/* NULL: there is nothing to copy. */
static char *copy_file(const char *path)
{
    char *copy = malloc(strlen(path) + 6);
    FILE *from = fopen(path, "re");
    FILE *to;
    int c;

    sprintf(copy, "%s.copy", path);
    to = from ? fopen(copy, "we") : NULL;
    while (to && (c = getc(from)) != EOF)
        putc(c, to);
    if (from)
        fclose(from);
    if (to)
        fclose(to);
    return copy;
}

static int open_copy(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    char **own = malloc(correct()->config_size);

    memcpy(own, config, correct()->config_size);
    if (own[0]) /* jwks_file, its first option */
        own[0] = copy_file(own[0]);
    copied = own;
    return good->open(host, own, auth, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->open = open_copy;
}
