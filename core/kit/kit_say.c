/* kit/kit_say.c - verdicts. The first one written to the check's pipe counts, and its
 * process ends at once: nothing is tidied up, since a broken driver may not let us. */
#include "kit/kit_priv.h"

#include <string.h>
#include <unistd.h>

/* All of one verdict in one write that the kernel does not take apart (PIPE_BUF). */
#define VERDICT_MAX 4000
#define TEXT_MAX    700

static const char *const code_names[] = {
    [FF_OK] = "FF_OK",
    [FF_INVALID] = "FF_INVALID",
    [FF_NOT_FOUND] = "FF_NOT_FOUND",
    [FF_CONFLICT] = "FF_CONFLICT",
    [FF_BUSY] = "FF_BUSY",
    [FF_UNAVAILABLE] = "FF_UNAVAILABLE",
    [FF_IN_DOUBT] = "FF_IN_DOUBT",
    [FF_CANCELLED] = "FF_CANCELLED",
    [FF_DENIED] = "FF_DENIED",
    [FF_UNSUPPORTED] = "FF_UNSUPPORTED",
    [FF_NO_MEMORY] = "FF_NO_MEMORY",
    [FF_CORRUPT] = "FF_CORRUPT",
    [FF_INTERNAL] = "FF_INTERNAL",
    [FF_FULL] = "FF_FULL",
    [FF_FATAL] = "FF_FATAL",
};

const char *kit_code_name(int code)
{
    return code >= 0 && code < (int)COUNT_OF(code_names) ? code_names[code]
                                                         : "a code that does not exist";
}

void kit_clean(struct buf *out, const char *text, size_t len)
{
    size_t i = 0;

    while (text && i < len) {
        const size_t n = text_utf8_len(text + i, len - i);

        if (n == 0 || (n == 1 && ((unsigned char)text[i] < ' ' || text[i] == 0x7f))) {
            buf_printf(out, "\\x%02x", (unsigned char)text[i]);
            i++;
        } else {
            buf_add(out, text + i, n);
            i += n;
        }
    }
}

static void add_text(struct jsonw *w, const char *key, const char *text)
{
    struct buf clean = {.max = TEXT_MAX};

    if (!text)
        return;
    kit_clean(&clean, text, strnlen(text, TEXT_MAX));
    jsonw_key(w, key);
    jsonw_text_len(w, buf_text(&clean), clean.len);
    buf_done(&clean);
}

/* Texts whose bytes need escapes may be too long together: then the sentence alone. */
static void write_verdict(const struct kit *k, const struct buf *full,
                          const struct buf *brief)
{
    const struct buf *b = full->len <= VERDICT_MAX ? full : brief;
    const ssize_t n = write(k->report_fd, buf_text(b), b->len);

    (void)n; /* without a verdict the end of the process tells as much as it can */
}

noreturn static void say(struct kit *k, const char *verdict, const char *at,
                         const char *expected, const char *got, const char *why)
{
    struct buf full = {0};
    struct buf brief = {0};
    struct jsonw w = {.out = &full};
    struct jsonw b = {.out = &brief};

    jsonw_open(&w, '{');
    add_text(&w, "verdict", verdict);
    add_text(&w, "why", why);
    add_text(&w, "expected", expected);
    add_text(&w, "got", got);
    add_text(&w, "at", at);
    jsonw_close(&w, '}');
    buf_add_char(&full, '\n');
    jsonw_open(&b, '{');
    add_text(&b, "verdict", verdict);
    add_text(&b, "why", why);
    jsonw_close(&b, '}');
    buf_add_char(&brief, '\n');
    write_verdict(k, &full, &brief);
    _exit(KIT_FAILED);
}

noreturn static void FF_PRINTF(6, 0)
    fail_v(struct kit *k, const char *file, int line, const char *expected,
           const char *got, const char *fmt, va_list ap)
{
    const char *slash = strrchr(file, '/');
    char at[96];
    struct buf why = {0};

    buf_vprintf(&why, fmt, ap);
    snprintf(at, sizeof(at), "%s:%d", slash ? slash + 1 : file, line);
    say(k, "failed", at, expected, got, buf_text(&why));
}

noreturn void kit_fail_at(struct kit *k, const char *file, int line,
                          const char *expected, const char *got, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail_v(k, file, line, expected, got, fmt, ap);
}

noreturn void kit_skip(struct kit *k, const char *fmt, ...)
{
    struct buf why = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&why, fmt, ap);
    va_end(ap);
    say(k, "skipped", NULL, NULL, NULL, buf_text(&why));
}

void kit_expect_code_at(struct kit *k, const char *file, int line, int got,
                        int expected, const struct ff_err *err, const char *fmt, ...)
{
    char text[320];
    va_list ap;

    if (got == expected)
        return;
    snprintf(text, sizeof(text), "%s%s%.*s", kit_code_name(got),
             got != FF_OK && err && err->msg[0] ? ": " : "",
             got != FF_OK && err ? (int)sizeof(err->msg) : 0, err ? err->msg : "");
    va_start(ap, fmt);
    fail_v(k, file, line, kit_code_name(expected), text, fmt, ap);
}

void kit_expect_int_at(struct kit *k, const char *file, int line, int64_t got,
                       int64_t expected, const char *fmt, ...)
{
    char texts[2][32];
    va_list ap;

    if (got == expected)
        return;
    snprintf(texts[0], sizeof(texts[0]), "%lld", (long long)expected);
    snprintf(texts[1], sizeof(texts[1]), "%lld", (long long)got);
    va_start(ap, fmt);
    fail_v(k, file, line, texts[0], texts[1], fmt, ap);
}

void kit_expect_text_at(struct kit *k, const char *file, int line, const char *got,
                        const char *expected, const char *fmt, ...)
{
    va_list ap;

    if (got && strcmp(got, expected) == 0)
        return;
    va_start(ap, fmt);
    fail_v(k, file, line, expected, got ? got : "(nothing)", fmt, ap);
}
