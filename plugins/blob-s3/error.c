/* blob-s3/error.c - what answers of servers and errors of libcurl mean to the core, in
 * tables. */
#include "s3.h"

#include <string.h>

static const struct {
    long status;
    const char *word; /* the code in the body; NULL: any */
    int code;
    bool again;
} answers[] = {
    {404, "NoSuchKey", FF_NOT_FOUND, false},
    {404, "NoSuchUpload", FF_NOT_FOUND, false},
    {404, "NoSuchBucket", FF_DENIED, false},
    {404, NULL, FF_NOT_FOUND, false},
    {400, "RequestTimeout", FF_UNAVAILABLE, true},
    {400, "ExpiredToken", FF_DENIED, false},
    {400, "InvalidToken", FF_DENIED, false},
    {400, "AuthorizationHeaderMalformed", FF_DENIED, false},
    {401, NULL, FF_DENIED, false},
    {403, "QuotaExceeded", FF_FULL, false},
    {403, NULL, FF_DENIED, false},
    {301, NULL, FF_DENIED, false}, /* the bucket is in another region */
    {307, NULL, FF_UNAVAILABLE, true},
    {408, NULL, FF_UNAVAILABLE, true},
    {409, NULL, FF_UNAVAILABLE, true},
    {425, NULL, FF_UNAVAILABLE, true},
    {429, NULL, FF_UNAVAILABLE, true},
    {507, NULL, FF_FULL, false},
};

int s3_judge(long status, const char *word, bool *again)
{
    *again = false;
    if (status >= 200 && status < 300)
        return FF_OK;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i].status != status ||
            (answers[i].word && strcmp(answers[i].word, word) != 0))
            continue;
        *again = answers[i].again;
        return answers[i].code;
    }
    *again = status >= 500 || status < 100;
    return *again ? FF_UNAVAILABLE : FF_INTERNAL;
}

static const struct {
    CURLcode curl;
    int code;
    bool again;
} errors[] = {
    {CURLE_OUT_OF_MEMORY, FF_NO_MEMORY, false},
    {CURLE_UNSUPPORTED_PROTOCOL, FF_INVALID, false},
    {CURLE_URL_MALFORMAT, FF_INVALID, false},
    {CURLE_PEER_FAILED_VERIFICATION, FF_DENIED, false},
    {CURLE_SSL_CACERT_BADFILE, FF_INVALID, false},
    {CURLE_SSL_CERTPROBLEM, FF_DENIED, false},
    {CURLE_SSL_CIPHER, FF_DENIED, false},
    {CURLE_SSL_ENGINE_NOTFOUND, FF_INVALID, false},
};

int s3_judge_curl(CURLcode code, bool *again)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].curl == code) {
            *again = errors[i].again;
            return errors[i].code;
        }
    *again = true; /* no such host, no connection, a timeout, a body cut short ... */
    return FF_UNAVAILABLE;
}

void s3_element(const char *xml, size_t len, const char *name, char *out, size_t size)
{
    const size_t n_name = strlen(name);
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i + n_name + 2 < len; i++) {
        if (xml[i] != '<' || memcmp(xml + i + 1, name, n_name) != 0 ||
            xml[i + 1 + n_name] != '>')
            continue;
        for (size_t k = i + n_name + 2; k < len && xml[k] != '<' && n + 1 < size; k++)
            out[n++] = xml[k];
        out[n] = '\0';
        return;
    }
}
