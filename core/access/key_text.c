/* key_text.c - the credential of an API key or a session as text. 43 characters of 62
 * are 256 random bits, so a plain hash of them can be stored: there is nothing to be
 * guessed. */
#include "access/access_priv.h"

#include <string.h>

#define PREFIX_LEN (sizeof(KEY_PREFIX) - 1)
#define ID_LEN     (KEY_ID_TEXT - 1)
#define SECRET_LEN (KEY_SECRET_TEXT - 1)
#define SECRET_AT  (PREFIX_LEN + ID_LEN + 1)

/* Of its first 36 ids are made. */
static const char digits[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
#define N_ID_DIGITS     36
#define N_SECRET_DIGITS 62

_Static_assert(sizeof(digits) - 1 == N_SECRET_DIGITS, "digits");
_Static_assert(sizeof(SESSION_PREFIX) == sizeof(KEY_PREFIX), "prefixes");
_Static_assert(SECRET_AT + SECRET_LEN + 1 == CREDENTIAL_TEXT, "credential");

/* Bytes from where the last whole round of digits ends are drawn again: each digit is
 * as likely as the others. */
static char draw(unsigned n_digits)
{
    const unsigned end = 256 / n_digits * n_digits;
    unsigned char byte;

    do
        rand_system(&byte, 1);
    while (byte >= end);
    return digits[byte % n_digits];
}

void key_make(const char *prefix, struct access_credential *k, char hash[SHA256_TEXT])
{
    char *secret = k->text + SECRET_AT;

    for (size_t i = 0; i < ID_LEN; i++)
        k->id[i] = draw(N_ID_DIGITS);
    k->id[ID_LEN] = '\0';
    for (size_t i = 0; i < SECRET_LEN; i++)
        secret[i] = draw(N_SECRET_DIGITS);
    secret[SECRET_LEN] = '\0';
    memcpy(k->text, prefix, PREFIX_LEN);
    memcpy(k->text + PREFIX_LEN, k->id, ID_LEN);
    k->text[SECRET_AT - 1] = '_';
    sha256_text(secret, SECRET_LEN, hash);
}

void access_credential_wipe(struct access_credential *k)
{
    explicit_bzero(k, sizeof(*k));
}

static bool all_of(const char *text, size_t len, unsigned n_digits)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(digits, text[i], n_digits))
            return false;
    return true;
}

bool key_is_id(const char *text)
{
    return strnlen(text, ID_LEN + 1) == ID_LEN && all_of(text, ID_LEN, N_ID_DIGITS);
}

bool key_parse(const char *prefix, const char *text, char id[KEY_ID_TEXT],
               char hash[SHA256_TEXT])
{
    if (strnlen(text, CREDENTIAL_TEXT) != CREDENTIAL_TEXT - 1 ||
        memcmp(text, prefix, PREFIX_LEN) != 0 || text[SECRET_AT - 1] != '_' ||
        !all_of(text + PREFIX_LEN, ID_LEN, N_ID_DIGITS) ||
        !all_of(text + SECRET_AT, SECRET_LEN, N_SECRET_DIGITS))
        return false;
    memcpy(id, text + PREFIX_LEN, ID_LEN);
    id[ID_LEN] = '\0';
    sha256_text(text + SECRET_AT, SECRET_LEN, hash);
    return true;
}

bool key_hash_is(const char hash[SHA256_TEXT], struct span stored)
{
    unsigned char difference = 0;

    if (stored.len != SHA256_TEXT - 1)
        return false;
    for (size_t i = 0; i < SHA256_TEXT - 1; i++)
        difference |= (unsigned char)(hash[i] ^ stored.s[i]);
    return difference == 0;
}
