/* tests/unit/http/test_tls.c - TLS where memory is short. */
#include "http/tls.h"
#include "support.h"
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool memory_is_short;

static void *give(size_t size)
{
    return memory_is_short ? NULL : malloc(size);
}

static void *give_again(void *at, size_t size)
{
    return memory_is_short ? NULL : realloc(at, size);
}

static void make_certificate(const char *key, const char *certificate)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-nodes",
               "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=site",
               "-keyout", key, "-out", certificate, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static struct http_tls *load(void)
{
    char dir[] = "/tmp/ff-tls-XXXXXX", key[64], certificate[64];
    struct http_tls *tls = NULL;
    struct ff_err err;

    assert_non_null(mkdtemp(dir));
    snprintf(key, sizeof(key), "%s/site.key", dir);
    snprintf(certificate, sizeof(certificate), "%s/site.pem", dir);
    make_certificate(key, certificate);
    assert_int_equal(http_tls_load(certificate, key, &tls, &err), FF_OK);
    file_remove_tree(dir);
    return tls;
}

/* A sanitizer sees what is freed twice, or not at all. */
static void a_connection_that_cannot_be_made_costs_nothing(void **state)
{
    struct http_tls *tls = load();
    struct event_base *base = event_base_new();
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    memory_is_short = true;
    assert_null(http_tls_accept(tls, base, ends[0]));
    memory_is_short = false;
    assert_true(fcntl(ends[0], F_GETFD) >= 0); /* still the caller's */
    close(ends[0]);
    close(ends[1]);
    event_base_free(base);
    http_tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_cannot_be_made_costs_nothing),
    };

    mem_init();
    event_set_mem_functions(give, give_again, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
