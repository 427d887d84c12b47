/* kit/kit_auth.c - the tables of checks for auth drivers, and how a driver is asked. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROLES 1000

const struct kit_check *const kit_auth_checks[] = {
    kit_auth_use,
    kit_auth_deny,
    kit_auth_admit,
    kit_auth_options,
    kit_auth_parallel,
    kit_auth_token,
    kit_auth_claims,
    kit_auth_forged,
    kit_auth_rotation,
    kit_auth_discovery,
    NULL,
};

void kit_auth_open_of(struct kit *k, struct kit_auth *a, struct driver_instance *i)
{
    struct ff_err err = {0};

    *a = (struct kit_auth){.k = k, .ops = driver_auth_ops(i)};

    const int code = driver_open_auth(i, &a->session, &err);

    kit_expect_code(k, code, FF_OK, &err, "opening a session");
}

void kit_auth_open(struct kit *k, struct kit_auth *a)
{
    kit_tokens(k, 0);
    kit_auth_open_of(k, a, kit_instance(k));
}

void kit_auth_close(struct kit_auth *a)
{
    a->ops->close(a->session);
    a->session = NULL;
    kit_drop(a->k);
}

/* --- one question --- */

/* 1 to 255 bytes of UTF-8 without control characters: it goes into logs and keys. */
static bool is_name(const char *text)
{
    const size_t len = text ? strnlen(text, KIT_PRINCIPAL_TEXT) : 0;
    size_t n;

    if (len == 0 || len >= KIT_PRINCIPAL_TEXT)
        return false;
    for (size_t i = 0; i < len; i += n) {
        n = text_utf8_len(text + i, len - i);
        if (n == 0 || (unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return true;
}

static const char *read_roles(const struct ff_principal *p, struct kit_answer *answer)
{
    size_t len = 0;

    if (!p->roles)
        return "roles is NULL: none is a list with NULL alone";
    for (size_t i = 0; p->roles[i]; i++) {
        if (i == MAX_ROLES)
            return "roles has no end: it ends with NULL";
        if (!is_name(p->roles[i]))
            return "a role is not a name";
        if (len + strlen(p->roles[i]) + 2 > sizeof(answer->roles))
            return "there are more roles than anybody has";
        len += (size_t)snprintf(answer->roles + len, sizeof(answer->roles) - len, "%s ",
                                p->roles[i]);
    }
    return NULL;
}

static const char *read_principal(const struct ff_principal *p,
                                  struct kit_answer *answer)
{
    if (!p)
        return "the principal is NULL";
    if (!FF_HAS(p, expires_us))
        return "struct_size is smaller than the principal of ABI 1.0";
    if (!is_name(p->subject))
        return "subject is not a text of 1 to 319 bytes without control characters";
    if (!is_name(p->tenant))
        return "tenant is not a text of 1 to 319 bytes without control characters";
    snprintf(answer->subject, sizeof(answer->subject), "%s", p->subject);
    snprintf(answer->tenant, sizeof(answer->tenant), "%s", p->tenant);
    answer->expires_us = p->expires_us;
    return read_roles(p, answer);
}

static void note(void *arg, const struct ff_principal *principal)
{
    struct kit_answer *answer = arg;

    answer->n_calls++;
    answer->wrong = read_principal(principal, answer);
    answer->well_formed = !answer->wrong;
}

void kit_verify(const struct kit_auth *a, const char *credential,
                struct kit_answer *answer)
{
    const size_t size = strlen(credential) + 1;
    char *copy = mem_text(credential);

    *answer = (struct kit_answer){.wrong = "fn was not called"};
    answer->code = a->ops->verify(a->session, copy, note, answer, &answer->err);
    memset(copy, 'X', size);
    mem_free(copy);
}

void kit_must_admit(const struct kit_auth *a, const char *credential, const char *what)
{
    struct kit_answer answer;

    kit_verify(a, credential, &answer);
    kit_expect_code(a->k, answer.code, FF_OK, &answer.err, "%s", what);
    kit_expect_int(a->k, answer.n_calls, 1, "%s: calls of fn", what);
    kit_expect(a->k, answer.well_formed, "%s: %s", what,
               answer.wrong ? answer.wrong : "");
}

void kit_must_deny(const struct kit_auth *a, const char *credential, const char *what)
{
    struct kit_answer answer;

    kit_verify(a, credential, &answer);
    kit_expect_code(a->k, answer.code, FF_DENIED, &answer.err, "%s", what);
}

const char *kit_good(struct kit *k)
{
    if (k->settings->accept.n > 0)
        return k->settings->accept.items[0];
    kit_need_tokens(k, 0);
    return kit_token(k, kit_claims());
}
