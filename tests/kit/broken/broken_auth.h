/* What broken auth drivers share: they are a correct driver with some functions
 * replaced. */
#ifndef BROKEN_AUTH_H
#define BROKEN_AUTH_H

#include <flowforge/auth.h>

#include <stdlib.h>
#include <string.h>

/* The driver that the file is made over, see kit.cmake. */
const struct ff_driver *correct(void);

#define good (correct()->ops.auth)

/* Each file has one: replaces what it breaks. */
static void break_it(struct ff_driver *d, struct ff_auth_ops *ops);

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
FF_EXPORT const struct ff_driver *ff_driver_entry(void)
{
    static struct ff_auth_ops ops;
    static struct ff_driver d;

    d = *correct();
    ops = *good;
    break_it(&d, &ops);
    d.ops.auth = &ops;
    return &d;
}

/* Most broken ones change verify alone. */
#define BREAKS_VERIFY                                                                  \
    static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)                 \
    {                                                                                  \
        (void)d;                                                                       \
        ops->verify = verify;                                                          \
    }

/* How the headers of the kit's tokens begin. */
#define RS256 "eyJhbGciOiJSUzI1NiI"
#define RS512 "eyJhbGciOiJSUzUxMiI"
#define ES256 "eyJhbGciOiJFUzI1NiI"
#define EDDSA "eyJhbGciOiJFZERTQSI"
#define HS256 "eyJhbGciOiJIUzI1NiI"

static inline int let_in(ff_principal_fn *fn, void *arg)
{
    static const char *const roles[] = {"viewer", NULL};
    const struct ff_principal p = {
        .struct_size = sizeof(p),
        .subject = "kit-subject",
        .tenant = "kit-tenant",
        .roles = roles,
    };

    fn(arg, &p);
    return FF_OK;
}

/* Lets in what the correct driver denies for this reason. */
#define FORGIVES(BEGIN, REASON)                                                        \
    static int verify(void *auth, const char *credential, ff_principal_fn *fn,         \
                      void *arg, struct ff_err *err)                                   \
    {                                                                                  \
        const int code = good->verify(auth, credential, fn, arg, err);                 \
                                                                                       \
        if (code == FF_DENIED && strstr(err->msg, (REASON)) &&                         \
            strncmp(credential, (BEGIN), strlen(BEGIN)) == 0)                          \
            return let_in(fn, arg);                                                    \
        return code;                                                                   \
    }                                                                                  \
    BREAKS_VERIFY

/* Puts something between the correct driver and the caller's fn. */
struct passing {
    ff_principal_fn *fn;
    void *arg;
};

#define CHANGES_PRINCIPAL(change)                                                      \
    static void pass(void *arg, const struct ff_principal *principal)                  \
    {                                                                                  \
        const struct passing *to = arg;                                                \
        struct ff_principal p = *principal;                                            \
                                                                                       \
        change;                                                                        \
        to->fn(to->arg, &p);                                                           \
    }                                                                                  \
                                                                                       \
    static int verify(void *auth, const char *credential, ff_principal_fn *fn,         \
                      void *arg, struct ff_err *err)                                   \
    {                                                                                  \
        struct passing to = {fn, arg};                                                 \
                                                                                       \
        return good->verify(auth, credential, pass, &to, err);                         \
    }                                                                                  \
    BREAKS_VERIFY

#endif
