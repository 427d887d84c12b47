/* kit/kit_auth_use.c - checks of sessions: opened, closed, several at once, and kept up
 * to date. */
#include "kit/kit_auth.h"

#define N_SESSIONS 8

static void a_session_opens_and_closes(struct kit *k)
{
    struct kit_auth a;

    for (int i = 0; i < 3; i++) {
        kit_auth_open(k, &a);
        kit_auth_close(&a);
    }
}

static void close_takes_null(struct kit *k)
{
    driver_auth_ops(kit_instance(k))->close(NULL);
}

static void sessions_do_not_end_each_other(struct kit *k)
{
    struct kit_auth sessions[N_SESSIONS];
    const char *good = kit_good(k);

    for (int i = 0; i < N_SESSIONS; i++)
        kit_auth_open_of(k, &sessions[i], kit_instance(k));
    for (int i = 0; i < N_SESSIONS; i++) {
        kit_must_admit(&sessions[i], good,
                       "the same credential, other sessions being closed");
        kit_must_deny(&sessions[i], "no-such-credential",
                      "an unknown credential, other sessions being closed");
        sessions[i].ops->close(sessions[i].session);
    }
}

static void refresh_keeps_what_is_known(struct kit *k)
{
    const char *good = kit_good(k);
    struct ff_err err = {0};
    struct kit_auth a;

    kit_auth_open(k, &a);
    for (int i = 0; i < 3; i++) {
        const int code = a.ops->refresh(a.session, &err);

        kit_expect_code(k, code, FF_OK, &err, "refresh, nothing having changed");
        kit_must_admit(&a, good, "a known credential after refresh");
        kit_must_deny(&a, "no-such-credential", "an unknown one after refresh");
    }
    kit_auth_close(&a);
}

static void expect_sentence(struct kit *k, int code, const struct ff_err *err)
{
    if (code == FF_OK)
        return;
    kit_expect_code(k, code, FF_UNAVAILABLE, err, "ready: OK, or not yet");
    kit_expect(k, err->msg[0] != '\0', "ready says why it is not");
}

/* Keys may have yet to come when a session is opened: then they come. */
static void ready_is_who_admits(struct kit *k)
{
    const char *good = kit_good(k);
    struct ff_err err = {0};
    struct kit_auth a;

    kit_auth_open(k, &a);
    expect_sentence(k, a.ops->ready(a.session, &err), &err);
    kit_must_admit(&a, good, "a known credential");
    for (int i = 0; i < N_SESSIONS; i++) {
        err = (struct ff_err){0};
        kit_expect_code(k, a.ops->ready(a.session, &err), FF_OK, &err,
                        "ready, a known credential having been admitted");
        kit_must_deny(&a, "no-such-credential", "an unknown one");
    }
    kit_auth_close(&a);
}

const struct kit_check kit_auth_use[] = {
    {.name = "use/open-close",
     .what = "a session opens and closes, again and again, and leaves nothing behind",
     .run = a_session_opens_and_closes},
    {.name = "use/close-null", .what = "close takes NULL", .run = close_takes_null},
    {.name = "use/sessions",
     .what = "sessions of one instance do not depend on each other",
     .run = sessions_do_not_end_each_other},
    {.name = "use/refresh",
     .what = "refresh without a change succeeds and changes nothing",
     .run = refresh_keeps_what_is_known,
     .slot = KIT_SLOT(ff_auth_ops, refresh)},
    {.name = "use/ready",
     .what = "ready is FF_OK while known credentials are admitted, or says why not",
     .run = ready_is_who_admits,
     .slot = KIT_SLOT(ff_auth_ops, ready)},
    {0},
};
