/* ids.c - which trace, and which span in it: made of ids that are there already. */
#include "traces/traces_priv.h"

#include <string.h>

#define ID_DIGITS   (TRACE_ID_TEXT - 1)
#define SPAN_DIGITS (TRACE_SPAN_TEXT - 1)

void trace_id(struct span run_id, char out[TRACE_ID_TEXT])
{
    size_t n = 0;

    for (size_t i = 0; i < run_id.len && n < ID_DIGITS; i++)
        if (run_id.s[i] != '-')
            out[n++] = run_id.s[i];
    memset(out + n, '0', ID_DIGITS - n);
    out[ID_DIGITS] = '\0';
}

void trace_span_of(const char *attempt_id, char out[TRACE_SPAN_TEXT])
{
    char hash[SHA256_TEXT];

    sha256_text(attempt_id, strlen(attempt_id), hash);
    memcpy(out, hash, SPAN_DIGITS);
    out[SPAN_DIGITS] = '\0';
}

void trace_parent(struct span outermost_run_id, const char *attempt_id,
                  char out[TRACE_PARENT_TEXT])
{
    char id[TRACE_ID_TEXT], span[TRACE_SPAN_TEXT];

    trace_id(outermost_run_id, id);
    trace_span_of(attempt_id, span);
    snprintf(out, TRACE_PARENT_TEXT, "00-%s-%s-01", id, span);
}

/* Version, trace id, parent id and flags. */
bool trace_is_parent(const char *text, size_t len)
{
    static const struct {
        size_t at, n;
    } parts[] = {{0, 2}, {3, ID_DIGITS}, {36, SPAN_DIGITS}, {53, 2}};

    if (len != TRACE_PARENT_TEXT - 1 || memcmp(text, "ff", 2) == 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const size_t end = parts[i].at + parts[i].n;

        if (strspn(text + parts[i].at, "0123456789abcdef") != parts[i].n ||
            (end < len && text[end] != '-'))
            return false;
    }
    return strspn(text + 3, "0") != ID_DIGITS && strspn(text + 36, "0") != SPAN_DIGITS;
}
