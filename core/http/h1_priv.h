/* http/h1_priv.h - what parses HTTP/1.1. */
#ifndef HTTP_H1_PRIV_H
#define HTTP_H1_PRIV_H

#include "http/http_priv.h"
#include <llhttp/llhttp.h>

/* --- check.c: the strict half of the parser, on bytes alone --- */

/* Looks for the end of a head in `bytes`, from *at on, which it moves. Returns the
 * length of the head, or 0: not complete, or refused. */
size_t http_find_head(const char *bytes, size_t len, size_t *at,
                      struct http_refusal *no);
/* A complete head, with its empty line. Fills no->status where it is refused. */
void http_check_head(const char *head, size_t len, struct http_refusal *no);

/* For requests that come in other forms. */
bool http_is_method(const char *word, size_t len);
bool http_is_single(const char *name, size_t len); /* a header that must not repeat */
bool http_is_length(const char *value, size_t len);

/* --- parse.c: llhttp behind it --- */

struct http_parse {
    llhttp_t parser;
    struct http_reply *reply; /* whose request is being filled */
    size_t framing;           /* bytes of chunk framing so far */
    char tail[4];             /* the last bytes taken */
    bool head_done, done, keep_alive;
    struct http_refusal no;
};

/* The head is copied. True: the request stands, and p->done says if that is all. */
bool http_parse_head(struct http_parse *p, struct http_reply *reply, const char *head,
                     size_t len);
/* Takes bytes of the body; returns how many it used. See p->done and p->no. */
size_t http_parse_body(struct http_parse *p, const char *bytes, size_t len);

#endif
