/* cli/remote/oidc.h - who somebody is, by a provider of OpenID Connect: he shows it to
 * the provider in a browser, and gets a token for it that the server takes once, for a
 * session. No secret of a client: PKCE (RFC 7636) instead, since whoever has this
 * program would have it. */
#ifndef CLI_REMOTE_OIDC_H
#define CLI_REMOTE_OIDC_H

#include "cli/frame/frame.h"

struct oidc {
    const char *issuer, *client_id, *scopes; /* borrowed: as the server says */
    /* Where the provider is asked, as it says itself. */
    char *authorization, *token, *device; /* or NULL: it has none */
};

/* Exit codes; they have printed why. oidc_done in either case. */
int oidc_discover(struct oidc *o);
void oidc_done(struct oidc *o);

/* *id_token: oidc_wipe it. By the browser of this machine (RFC 8252), or of any other
 * one (RFC 8628). */
int oidc_by_browser(const struct oidc *o, char **id_token);
int oidc_by_device(const struct oidc *o, char **id_token);
void oidc_wipe(char *secret); /* takes NULL */

/* --- what the two share (oidc.c) --- */

/* 32 random bytes as 43 characters of base64url. */
#define OIDC_SECRET 44
void oidc_secret(char out[OIDC_SECRET]);
/* NAME=VALUE of a form, quoted; "&" before it, but for the first. */
void oidc_add(struct buf *form, const char *name, const char *value);
/* Asks for a token. *answer: its JSON object, whatever it says; json_decref it. */
int oidc_post(const struct oidc *o, const char *url, const struct buf *form,
              json_t **answer);
/* The ID token of an answer, if it is meant for us. nonce: that it must have, or NULL.
 */
int oidc_take(const struct oidc *o, const json_t *answer, const char *nonce,
              char **id_token);
/* What the provider says of an error, as this program's own. */
int oidc_refused(const struct oidc *o, const char *error, const char *description);

#endif
