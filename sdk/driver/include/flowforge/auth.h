/* flowforge/auth.h - turns a credential into a principal.
 *
 * Threads: verify and refresh block and may overlap when the driver says
 * FF_PARALLEL.  Required: open, close, verify. */
#ifndef FLOWFORGE_AUTH_H
#define FLOWFORGE_AUTH_H

#include <flowforge/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ff_auth_caps {
    /* What lets somebody in is weak, or the same for everybody on this host: the core
     * MUST NOT pass a credential to this driver that came from beyond loopback. */
    FF_AUTH_LOOPBACK_ONLY = 1
};

/* Who is asking. Borrowed until the callback returns. Names are UTF-8 of 1 to 319
 * bytes without control characters: they go into keys, logs and messages. */
struct ff_principal {
    uint32_t struct_size;
    uint32_t reserved;
    const char *subject;
    const char *tenant;
    const char *const *roles; /* ends with NULL; never NULL itself */
    int64_t expires_us;       /* since 1970, not past; 0: does not expire by itself */
};

typedef void ff_principal_fn(void *arg, const struct ff_principal *principal);

struct ff_auth_ops {
    int (*open)(const struct ff_host *host, const void *config, void **auth,
                struct ff_err *err);
    void (*close)(void *auth); /* takes NULL */

    /* Calls fn exactly once, before it returns FF_OK, or does not call it and returns
     * FF_DENIED with a sentence that is safe to show to whoever asked: it MUST NOT
     * repeat anything of the credential, and neither must the log. The credential is
     * any bytes, of any length, borrowed until verify returns; one that is not known
     * is FF_DENIED whatever it looks like. The same credential is the same principal
     * each time. FF_UNAVAILABLE, with such a sentence: it cannot be told now, but it
     * may be soon, so that whoever asked should come again.
     *
     * Signed tokens: the algorithm MUST be a property of the key and never of the
     * token; keys MUST be those of the configuration, whatever a token says about
     * keys; expiry, issuer and audience MUST be there and be right. Where an issuer is
     * asked for its keys (OpenID Connect Discovery 1.0), a document that names another
     * one MUST NOT be believed, and until its keys have come a token that they might
     * have signed is FF_UNAVAILABLE. */
    int (*verify)(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err);

    /* Optional: fetch keys again; called on a worker thread when the operator asks for
     * it. What was added is known afterwards, what was removed is not. When it fails,
     * with a sentence, the keys there were stay. */
    int (*refresh)(void *auth, struct ff_err *err);

    /* Optional, any thread, never blocks: FF_OK, or why good credentials may be
     * answered with FF_UNAVAILABLE now, such as keys that have yet to come. */
    int (*ready)(void *auth, struct ff_err *err);
};

#ifdef __cplusplus
}
#endif

#endif
