/* fetch/fetch_priv.h - the inside of the room: request.c reads what to do, address.c
 * decides whom it may be done with, send.c does it, answer.c writes down what came. */
#ifndef FETCH_FETCH_PRIV_H
#define FETCH_FETCH_PRIV_H

#include "fetch/fetch.h"
#include <sys/socket.h>

/* --- address.c --- */

/* Why nobody may be led there: "a private address", or NULL for one of the internet.
 * IPv4 inside of IPv6 counts as what it is. */
const char *address_kind(const struct sockaddr *address);

/* list: networks and addresses with or without a port, comma separated:
 * "127.0.0.1:8080, 10.0.0.0/8, [fd00::]/8". NULL allows nothing. */
bool address_allowed(const char *list, const struct sockaddr *address);

/* False with a sentence when the list cannot be read. */
bool address_check_list(const char *list, struct ff_err *err);

/* --- request.c --- */

struct pair {
    const char *name, *value;
    bool secret; /* given to nobody but whom it was meant for */
};

struct request {
    json_t *json; /* owns all text below */
    const char *method, *url;
    struct {
        struct pair *items;
        size_t n, cap;
    } headers, query;
    const char *body; /* or NULL */
    char *body_json;  /* owned: of json */
    json_t *expect;   /* list of numbers; empty: 200 to 299 */
    int64_t max_bytes, follow;
    bool allow_private;
};
/* env: looks up variables of secrets. FF_INVALID with a sentence. */
int request_read(const char *text, size_t len, struct request *r, struct ff_err *err);
void request_done(struct request *r);
bool request_expects(const struct request *r, long status);

/* --- send.c --- */

struct answer {
    long status;
    json_t *headers; /* lower case; several of a name with ", " between */
    struct buf body;
};
/* enum fetch_exit; other than FETCH_OK with a sentence. Redirects are followed here. */
int send_request(const struct request *r, struct answer *a, struct ff_err *err);
void answer_done(struct answer *a);

/* --- answer.c --- */

/* status, headers, body and encoding as JSON files of the folder. */
int answer_write(const struct answer *a, const char *folder, struct ff_err *err);

#endif
