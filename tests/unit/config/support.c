#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[] = "/tmp/ff-config-XXXXXX";
static char path[256];
static char sentence[512];

int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

int remove_dir(void **state)
{
    (void)state;
    return file_remove_tree(dir);
}

const char *test_dir(void)
{
    return dir;
}

const char *write_file(const char *name, const char *text, size_t len)
{
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return path;
}

struct config *load(const char *yaml, char *const *env)
{
    struct ff_err err = {0};
    struct config *c;

    c = config_load(yaml ? write_file("config.yaml", yaml, strlen(yaml)) : "/dev/null",
                    env, &err);
    if (!c)
        fail_msg("%s", err.msg);
    return c;
}

const char *without_dir(const char *text)
{
    size_t len = strlen(dir) + 1;
    const char *at = strstr(text, dir);

    if (!at)
        return text;
    snprintf(sentence, sizeof(sentence), "%.*s%s", (int)(at - text), text, at + len);
    return sentence;
}

const char *refusal_of(const char *yaml, size_t len)
{
    static struct ff_err err;
    struct config *c;

    err = (struct ff_err){0};
    c = config_load(write_file("config.yaml", yaml, len), NULL, &err);
    if (c) {
        config_free(c);
        return "";
    }
    assert_int_equal(err.code, FF_INVALID);
    return without_dir(err.msg);
}

const char *fill(const struct config *c, const char *name, const struct ff_opt *opts,
                 void *target)
{
    static struct ff_err err;
    const struct config_section section = {name, opts};
    int code;

    err = (struct ff_err){0};
    code = config_fill(c, &section, target, &err);
    assert_int_equal(code, err.code);
    if (code == FF_OK)
        return "";
    assert_int_equal(code, FF_INVALID);
    return without_dir(err.msg);
}
