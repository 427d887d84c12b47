/* oidc_device.c - the device authorization grant (RFC 8628): the browser is on another
 * machine, where somebody types what is printed here, while the provider is asked again
 * and again whether he has. */
#include "cli/remote/oidc.h"

#include <string.h>
#include <time.h>

#define INTERVAL_S     5 /* unless the provider says otherwise */
#define INTERVAL_MAX_S 60
#define EXPIRES_MAX_S  1800

struct device {
    const struct oidc *oidc;
    const char *code;   /* borrowed of the answer */
    int64_t interval_s; /* between two questions */
    int64_t expires_s;
};

static int64_t number(const json_t *answer, const char *name, int64_t usual,
                      int64_t most)
{
    const json_t *value = json_object_get(answer, name);
    const int64_t n = json_is_integer(value) ? json_integer_value(value) : usual;

    return n < 1 ? 1 : n > most ? most : n;
}

static void show(const json_t *answer, const char *place, const char *user_code)
{
    const char *whole =
        json_string_value(json_object_get(answer, "verification_uri_complete"));
    struct buf out = {0};

    buf_add_text(&out, "Log in on this page:\n\n  ");
    cli_add_clean(&out, place, strlen(place));
    buf_add_text(&out, "\n\nwith the code  ");
    cli_add_clean(&out, user_code, strlen(user_code));
    if (whole) {
        buf_add_text(&out, "\n\nor on this one:\n\n  ");
        cli_add_clean(&out, whole, strlen(whole));
    }
    fprintf(stderr, "%s\n\n", buf_text(&out));
    buf_done(&out);
}

static int ask_for_code(const struct oidc *o, json_t **answer)
{
    struct buf form = {0};
    int code;

    oidc_add(&form, "client_id", o->client_id);
    oidc_add(&form, "scope", o->scopes);
    code = oidc_post(o, o->device, &form, answer);
    buf_done(&form);
    return code;
}

/* --- has he? --- */

static int ask_once(const struct device *d, json_t **answer)
{
    struct buf form = {0};
    int code;

    oidc_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    oidc_add(&form, "device_code", d->code);
    oidc_add(&form, "client_id", d->oidc->client_id);
    code = oidc_post(d->oidc, d->oidc->token, &form, answer);
    explicit_bzero(form.data, form.len);
    buf_done(&form);
    return code;
}

/* True: he has not yet. */
static bool is_pending(struct device *d, const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));

    if (error && strcmp(error, "slow_down") == 0)
        d->interval_s += INTERVAL_S;
    return error && (strcmp(error, "slow_down") == 0 ||
                     strcmp(error, "authorization_pending") == 0);
}

static int wait_for_token(struct device *d, char **id_token)
{
    int64_t waited_s = 0;
    bool pending = true;
    int code = CLI_OK;

    while (code == CLI_OK && pending && waited_s < d->expires_s) {
        const struct timespec pause = {.tv_sec = (time_t)d->interval_s};
        json_t *answer = NULL;

        nanosleep(&pause, NULL);
        waited_s += d->interval_s;
        code = ask_once(d, &answer);
        pending = code == CLI_OK && is_pending(d, answer);
        if (code == CLI_OK && !pending)
            code = oidc_take(d->oidc, answer, NULL, id_token);
        json_decref(answer);
    }
    if (code == CLI_OK && pending)
        return cli_fail(CLI_DENIED, "nobody has logged in in time");
    return code;
}

static int take_code(const struct oidc *o, const json_t *answer, char **id_token)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *place = json_string_value(json_object_get(answer, "verification_uri"));
    const char *user_code = json_string_value(json_object_get(answer, "user_code"));
    struct device d = {
        .oidc = o,
        .code = json_string_value(json_object_get(answer, "device_code")),
        .interval_s = number(answer, "interval", INTERVAL_S, INTERVAL_MAX_S),
        .expires_s = number(answer, "expires_in", EXPIRES_MAX_S, EXPIRES_MAX_S),
    };

    if (error)
        return oidc_refused(
            o, error, json_string_value(json_object_get(answer, "error_description")));
    if (!place || !user_code || !d.code)
        return cli_fail(CLI_UNAVAILABLE, "%.200s says no code to log in with",
                        o->issuer);
    show(answer, place, user_code);
    return wait_for_token(&d, id_token);
}

int oidc_by_device(const struct oidc *o, char **id_token)
{
    json_t *answer = NULL;
    int code;

    if (!o->device)
        return cli_fail(CLI_UNAVAILABLE,
                        "%.200s knows no login from another machine: leave --device "
                        "out",
                        o->issuer);
    code = ask_for_code(o, &answer);
    if (code == CLI_OK)
        code = take_code(o, answer, id_token);
    json_decref(answer);
    return code;
}
