/* fuzz_key.c - attempt keys, as messages carry them, and task tokens: the byte 1 in
 * front asks for the rest to be signed. A key that is read is written the same; a token
 * that nobody signed is never taken. */
#include "exec/exec_priv.h"
#include "fuzz.h"

static void check_key(const char *text, size_t size)
{
    struct attempt_key key, again;
    char written[ATTEMPT_KEY_TEXT];

    if (!attempt_key_parse(text, size, &key))
        return;
    FUZZ_CHECK(key.tenant.no >= 0 && key.run >= 0 && key.node >= 0 && key.attempt >= 0);
    attempt_key_text(&key, written);
    FUZZ_CHECK(strlen(written) < ATTEMPT_KEY_TEXT && strlen(written) <= size);
    FUZZ_CHECK(attempt_key_parse(written, strlen(written), &again));
    FUZZ_CHECK(again.tenant.no == key.tenant.no && again.run == key.run &&
               again.node == key.node && again.attempt == key.attempt);
}

static void check_token(const char *text, bool sign)
{
    static struct exec x;
    struct attempt_key key = {0};
    struct ff_err err = {0};
    char signature[SHA256_TEXT];
    struct buf token = {0};

    if (!x.setup.loop)
        x.setup.loop = loop_new(&err);
    buf_add_text(&token, text);
    if (sign) {
        sha256_hmac(x.token_key, TOKEN_KEY_SIZE, text, strlen(text), signature);
        buf_printf(&token, ".%s", signature);
    }
    const int code = token_check(&x, buf_text(&token), &key, &err);

    FUZZ_CHECK(code == FF_OK || (code == FF_DENIED && err.msg[0]));
    if (code == FF_OK)
        FUZZ_CHECK(sign && strncmp(text, "ff1.", 4) == 0);
    buf_done(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bool sign = size && data[0] == 1;
    MEM_AUTO char *text = fuzz_text(data + sign, size - sign);

    check_key(text, size - sign);
    check_token(text, sign);
    return 0;
}
