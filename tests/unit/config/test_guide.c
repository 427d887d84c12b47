/* The deployment guide's own settings, from the file and from variables alone. */
#include "support.h"

#include <string.h>

static const char guide[] = "server:\n"
                            "  http_port: 8080\n"
                            "  grpc_port: 9090\n"
                            "  metrics_port: 9091\n"
                            "  read_timeout: 30s\n"
                            "\n"
                            "database:\n"
                            "  host: postgres\n"
                            "  port: 5432\n"
                            "  user: flowforge\n"
                            "  password: flowforge\n"
                            "  database: flowforge\n"
                            "  ssl_mode: disable\n"
                            "\n"
                            "redis:\n"
                            "  addresses: [\"redis:6379\"]\n"
                            "  password: \"\"\n"
                            "  db: 0\n"
                            "\n"
                            "kubernetes:\n"
                            "  in_cluster: true\n"
                            "  namespace: flowforge\n"
                            "\n"
                            "auth:\n"
                            "  jwt_secret: \"change-me\"\n"
                            "  token_ttl: 24h\n"
                            "  task_token_ttl: 24h\n";

/* Every key of the guide: as text, so that one table checks them all, and as its type.
 */
static const struct {
    const char *section, *key, *variable, *text;
    uint32_t type;
    int64_t number;
} keys[] = {
    {"server", "http_port", "FLOWFORGE_SERVER_HTTP_PORT", "8080", FF_OPT_INT, 8080},
    {"server", "grpc_port", "FLOWFORGE_SERVER_GRPC_PORT", "9090", FF_OPT_INT, 9090},
    {"server", "metrics_port", "FLOWFORGE_SERVER_METRICS_PORT", "9091", FF_OPT_INT,
     9091},
    {"server", "read_timeout", "FLOWFORGE_SERVER_READ_TIMEOUT", "30s", FF_OPT_SECONDS,
     30000000},
    {"database", "host", "FLOWFORGE_DATABASE_HOST", "postgres", FF_OPT_TEXT, 0},
    {"database", "port", "FLOWFORGE_DATABASE_PORT", "5432", FF_OPT_INT, 5432},
    {"database", "user", "FLOWFORGE_DATABASE_USER", "flowforge", FF_OPT_TEXT, 0},
    {"database", "password", "FLOWFORGE_DATABASE_PASSWORD", "flowforge", FF_OPT_TEXT,
     0},
    {"database", "database", "FLOWFORGE_DATABASE_DATABASE", "flowforge", FF_OPT_TEXT,
     0},
    {"database", "ssl_mode", "FLOWFORGE_DATABASE_SSL_MODE", "disable", FF_OPT_TEXT, 0},
    {"redis", "addresses", "FLOWFORGE_REDIS_ADDRESSES", "redis:6379", FF_OPT_TEXT, 0},
    {"redis", "db", "FLOWFORGE_REDIS_DB", "0", FF_OPT_INT, 0},
    {"kubernetes", "in_cluster", "FLOWFORGE_KUBERNETES_IN_CLUSTER", "true", FF_OPT_BOOL,
     1},
    {"kubernetes", "namespace", "FLOWFORGE_KUBERNETES_NAMESPACE", "flowforge",
     FF_OPT_TEXT, 0},
    {"auth", "jwt_secret", "FLOWFORGE_AUTH_JWT_SECRET", "change-me", FF_OPT_TEXT, 0},
    {"auth", "token_ttl", "FLOWFORGE_AUTH_TOKEN_TTL", "24h", FF_OPT_SECONDS,
     INT64_C(86400) * 1000000},
    {"auth", "task_token_ttl", "FLOWFORGE_AUTH_TASK_TOKEN_TTL", "24h", FF_OPT_SECONDS,
     INT64_C(86400) * 1000000},
};

static void check(const struct config *c, size_t i)
{
    const struct ff_opt opts[] = {
        {.name = keys[i].key, .type = keys[i].type},
        {.name = "*"},
        {0},
    };
    union {
        const char *text;
        int64_t number;
    } value = {.number = -1};

    assert_string_equal(fill(c, keys[i].section, opts, &value), "");
    if (keys[i].type == FF_OPT_TEXT)
        assert_string_equal(value.text, keys[i].text);
    else
        assert_int_equal(value.number, keys[i].number);
}

static void the_guides_file_is_read_key_by_key(void **state)
{
    struct config *c = load(guide, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        check(c, i);
    config_free(c);
}

static void each_key_can_come_from_its_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        char variable[128];
        char *env[] = {variable, NULL};
        struct config *c;

        snprintf(variable, sizeof(variable), "%s=%s", keys[i].variable, keys[i].text);
        c = load(NULL, env);
        check(c, i);
        config_free(c);
    }
}

static void lists_in_variables_have_commas(void **state)
{
    static const struct ff_opt opts[] = {{.name = "addresses", .type = FF_OPT_TEXT},
                                         {0}};
    char *env[] = {(char *)"FLOWFORGE_REDIS_ADDRESSES=a:1,b:2", NULL};
    struct config *c = load("redis: {addresses: [a:1, b:2]}\n", NULL);
    struct config *e = load(NULL, env);
    const char *from_file;
    const char *from_env;

    (void)state;
    assert_string_equal(fill(c, "redis", opts, &from_file), "");
    assert_string_equal(fill(e, "redis", opts, &from_env), "");
    assert_string_equal(from_file, from_env);
    config_free(c);
    config_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_guides_file_is_read_key_by_key),
        cmocka_unit_test(each_key_can_come_from_its_variable),
        cmocka_unit_test(lists_in_variables_have_commas),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
