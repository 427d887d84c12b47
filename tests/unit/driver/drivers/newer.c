/* An auth driver from a later FlowForge of the same ABI: its descriptor and its table
 * have fields that we do not know. */
#include <flowforge/auth.h>

static int auth_open(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    (void)config;
    (void)err;
    *auth = (void *)(uintptr_t)host;
    return FF_OK;
}

static void auth_close(void *auth)
{
    (void)auth;
}

static int auth_verify(void *auth, const char *credential, ff_principal_fn *fn,
                       void *arg, struct ff_err *err)
{
    (void)auth;
    (void)fn;
    (void)arg;
    return ff_fail(err, FF_DENIED, 0, "'%s' is not welcome", credential);
}

static const struct {
    struct ff_auth_ops known;
    void (*unknown[8])(void);
} ops = {.known = {.open = auth_open, .close = auth_close, .verify = auth_verify}};

static const struct {
    struct ff_driver known;
    const char *unknown[8];
} driver = {
    .known =
        {
            .magic = FF_DRIVER_MAGIC,
            .abi_major = FF_ABI_MAJOR,
            .struct_size = sizeof(driver),
            .ops_size = sizeof(ops),
            .kind = FF_AUTH,
            .threads = FF_PARALLEL,
            .name = "newer",
            .version = "9",
            .ops.auth = &ops.known,
        },
    .unknown = {"from the future"},
};

FF_REGISTER_DRIVER(driver.known)
