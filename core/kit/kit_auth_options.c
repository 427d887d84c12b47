/* kit/kit_auth_options.c - checks of odd settings: they are taken or refused by a
 * sentence, and never crash the process that was about to start. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <string.h>
#include <unistd.h>

#define LONG_BYTES 4096
#define WEAK       "Zq7-kit-9Xw-secret"

struct odd_opening {
    int code;
    struct ff_err err;
};

/* One option has another value; what was opened is closed. Instances stay until the
 * check ends. */
static void open_with(struct kit *k, const char *name, const char *value,
                      struct odd_opening *o)
{
    struct buf assignment = {0};
    void *session = NULL;

    buf_printf(&assignment, "%s=%s", name, value);

    const char *const changed[] = {buf_text(&assignment), NULL};

    *o = (struct odd_opening){.code = FF_INVALID};

    struct driver_instance *i = kit_instance_with(k, changed, &o->err);

    buf_done(&assignment);
    if (!i)
        return; /* the core has refused it by the option's type or range */
    o->code = driver_open_auth(i, &session, &o->err);
    if (o->code == FF_OK)
        driver_auth_ops(i)->close(session);
}

static void judge_odd(struct kit *k, const char *name, const char *value)
{
    struct odd_opening o;

    open_with(k, name, value, &o);
    if (o.code == FF_OK)
        return;
    kit_expect(k, o.code != FF_INTERNAL, "%s set to '%.40s': %s", name, value,
               o.err.msg);
    kit_expect(k, !strstr(o.err.msg, "open failed without saying why"),
               "%s set to '%.40s' is refused without a sentence", name, value);
}

static void odd_values_are_refused_by_a_sentence(struct kit *k)
{
    char longer[LONG_BYTES + 1];
    const char *values[] = {"",  "/nonexistent/kit/file", "{dir}", "%s%n%s", ",,,",
                            "0", "\xc3\xa9\xe2\x82\xac",  longer};

    memset(longer, 'x', LONG_BYTES);
    longer[LONG_BYTES] = '\0';
    kit_tokens(k, 0);
    /* A value may be taken for the path of something to make. */
    if (chdir(kit_dir(k)) != 0)
        kit_skip(k, "no way into %s", kit_dir(k));
    for (const struct ff_opt *o = kit_info(k)->d.opts; o && o->name; o++)
        for (size_t i = 0; o->type == FF_OPT_TEXT && i < COUNT_OF(values); i++)
            judge_odd(k, o->name, values[i]);
}

static void secrets_are_not_shown(struct kit *k)
{
    char *log = mem_alloc(KIT_LOG_BYTES);
    bool any = false;

    log_setup(LOG_DEBUG, false);
    kit_tokens(k, 0);
    for (const struct ff_opt *o = kit_info(k)->d.opts; o && o->name; o++) {
        struct odd_opening opening;

        if (!(o->flags & FF_OPT_SECRET) || o->type != FF_OPT_TEXT)
            continue;
        any = true;
        open_with(k, o->name, WEAK, &opening);
        kit_expect(k, opening.code == FF_OK || !strstr(opening.err.msg, WEAK),
                   "the refusal of %s shows its value", o->name);
    }

    const ssize_t n = pread(STDERR_FILENO, log, KIT_LOG_BYTES, 0);

    kit_expect(k, n <= 0 || !memmem(log, (size_t)n, WEAK, strlen(WEAK)),
               "the log shows a secret option");
    mem_free(log);
    if (!any)
        kit_skip(k, "the driver has no option that is secret");
}

const struct kit_check kit_auth_options[] = {
    {.name = "options/odd",
     .what = "an odd value of an option is taken, or refused by a sentence",
     .run = odd_values_are_refused_by_a_sentence},
    {.name = "options/secret",
     .what = "the value of a secret option is neither in a sentence nor in the log",
     .run = secrets_are_not_shown},
    {0},
};
