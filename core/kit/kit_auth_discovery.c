/* kit/kit_auth_discovery.c - checks of drivers that ask an issuer for its keys: its
 * document leads to them, and is believed where it is his. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <time.h>

#define LOOK_US (UNITS_SECOND / 50)

static const struct kit_published usual = {.keys = 1U << KIT_RSA};

struct asking {
    struct kit_issuer *issuer;
    struct kit_auth a;
    const char *token; /* by the key that the issuer publishes, usually */
    int64_t until_us;  /* a third of the time that there is */
};

static void begin(struct kit *k, struct asking *s, const struct kit_published *first)
{
    *s = (struct asking){.issuer = kit_need_issuer(k, first)};
    s->token = kit_issuer_token(s->issuer);
    s->until_us = kit_mono_us() + kit_left_us(k) / 3;
    kit_auth_open(k, &s->a);
}

static void end(struct asking *s)
{
    kit_auth_close(&s->a);
    kit_issuer_end(s->issuer);
}

static bool has_time(const struct asking *s)
{
    const struct timespec moment = {.tv_nsec = LOOK_US * 1000};

    nanosleep(&moment, NULL);
    return kit_mono_us() < s->until_us;
}

/* Keys come when they come, and until then nobody knows. */
static void must_come_to_be_known(const struct asking *s, const char *what)
{
    struct kit_answer answer;

    do
        kit_verify(&s->a, s->token, &answer);
    while (answer.code == FF_UNAVAILABLE && has_time(s));
    kit_must_admit(&s->a, s->token, what);
}

static void published_keys_are_known(struct kit *k)
{
    const struct kit_published both = {.keys = 1U << KIT_RSA | 1U << KIT_EC};
    struct asking s;

    begin(k, &s, &both);
    must_come_to_be_known(&s, "a token by a key that the issuer publishes");
    kit_must_deny(&s.a, kit_token(k, kit_claims()), "a token of another issuer");
    kit_must_deny(&s.a,
                  kit_sign(k, kit_header("RS256", KIT_RSA), kit_claims(),
                           &(struct kit_signing){.alg = "RS256", .key = KIT_STRANGER}),
                  "a token that another key has signed");
    end(&s);
}

/* Until it was asked twice: by then it is clear what came of the first time. */
static void document_of_another_issuer_is_not_believed(struct kit *k)
{
    const struct kit_published anothers = {.keys = 1U << KIT_RSA,
                                           .issuer = "https://evil.example"};
    struct kit_answer answer;
    struct kit_asked asked;
    struct asking s;

    begin(k, &s, &anothers);
    do {
        kit_verify(&s.a, s.token, &answer);
        kit_expect(k, answer.code != FF_OK,
                   "a token is let in by keys of a document that is of another issuer");
        asked = kit_issuer_asked(s.issuer);
    } while (asked.documents < 2 && has_time(&s));
    kit_expect(k, asked.documents > 0, "the issuer was not asked for its document");
    end(&s);
}

static void refresh(const struct asking *s)
{
    struct ff_err err = {0};
    const int code = s->a.ops->refresh(s->a.session, &err);

    kit_expect_code(s->a.k, code, FF_OK, &err,
                    "refresh, the issuer's keys having "
                    "changed");
}

static void changes_are_known_after_refresh(struct kit *k)
{
    const struct kit_published other = {.keys = 1U << KIT_EC};
    struct kit_answer answer;
    struct asking s;

    begin(k, &s, &other);
    kit_verify(&s.a, s.token, &answer);
    kit_expect(k, answer.code != FF_OK, "a token by a key that nobody publishes");
    kit_issuer_publish(s.issuer, &usual);
    refresh(&s);
    kit_must_admit(&s.a, s.token, "a token by a key that the issuer has added");
    kit_issuer_publish(s.issuer, &other);
    refresh(&s);
    kit_must_deny(&s.a, s.token, "a token by a key that the issuer has removed");
    end(&s);
}

static void until_keys_come_nobody_knows(struct kit *k)
{
    const struct kit_published busy = {.keys = 1U << KIT_RSA, .busy = true};
    struct kit_answer answer;
    struct asking s;

    begin(k, &s, &busy);
    kit_verify(&s.a, s.token, &answer);
    kit_expect_code(k, answer.code, FF_UNAVAILABLE, &answer.err,
                    "a token, while the issuer has not answered yet");
    kit_expect(k, answer.err.msg[0], "FF_UNAVAILABLE without a sentence");
    kit_issuer_publish(s.issuer, &usual);
    must_come_to_be_known(&s, "a token, the issuer having answered at last");
    kit_issuer_publish(s.issuer, &busy);
    kit_must_admit(&s.a, s.token, "a token by a known key, the issuer being silent");
    end(&s);
}

const struct kit_check kit_auth_discovery[] = {
    {.name = "discovery/keys",
     .what = "keys that an issuer's document leads to are known, for its tokens",
     .run = published_keys_are_known},
    {.name = "discovery/issuer",
     .what = "a document that names another issuer is not believed",
     .run = document_of_another_issuer_is_not_believed},
    {.name = "discovery/refresh",
     .what = "keys that an issuer has added or removed are so after refresh",
     .run = changes_are_known_after_refresh,
     .slot = KIT_SLOT(ff_auth_ops, refresh)},
    {.name = "discovery/late",
     .what =
         "until an issuer's keys have come its tokens are FF_UNAVAILABLE, not denied",
     .run = until_keys_come_nobody_knows},
    {0},
};
