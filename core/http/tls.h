/* http/tls.h - TLS 1.2 and 1.3 for the server's port: certificate, key, what is offered
 * by ALPN. OpenSSL is loaded when the first certificate is. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/base.h"
#include <event2/bufferevent.h>

struct http_tls;

/* Both PEM; the certificate's file holds its chain, its own first. */
int http_tls_load(const char *certificate, const char *key, struct http_tls **out,
                  struct ff_err *err);
/* Connections go on with what they have. Takes NULL. */
void http_tls_free(struct http_tls *t);

/* The handshake is the bufferevent's: BEV_EVENT_CONNECTED, or an error. NULL: not
 * enough descriptors or memory; the descriptor is still the caller's. */
struct bufferevent *http_tls_accept(const struct http_tls *t, struct event_base *base,
                                    int fd);
bool http_tls_chose_h2(struct bufferevent *bev);
/* Tells the peer that nothing more comes. Once; all else must be out. */
void http_tls_farewell(struct bufferevent *bev);

#endif
