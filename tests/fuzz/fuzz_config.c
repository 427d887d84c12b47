/* fuzz_config.c - settings: "FILE NUL VARIABLE=VALUE NUL ... NUL" and, behind the byte
 * 1, assignments of flags. What one way of setting accepts means the same by another.
 */
#include "config/config_priv.h"
#include "fuzz.h"

struct settings {
    const char *text;
    int64_t number, truth, time_us, bytes, choice;
    const char *secret;
};

static const char *const choices[] = {"one", "two", "three", NULL};
static const struct ff_opt opts[] = {
    {.name = "text",
     .type = FF_OPT_TEXT,
     .offset = offsetof(struct settings, text),
     .fallback = "default",
     .help = "a text"},
    {.name = "number",
     .type = FF_OPT_INT,
     .offset = offsetof(struct settings, number),
     .fallback = "5",
     .min = -10,
     .max = 1000,
     .help = "a number"},
    {.name = "truth",
     .type = FF_OPT_BOOL,
     .offset = offsetof(struct settings, truth),
     .fallback = "true",
     .help = "a truth"},
    {.name = "time",
     .type = FF_OPT_SECONDS,
     .offset = offsetof(struct settings, time_us),
     .fallback = "10s",
     .help = "a time"},
    {.name = "size",
     .type = FF_OPT_SIZE,
     .offset = offsetof(struct settings, bytes),
     .fallback = "1KiB",
     .help = "a size"},
    {.name = "choice",
     .type = FF_OPT_CHOICE,
     .choices = choices,
     .offset = offsetof(struct settings, choice),
     .fallback = "two",
     .help = "a choice"},
    {.name = "secret",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = offsetof(struct settings, secret),
     .help = "a secret"},
    {.name = NULL},
};
static const struct config_section section = {.name = "part", .opts = opts};

static void warn(void *arg, const char *sentence)
{
    (void)arg;
    FUZZ_CHECK(sentence[0]);
}

static void set_again(void *arg, const char *part, const char *key, const char *value,
                      enum config_source source, const char *where)
{
    struct ff_err err;
    struct buf b = {0};

    FUZZ_CHECK(where[0]);
    if (!value || source == CONFIG_DEFAULT || strcmp(key, "secret") == 0)
        return;
    buf_printf(&b, "%s.%s=", part, key);
    buf_add_text(&b, value);
    FUZZ_CHECK(config_set(arg, buf_text(&b), &err) == FF_OK);
    buf_done(&b);
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

/* All that was set, set again by flags. */
static void compare_with_flags(struct config *c, const struct settings *s)
{
    static char *const none[] = {NULL};
    struct settings same = {0};
    struct ff_err err = {0};
    struct config *flags = config_load("/dev/null", none, &err);

    FUZZ_CHECK(flags);
    config_each(c, set_again, flags);
    FUZZ_CHECK(config_fill(flags, &section, &same, &err) == FF_OK);
    FUZZ_CHECK(same_text(s->text, same.text) && s->number == same.number &&
               s->truth == same.truth && s->time_us == same.time_us &&
               s->bytes == same.bytes && s->choice == same.choice);
    config_free(flags);
}

static void check_settings(struct config *c)
{
    struct settings s = {0};
    struct ff_err err = {0};

    if (config_fill(c, &section, &s, &err) != FF_OK) {
        FUZZ_CHECK(err.code != FF_OK && err.msg[0]);
        config_unknown(c, warn, NULL);
        return;
    }
    FUZZ_CHECK(s.text && s.number >= -10 && s.number <= 1000);
    FUZZ_CHECK((s.truth == 0 || s.truth == 1) && s.choice >= 0 && s.choice <= 2);
    FUZZ_CHECK(s.time_us >= 0 && s.bytes >= 0);
    config_unknown(c, warn, NULL);
    compare_with_flags(c, &s);
}

/* A secret's _FILE names a file of whoever starts us; the fuzzer has none to read. */
static bool names_a_file(const char *text)
{
    return strcasestr(text, "file") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    struct ff_err err = {0};
    char *env[17] = {NULL};
    size_t len, n = 0;
    MEM_AUTO char *file = fuzz_piece(&in, '\0', &len);

    if (names_a_file(file))
        return 0;
    while (n < COUNT_OF(env) - 1 && in.at < in.end && *in.at != 1) {
        env[n] = fuzz_piece(&in, '\0', NULL);
        if (names_a_file(env[n]))
            env[n][0] = '\0';
        n++;
    }
    struct config *c = config_load("/dev/null", env, &err);

    FUZZ_CHECK(c);
    bool good = config_parse(c, file, len, &err) == FF_OK;

    FUZZ_CHECK(good || err.msg[0]);
    while (in.at < in.end && *in.at == 1) {
        in.at++;
        MEM_AUTO char *flag = fuzz_piece(&in, '\0', NULL);

        if (!names_a_file(flag) && config_set(c, flag, &err) != FF_OK)
            FUZZ_CHECK(err.msg[0]);
    }
    if (good)
        check_settings(c);
    config_free(c);
    for (size_t i = 0; i < n; i++)
        mem_free(env[i]);
    return 0;
}
