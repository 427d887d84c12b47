/* rights.c - what is for servers alone, and must not be where tasks of this host could
 * take it: passwords of the store and of Redis, keys that sign and encrypt.
 *
 * Tasks of a runtime on this host are processes of our own user. They cannot look into
 * this process (privacy_begin), but they can read each file that we can, so a secret in
 * one is theirs whatever we do with it: such a file is refused. The environment is ours
 * alone, and forgotten. Root's tasks can look into any process: there must be nothing
 * to be seen in it, and the settings never get to know what is not their own.
 *
 * Which settings are secret is told by their names, as nothing here loads the drivers
 * of servers to ask them. */
#include "cli/executor/executor_priv.h"

#include <string.h>
#include <unistd.h>

extern char **environ;

#define PREFIX   "FLOWFORGE_"
#define NAME_MAX 255

/* The program's own settings, and those of the runtime driver that it opens. */
static char *const own_settings[] = {
    "FLOWFORGE_CONFIG",
    "FLOWFORGE_EXECUTOR_*",
    "FLOWFORGE_AUTH_EXECUTOR_TOKEN_FILE",
    "FLOWFORGE_ENGINE_LOG_*",
    "FLOWFORGE_RUNTIME_*",
    "FLOWFORGE_KUBERNETES_*",
    "HOME",
    NULL,
};

/* What libraries ask for while it runs: where drivers, time zones and name servers are,
 * how TLS is set up, what is tested. */
static char *const own_needs[] = {
    "FLOWFORGE_DRIVER_DIR",
    "FF_FAILPOINT*",
    "GCOV_*",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "OPENSSL_*",
    "RES_OPTIONS",
    "SSLKEYLOGFILE",
    "TZDIR",
    NULL,
};

/* --- which are secrets --- */

enum right {
    RIGHT_NONE,
    RIGHT_VALUE, /* the setting is the secret */
    RIGHT_FILE   /* it names the file with it */
};

/* Cuts the ending off, too. */
static bool ends(struct span *name, const char *word)
{
    const size_t len = strlen(word);

    if (name->len < len || memcmp(name->s + name->len - len, word, len) != 0)
        return false;
    name->len -= len;
    return true;
}

static bool ends_with_any(struct span name, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        struct span rest = name;
        if (ends(&rest, words[i]))
            return true;
    }
    return false;
}

/* postgresql://USER:PASSWORD@HOST, redis://:PASSWORD@HOST, "host=x password=y". */
static bool has_password(const char *value)
{
    const char *at = strstr(value, "://");
    const char *colon = at ? strchr(at + 3, ':') : NULL;

    if (strstr(value, "password="))
        return true;
    return colon && colon < at + 3 + strcspn(at + 3, "/@") &&
           at[3 + strcspn(at + 3, "/@")] == '@';
}

static enum right judge(struct span name, const char *value)
{
    static const char *const secret[] = {"password",   "passphrase",  "secret",
                                         "token",      "key",         "headers",
                                         "credential", "credentials", NULL};
    /* Everybody may know these; of the last two what is in the file counts. */
    static const char *const open[] = {"public_key", "access_key", NULL};
    static const char *const of_tls[] = {"tls_key", "ssl_key", NULL};
    const bool file = ends(&name, "_file") || ends(&name, "_path");

    ends(&name, "_previous");
    if (has_password(value))
        return RIGHT_VALUE;
    if (!ends_with_any(name, secret) || ends_with_any(name, open))
        return RIGHT_NONE;
    return file || value[0] == '/' || ends_with_any(name, of_tls) ? RIGHT_FILE
                                                                  : RIGHT_VALUE;
}

/* Of a variable; *len of its name. Those that are our own are no rights of servers. */
static enum right judge_variable(const char *pair, size_t *len)
{
    const char *equals = strchr(pair, '=');
    char name[NAME_MAX + 1];

    *len = equals ? (size_t)(equals - pair) : 0;
    if (!equals || !equals[1] || *len > NAME_MAX || !text_starts(pair, PREFIX) ||
        node_passes_env(own_settings, pair))
        return RIGHT_NONE;
    for (size_t i = 0; i < *len; i++)
        name[i] =
            (char)(pair[i] >= 'A' && pair[i] <= 'Z' ? pair[i] - 'A' + 'a' : pair[i]);
    return judge((struct span){name, *len}, equals + 1);
}

static bool is_own(const char *section, const char *key)
{
    return strcmp(section, "executor") == 0 || strcmp(section, "kubernetes") == 0 ||
           text_starts(section, "runtime-") ||
           (strcmp(section, "auth") == 0 && strcmp(key, "executor_token_file") == 0);
}

/* --- what is refused --- */

static const char remedy[] =
    "which its tasks could read, too. Give executors a file of their own (--config), "
    "and keep secrets in the environment of servers or in files that only these may "
    "read";

static void refuse_given(void *arg, const char *section, const char *key,
                         const char *value, const char *where)
{
    int *code = arg;

    if (is_own(section, key) || !*value)
        return;
    switch (judge((struct span){key, strlen(key)}, value)) {
    case RIGHT_VALUE:
        *code = cli_fail(CLI_CONFIG, "%s: %s.%s is a secret of servers, %s", where,
                         section, key, remedy);
        break;
    case RIGHT_FILE:
        if (access(value, R_OK) == 0)
            *code = cli_fail(CLI_CONFIG, "%s: %s.%s: %s has a secret of servers, %s",
                             where, section, key, value, remedy);
        break;
    case RIGHT_NONE:
        break;
    }
}

/* A variable goes with us; the file that it names stays. */
static void refuse_variables(int *code)
{
    for (size_t i = 0; environ[i]; i++) {
        size_t len;
        const enum right right = judge_variable(environ[i], &len);

        if (right == RIGHT_FILE && access(environ[i] + len + 1, R_OK) == 0)
            *code = cli_fail(CLI_CONFIG, "%.*s: %s has a secret of servers, %s",
                             (int)len, environ[i], environ[i] + len + 1, remedy);
    }
}

int rights_refuse(const struct executor *ex)
{
    int code = CLI_OK;

    config_each_given(ex->config, refuse_given, &code);
    refuse_variables(&code);
    return code;
}

/* --- what is forgotten --- */

char **rights_own_env(char *const *env)
{
    size_t n = 0;

    while (env[n])
        n++;
    char **own = mem_array(n + 1, sizeof(*own));
    n = 0;
    for (size_t i = 0; env[i]; i++)
        if (node_passes_env(own_settings, env[i]))
            own[n++] = env[i];
    return own;
}

static bool keep(void *arg, const char *pair)
{
    const struct executor *ex = arg;

    return node_passes_env(own_settings, pair) || node_passes_env(own_needs, pair) ||
           node_passes_env(ex->pass_env, pair);
}

void rights_forget(const struct executor *ex)
{
    struct buf names = {0};

    for (size_t i = 0; environ[i]; i++) {
        size_t len;
        if (judge_variable(environ[i], &len) == RIGHT_VALUE &&
            !node_passes_env(ex->pass_env, environ[i]))
            buf_printf(&names, "%s%.*s", names.len ? ", " : "", (int)len, environ[i]);
    }
    privacy_forget(environ, keep, (void *)(uintptr_t)ex);
    if (names.len > 0)
        log_warn("it was started with secrets of servers (%s) and has forgotten them; "
                 "who started it may show them to its tasks: give executors an "
                 "environment of their own",
                 buf_text(&names));
    buf_done(&names);
}
