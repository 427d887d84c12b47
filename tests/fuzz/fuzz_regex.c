/* fuzz_regex.c - matches(): "PATTERN NUL TEXT". The same in a group, in an alternative
 * with itself and behind anything; and never more work than is allowed. */
#include "expr/regex.h"
#include "fuzz.h"

#define WORK ((uint64_t)1 << 20)

/* -3: no pattern. */
static int search(const char *pattern, size_t n, const char *text, size_t len)
{
    char why[128] = "";
    uint64_t work = WORK;
    struct expr_regex *re = expr_regex_compile(pattern, n, why, sizeof(why));

    if (!re) {
        FUZZ_CHECK(why[0]);
        return -3;
    }
    FUZZ_CHECK(re->n_states <= EXPR_REGEX_MAX_STATES);
    const int found = expr_regex_search(re, text, len, &work);

    FUZZ_CHECK(found >= -1 && found <= 1);
    FUZZ_CHECK(work <= WORK);
    expr_regex_free(re);
    return found;
}

/* Each %s of the form is the pattern. Ceilings may be met, and no others. */
static void compare(const char *form, const char *pattern, size_t n, const char *text,
                    size_t len, int found)
{
    struct buf b = {0};

    for (const char *p = form; *p; p++) {
        if (*p == '%')
            buf_add(&b, pattern, n);
        else
            buf_add_char(&b, *p);
    }
    const int other = search(buf_text(&b), b.len, text, len);

    if (found >= 0 && other >= 0)
        FUZZ_CHECK(found == other);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    size_t n, len;
    MEM_AUTO char *pattern = fuzz_piece(&in, '\0', &n);
    MEM_AUTO char *text = fuzz_text(in.at, (size_t)(in.end - in.at));

    len = (size_t)(in.end - in.at);
    /* As the callers have it: text is UTF-8. */
    if (text_utf8_error(text, len) < strlen(text))
        return 0;
    const int found = search(pattern, n, text, len);

    if (found < 0)
        return 0;
    compare("(?:%)", pattern, n, text, len, found);
    compare("(%)|(?:%)", pattern, n, text, len, found);
    compare("(?:%){1}", pattern, n, text, len, found);
    compare("(?s:.*)(?:%)", pattern, n, text, len, found);
    compare("(?:%)(?s:.*)", pattern, n, text, len, found);
    return 0;
}
