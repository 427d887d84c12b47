/* tests/alloc/drivers.c - drivers that no command of the program opens by itself, or
 * that need a server, while an allocation fails: what they say without memory, and that
 * the session is as good as before once there is some. */
#include "alloc.h"
#include "driver/driver.h"
#include "gate.h"

#include <stdlib.h>
#include <string.h>

#define SECRET "auth.jwt_secret=wX2nQ8rT5vZ0yB3dF6hJ9kL1mP4sU7aE"

/* {"iss": "flowforge", "aud": "flowforge", "sub": "ann", "tenant": "t", "roles":
 * ["viewer"], "exp": the year 9999}, signed by that secret; and of "bob" by another. */
#define HEADER "eyJhbGciOiJIUzI1NiJ9."
static const char good_token[] = HEADER
    "eyJpc3MiOiJmbG93Zm9yZ2UiLCJhdWQiOiJmbG93Zm9yZ2UiLCJzdWIiOiJhbm4iLCJ0ZW5hbnQiOiJ0Ii"
    "wicm9sZXMiOlsidmlld2VyIl0sImV4cCI6MjUzNDAyMzAwNzk5fQ."
    "Q9fbgIQLTVWbwSQ-QrQE-s9BxLwxj4nTtxui9qwI9Eo";
static const char bad_token[] = HEADER
    "eyJpc3MiOiJmbG93Zm9yZ2UiLCJhdWQiOiJmbG93Zm9yZ2UiLCJzdWIiOiJib2IiLCJ0ZW5hbnQiOiJ0Ii"
    "wicm9sZXMiOlsidmlld2VyIl0sImV4cCI6MjUzNDAyMzAwNzk5fQ."
    "wahQbBd1PQ8vI4GDZ-iK5vD18M2FU9ySFeHsnjqaWyY";

/* Nobody listens there. */
static const char *const s3_settings[] = {
    "blob-s3.bucket=bucket", "blob-s3.endpoint=http://127.0.0.1:1",
    "blob-s3.access_key=AK", "blob-s3.secret_key=hidden",
    "blob-s3.tries=1",       NULL};
static const char *const jwt_settings[] = {SECRET, NULL};
static const char *const dev_settings[] = {"auth-dev.token=0123456789abcdef0123456789",
                                           NULL};

struct opened {
    struct loop *loop;
    struct config *config;
    struct driver_instance *instance;
};

/* The core's own part of it ends the process where memory is lacking. */
static bool open_instance(struct opened *o, const char *name, uint32_t kind,
                          const char *const *settings, struct ff_err *err)
{
    static char *no_variables[] = {NULL};

    mem_init();
    o->loop = loop_new(err);
    o->config = config_load("/dev/null", no_variables, err);
    for (; o->config && *settings; settings++)
        if (config_set(o->config, *settings, err) != FF_OK)
            return false;
    struct driver *d = driver_load(getenv("FLOWFORGE_LIB"), name, kind, err);

    if (d && o->loop && o->config)
        o->instance = driver_instance_new(d, o->loop, o->config, name, err);
    return o->instance;
}

static void opened_done(struct opened *o)
{
    driver_instance_free(o->instance);
    config_free(o->config);
    loop_free(o->loop);
}

/* --- who asks --- */

static void count_ann(void *arg, const struct ff_principal *who)
{
    *(int *)arg += who->subject[0] && who->tenant[0] && who->roles[0] ? 1 : 1000;
}

/* Once let in, or not at all with a sentence. */
static bool verify(const struct ff_auth_ops *ops, void *auth, const char *credential,
                   int *code)
{
    struct ff_err err = {0};
    int n_admitted = 0;

    *code = ops->verify(auth, credential, count_ann, &n_admitted, &err);
    return *code == FF_OK ? n_admitted == 1 : n_admitted == 0 && err.msg[0];
}

static bool use_auth(struct driver_instance *i, void *auth, const char *good,
                     const char *bad)
{
    const struct ff_auth_ops *ops = driver_auth_ops(i);
    struct ff_err err = {0};
    int first, second;
    bool right = verify(ops, auth, good, &first) && verify(ops, auth, bad, &second) &&
                 second != FF_OK;

    if (ops->refresh)
        ops->refresh(auth, &err);
    gate_disarm();
    right = right && verify(ops, auth, good, &first) && first == FF_OK;
    return right && verify(ops, auth, bad, &second) && second != FF_OK;
}

static int auth(const char *name, const char *const *settings, const char *good,
                const char *bad)
{
    struct opened o = {0};
    struct ff_err err = {0};
    void *session = NULL;
    bool right = true;

    if (open_instance(&o, name, FF_AUTH, settings, &err) &&
        driver_open_auth(o.instance, &session, &err) == FF_OK) {
        right = use_auth(o.instance, session, good, bad);
        driver_auth_ops(o.instance)->close(session);
    } else {
        right = gate_failed() && err.msg[0];
    }
    gate_disarm();
    opened_done(&o);
    return right ? 0 : 1;
}

int auth_jwt_calls(void)
{
    return auth("auth-jwt", jwt_settings, good_token, bad_token);
}

int auth_dev_calls(void)
{
    return auth("auth-dev", dev_settings, "0123456789abcdef0123456789",
                "0123456789abcdef0123456780");
}

/* --- blobs far away --- */

static bool ask_s3(const struct ff_blob_ops *ops, void *blob, bool has_memory)
{
    static const struct ff_blob_id id = {
        .space = "t1",
        .hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    struct ff_blob_info info = {.struct_size = sizeof(info)};
    struct ff_err err = {0};
    const int code = ops->stat(blob, &id, &info, &err);

    return err.msg[0] &&
           (code == FF_UNAVAILABLE || (!has_memory && code == FF_NO_MEMORY));
}

int blob_s3_calls(void)
{
    struct opened o = {0};
    struct ff_err err = {0};
    void *session = NULL;
    bool right = true;

    if (open_instance(&o, "blob-s3", FF_BLOB, s3_settings, &err) &&
        driver_open_blob(o.instance, &session, &err) == FF_OK) {
        const struct ff_blob_ops *ops = driver_blob_ops(o.instance);

        right = ask_s3(ops, session, false);
        gate_disarm();
        right = ask_s3(ops, session, true) && right;
        ops->close(session);
    } else {
        right = gate_failed() && err.msg[0];
    }
    gate_disarm();
    opened_done(&o);
    return right ? 0 : 1;
}
