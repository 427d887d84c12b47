/* cli/remote/curl_priv.h - what requests by libcurl have in common, for those who wait
 * for their answers and those who do not. */
#ifndef CLI_REMOTE_CURL_PRIV_H
#define CLI_REMOTE_CURL_PRIV_H

#define CURL_DISABLE_TYPECHECK
#include "cli/remote/curl.h"

#include <curl/curl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

extern struct libcurl {
    CURLcode (*global_init)(long);
    CURL *(*init)(void);
    void (*cleanup)(CURL *);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*reset)(CURL *);
    const char *(*error)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_all)(struct curl_slist *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_add)(CURLM *, CURL *);
    CURLMcode (*multi_remove)(CURLM *, CURL *);
    CURLMcode (*multi_action)(CURLM *, curl_socket_t, int, int *);
    CURLMsg *(*multi_info)(CURLM *, int *);
} libcurl;

/* It is there from now on; or FF_UNSUPPORTED. */
int curl_load(struct ff_err *err);
/* All but where the answer goes and how long it may take. The request is used until the
 * transfer has ended; `why` has CURL_ERROR_SIZE bytes. libcurl.free_all the headers
 * after that. */
struct curl_slist *curl_set_up(CURL *handle, const struct curl_request *request,
                               char *why);
/* What may go otherwise when it is tried again; a wrong certificate does not. */
bool curl_is_passing(CURLcode code);

#endif
