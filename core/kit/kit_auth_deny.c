/* kit/kit_auth_deny.c - checks of refusals: everything that is not known is denied, by
 * a sentence that can be shown to whoever asked. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB          ((size_t)1024 * 1024)
#define N_RANDOM     200
#define RANDOM_BYTES 120
#define N_CHANGED    64
/* So many bytes of a credential in a row are no accident. */
#define WINDOW 8

/* What clients send by mistake, and attackers on purpose. */
static const struct {
    const char *credential, *what;
} odd[] = {
    {"", "an empty credential"},
    {" ", "a space"},
    {".", "a dot"},
    {"..", "two dots"},
    {"...", "three dots"},
    {"null", "the word null"},
    {"undefined", "the word undefined"},
    {"Bearer x", "a credential with its scheme"},
    {"{}", "an empty object"},
    {"{\"alg\":\"none\"}", "JSON"},
    {"e30.e30.", "a token of empty objects without a signature"},
    {"e30.e30.e30", "a token of empty objects"},
    {"\xff\xfe\xfd", "bytes that are no UTF-8"},
    {"\xc0\xaf\xed\xa0\x80", "UTF-8 that is not allowed"},
    {"\x01\x02\x1b[31m\x7f", "control characters"},
    {"a\r\nSet-Cookie: b", "line ends"},
    {"%s%s%s%n%99999d", "formats of printf"},
    {"' OR '1'='1", "SQL"},
    {"../../../../etc/passwd", "a path"},
};

static void odd_credentials_are_denied(struct kit *k)
{
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (size_t i = 0; i < COUNT_OF(odd); i++)
        kit_must_deny(&a, odd[i].credential, odd[i].what);
    kit_auth_close(&a);
}

/* Any bytes but NUL. */
static void fill_random(struct kit *k, char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(1 + rand_below(kit_rand(k), 255));
    out[len] = '\0';
}

static void random_credentials_are_denied(struct kit *k)
{
    char credential[RANDOM_BYTES + 1];
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (int i = 0; i < N_RANDOM; i++) {
        fill_random(k, credential, 1 + rand_below(kit_rand(k), RANDOM_BYTES));
        kit_must_deny(&a, credential, "random bytes");
    }
    kit_auth_close(&a);
}

static void huge_credentials_are_denied(struct kit *k)
{
    static const char fillings[] = {'A', '.', '[', '\xff'};
    char *credential = mem_alloc(MIB + 1);
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (size_t i = 0; i < sizeof(fillings); i++) {
        memset(credential, fillings[i], MIB);
        kit_must_deny(&a, credential, "a credential of 1 MiB");
    }
    mem_free(credential);
    kit_auth_close(&a);
}

static void a_denial_calls_nothing(struct kit *k)
{
    struct kit_answer answer;
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        kit_verify(&a, odd[i].credential, &answer);
        kit_expect_int(k, answer.n_calls, 0, "%s: calls of fn", odd[i].what);
    }
    kit_auth_close(&a);
}

/* --- the sentence --- */

static bool is_sentence(const char *text, size_t size)
{
    const size_t len = strnlen(text, size);
    size_t n;

    if (len == 0 || len == size)
        return false;
    for (size_t i = 0; i < len; i += n) {
        n = text_utf8_len(text + i, len - i);
        if (n == 0 || (unsigned char)text[i] < ' ')
            return false;
    }
    return true;
}

/* Does text hold a piece of the credential? */
static bool repeats(const char *text, size_t len, const char *credential)
{
    const size_t n = strlen(credential);

    for (size_t i = 0; i + WINDOW <= n; i++)
        if (memmem(text, len, credential + i, WINDOW))
            return true;
    return false;
}

static void a_denial_has_a_sentence(struct kit *k)
{
    struct kit_answer answer;
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        kit_verify(&a, odd[i].credential, &answer);
        kit_expect(k, is_sentence(answer.err.msg, sizeof(answer.err.msg)),
                   "%s: the sentence is empty, endless, no UTF-8, or has several lines",
                   odd[i].what);
        kit_expect_int(k, answer.err.code, answer.code, "%s: err.code", odd[i].what);
    }
    kit_auth_close(&a);
}

/* Letters and digits, in the shape of a token every other time. */
static void fill_readable(struct kit *k, char *out, size_t len)
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const bool dots = rand_below(kit_rand(k), 2);

    for (size_t i = 0; i < len; i++)
        out[i] = dots && i % 40 == 39 ? '.' : set[rand_below(kit_rand(k), 62)];
    out[len] = '\0';
}

static void a_sentence_does_not_repeat_the_credential(struct kit *k)
{
    char credential[RANDOM_BYTES + 1];
    struct kit_answer answer;
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (int i = 0; i < N_RANDOM; i++) {
        fill_readable(k, credential, RANDOM_BYTES);
        kit_verify(&a, credential, &answer);
        if (repeats(answer.err.msg, strnlen(answer.err.msg, sizeof(answer.err.msg)),
                    credential))
            kit_fail_at(k, __FILE__, __LINE__, "a sentence of its own", answer.err.msg,
                        "the sentence repeats the credential");
    }
    kit_auth_close(&a);
}

/* The frame has put our standard error into a file. */
static void a_log_has_no_credentials(struct kit *k)
{
    char credential[RANDOM_BYTES + 1];
    char *text = mem_alloc(KIT_LOG_BYTES);
    struct kit_auth a;

    log_setup(LOG_DEBUG, false);
    kit_auth_open(k, &a);
    fill_readable(k, credential, RANDOM_BYTES);
    kit_must_deny(&a, credential, "random letters");

    const ssize_t n = pread(STDERR_FILENO, text, KIT_LOG_BYTES, 0);

    kit_expect(k, n <= 0 || !repeats(text, (size_t)n, credential),
               "the log holds a credential that was denied");
    mem_free(text);
    kit_auth_close(&a);
}

/* --- near to what is known --- */

static void known_ones_are_denied(struct kit *k)
{
    const struct kit_texts *deny = &k->settings->deny;
    struct kit_auth a;

    if (deny->n == 0)
        kit_skip(k, "no --deny CREDENTIAL was given");
    kit_auth_open(k, &a);
    for (size_t i = 0; i < deny->n; i++)
        kit_must_deny(&a, deny->items[i], "a credential of --deny");
    kit_auth_close(&a);
}

static void changed_credentials_are_denied(struct kit *k)
{
    const char *good = kit_good(k);
    const size_t len = strlen(good);
    char *changed = mem_alloc(len + 2);
    struct kit_auth a;

    kit_auth_open(k, &a);
    kit_must_admit(&a, good, "a known credential");
    for (int i = 0; i < N_CHANGED; i++) {
        /* Not the last one: in base64 it may have bits that stand for nothing. */
        const size_t at = rand_below(kit_rand(k), len > 1 ? len - 1 : 1);

        memcpy(changed, good, len + 1);
        changed[at] = changed[at] == 'x' ? 'y' : 'x';
        kit_must_deny(&a, changed, "a known credential with another byte");
    }
    memcpy(changed, good, len + 1);
    changed[len - 1] = '\0';
    kit_must_deny(&a, changed, "a known credential without its last byte");
    memcpy(changed, good, len + 1);
    changed[len / 2] = '\0';
    kit_must_deny(&a, changed, "the first half of a known credential");
    snprintf(changed, len + 2, "%sx", good);
    kit_must_deny(&a, changed, "a known credential with a byte behind it");
    snprintf(changed, len + 2, " %s", good);
    kit_must_deny(&a, changed, "a known credential with a space before it");
    mem_free(changed);
    kit_auth_close(&a);
}

const struct kit_check kit_auth_deny[] = {
    {.name = "deny/odd",
     .what = "credentials that are empty, no text or meant for others are FF_DENIED",
     .run = odd_credentials_are_denied},
    {.name = "deny/random",
     .what = "random bytes are FF_DENIED",
     .run = random_credentials_are_denied},
    {.name = "deny/huge",
     .what = "a credential of 1 MiB is FF_DENIED",
     .run = huge_credentials_are_denied},
    {.name = "deny/no-call",
     .what = "fn is not called for what is denied",
     .run = a_denial_calls_nothing},
    {.name = "deny/sentence",
     .what = "a denial has its code and one line of text in err",
     .run = a_denial_has_a_sentence},
    {.name = "deny/no-echo",
     .what = "the sentence of a denial repeats nothing of the credential",
     .run = a_sentence_does_not_repeat_the_credential},
    {.name = "deny/no-log",
     .what = "credentials do not get into the log, at no level",
     .run = a_log_has_no_credentials},
    {.name = "deny/known",
     .what = "the credentials given by --deny are FF_DENIED",
     .run = known_ones_are_denied},
    {.name = "deny/changed",
     .what = "a known credential with a byte more, less or changed is FF_DENIED",
     .run = changed_credentials_are_denied},
    {0},
};
