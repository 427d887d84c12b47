/* ff-auth-verify DRIVER [SECTION.KEY=VALUE]...: opens an auth driver as the core does,
 * and answers each line of standard input with one line of JSON:
 *
 *   verify CREDENTIAL    {"code": 0, "subject": ..., "roles": [...]} or
 *                        {"code": 8, "error": ...}
 *   refresh              {"code": 0} or with an error */
#include "driver/driver.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

struct asking {
    json_t *answer;
    int n_calls;
};

static void note(void *arg, const struct ff_principal *p)
{
    struct asking *a = arg;
    json_t *roles = json_array();

    a->n_calls++;
    for (const char *const *role = p->roles; *role; role++)
        json_array_append_new(roles, json_string(*role));
    json_object_set_new(a->answer, "subject", json_string(p->subject));
    json_object_set_new(a->answer, "tenant", json_string(p->tenant));
    json_object_set_new(a->answer, "roles", roles);
    json_object_set_new(a->answer, "expires_us", json_integer(p->expires_us));
}

static void say(json_t *answer, int code, const struct ff_err *err)
{
    json_object_set_new(answer, "code", json_integer(code));
    if (code != FF_OK)
        json_object_set_new(answer, "error", json_string(err->msg));
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(answer);
}

static void answer(const struct ff_auth_ops *ops, void *auth, char *line)
{
    struct asking a = {.answer = json_object()};
    struct ff_err err = {0};
    int code = FF_UNSUPPORTED;

    if (strncmp(line, "verify ", 7) == 0) {
        code = ops->verify(auth, line + 7, note, &a, &err);
        if (a.n_calls != (code == FF_OK))
            abort();
    } else if (strcmp(line, "refresh") == 0 && ops->refresh) {
        code = ops->refresh(auth, &err);
    }
    say(a.answer, code, &err);
}

static int serve(struct driver_instance *i)
{
    struct ff_err err = {0};
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    void *auth;
    int code = driver_open_auth(i, &auth, &err);

    say(json_object(), code, &err);
    if (code != FF_OK)
        return 1;
    while ((len = getline(&line, &size, stdin)) > 0) {
        line[len - (line[len - 1] == '\n')] = '\0';
        answer(driver_auth_ops(i), auth, line);
    }
    free(line);
    driver_auth_ops(i)->close(auth);
    return 0;
}

static int run(struct config *config, struct loop *l, const char *path)
{
    struct ff_err err = {0};
    struct driver *d = driver_load(NULL, path, FF_AUTH, &err);
    struct driver_instance *i =
        d ? driver_instance_new(d, l, config, "auth", &err) : NULL;
    int result = 1;

    if (i)
        result = serve(i);
    else
        say(json_object(), err.code, &err);
    driver_instance_free(i);
    return result;
}

int main(int argc, char **argv)
{
    struct ff_err err = {0};
    struct config *config = config_load("/dev/null", environ, &err);
    struct loop *l = loop_new(&err);
    int result = 2;

    if (argc < 2 || !config || !l)
        return 2;
    for (int i = 2; i < argc; i++)
        if (config_set(config, argv[i], &err) != FF_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return 2;
        }
    result = run(config, l, argv[1]);
    loop_free(l);
    config_free(config);
    return result;
}
