/* http/ws_priv.h - what the files of WebSockets share. */
#ifndef HTTP_WS_PRIV_H
#define HTTP_WS_PRIV_H

#include "http/conn.h"
#include "http/websocket.h"

/* What is wrong with the handshake; status 0: nothing, and *protocol is what will be
 * spoken, or "". Adds header fields to the reply either way. */
struct http_refusal ws_check_handshake(struct http_reply *reply,
                                       const struct http_websocket_opts *opts,
                                       const char **protocol);

#endif
