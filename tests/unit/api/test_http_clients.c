/* Clients that others wrote, and the Python SDK, against the real server. Each runs as
 * a process with the site's socket and port in its environment. */
#include "support_task.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct site site;

static void mount_both(struct site *s)
{
    mount_fake_exec(s);
    mount_test_routes(s);
}

static int start(void **state)
{
    struct http_options opts = {.address = "127.0.0.1"};

    (void)state;
    site_start_with(&site, opts, mount_both);
    assert_true(site.listening);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    site_stop(&site);
    fake_exec_done();
    return 0;
}

static bool have(const char *program)
{
    char command[128];

    snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
    return system(command) == 0;
}

static void set_number(const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", number);
    setenv(name, text, 1);
}

/* Runs a shell script; returns what it printed, which the caller frees. */
static char *sh(const char *script)
{
    struct buf out = {0};
    char chunk[4096];
    size_t n;

    setenv("SOCKET", site.path, 1);
    set_number("PORT", site.port);
    FILE *pipe = popen(script, "r");
    while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
        buf_add(&out, chunk, n);
    int status = pclose(pipe);
    if (status != 0)
        fail_msg("status %d: %s", WEXITSTATUS(status), buf_text(&out));
    return out.data ? buf_take(&out) : mem_text("");
}

static void assert_sh(const char *script, const char *expected)
{
    char *out = sh(script);

    assert_string_equal(out, expected);
    mem_free(out);
}

#define CURL "curl --silent --show-error --max-time 60 "
#define UNIX CURL "--unix-socket \"$SOCKET\" "

static void curl_speaks_to_the_socket_and_to_the_port(void **state)
{
    (void)state;
    if (!have("curl"))
        skip();
    assert_sh(UNIX "http://localhost/items/a%20b", "a b");
    assert_sh(CURL "http://127.0.0.1:$PORT/items/c", "c");
    assert_sh(CURL "--http1.0 http://localhost:$PORT/items/d", "d");
    assert_sh(CURL "--head -o /dev/null -w '%{http_code}' http://localhost:$PORT/echo",
              "200");
}

static void curl_keeps_its_connection(void **state)
{
    (void)state;
    if (!have("curl"))
        skip();
    assert_sh(UNIX "-w '%{num_connects} ' http://localhost/items/a "
                   "http://localhost/items/b http://localhost/items/c",
              "a1 b0 c0 ");
}

static void curl_uploads_with_length_with_chunks_and_with_100_continue(void **state)
{
    (void)state;
    if (!have("curl"))
        skip();
    assert_sh("head -c 1000000 /dev/zero | " UNIX
              "--data-binary @- http://localhost/body | wc -c",
              "1000000\n");
    assert_sh("head -c 1000000 /dev/zero | " UNIX
              "-H 'Transfer-Encoding: chunked' --data-binary @- http://localhost/body "
              "| wc -c",
              "1000000\n");
    assert_sh("head -c 5000 /dev/zero | " UNIX "-H 'Expect: 100-continue' "
              "--data-binary @- http://localhost/body | wc -c",
              "5000\n");
    assert_sh("head -c 3000000 /dev/zero | " UNIX
              "-o /dev/null -w '%{http_code}' --data-binary @- http://localhost/body",
              "413");
}

static void curl_offering_http_2_is_served_http_1_1(void **state)
{
    (void)state;
    if (!have("curl"))
        skip();
    assert_sh(CURL "--http2 -w ' %{http_version}' http://localhost:$PORT/items/a",
              "a 1.1");
}

static void curl_reports_a_task(void **state)
{
    (void)state;
    if (!have("curl"))
        skip();
    assert_sh(UNIX "-H 'Authorization: Bearer good' --json "
                   "'{\"name\": \"result\", \"value\": {\"status\": \"ok\"}}' "
                   "http://localhost/api/v1/task/outputs",
              "{}");
    assert_string_equal(buf_text(&fake_exec.outputs), "result={\"status\":\"ok\"};");
}

/* --- the SDK --- */

static void set_task_environment(const char *endpoint)
{
    const char *source = getenv("FLOWFORGE_SOURCE");
    char path[512];

    snprintf(path, sizeof(path), "%s/sdk/python",
             source ? source : FF_TEST_DIR "/../../..");
    setenv("PYTHONPATH", path, 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    setenv("FLOWFORGE_API_ENDPOINT", endpoint, 1);
    setenv("FLOWFORGE_AUTH_TOKEN", "good", 1);
    setenv("FLOWFORGE_FLUSH_TIMEOUT", "60", 1);
    setenv("FF_OUT", site.dir, 1);
}

static void use_socket(void)
{
    char endpoint[128];

    snprintf(endpoint, sizeof(endpoint), "unix://%s", site.path);
    set_task_environment(endpoint);
}

#define PYTHON "python3 - 2>&1 <<'EOF'\nfrom flowforge import client\n"

static const char seed[] = PYTHON "client.log(\"Starting task\")\n"
                                  "client.status(\"RUNNING\", progress=10)\n"
                                  "client.output(\"result\", {\"status\": \"ok\"})\n"
                                  "client.status(\"SUCCEEDED\")\n"
                                  "EOF\n";

static void assert_seed_arrived(void)
{
    assert_string_equal(buf_text(&fake_exec.log), "info Starting task\n");
    assert_string_equal(buf_text(&fake_exec.status), "RUNNING 10 -;SUCCEEDED -1 -;");
    assert_string_equal(buf_text(&fake_exec.outputs), "result={\"status\":\"ok\"};");
}

static void the_sdk_s_example_arrives_over_the_socket(void **state)
{
    (void)state;
    use_socket();
    assert_sh(seed, "");
    assert_seed_arrived();
}

static void the_sdk_s_example_arrives_over_tcp(void **state)
{
    char endpoint[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", site.port);
    set_task_environment(endpoint);
    assert_sh(seed, "");
    assert_seed_arrived();
}

static void a_hundred_thousand_lines_of_the_sdk_keep_their_order(void **state)
{
    (void)state;
    use_socket();
    assert_sh(PYTHON "for i in range(100000): client.log(f'line {i}')\nEOF\n", "");
    const char *at = buf_text(&fake_exec.log);
    for (int i = 0; i < 100000; i++) {
        char line[32];
        int len = snprintf(line, sizeof(line), "info line %d\n", i);
        if (strncmp(at, line, (size_t)len) != 0)
            fail_msg("line %d is %.40s", i, at);
        at += len;
    }
    assert_int_equal(*at, '\0');
}

static void the_sdk_hears_of_renewal_and_cancel(void **state)
{
    (void)state;
    use_socket();
    fake_exec.next_token = "good";
    fake_exec.cancel = true;
    assert_sh(PYTHON "assert client.heartbeat() is True\n"
                     "client.output('last', 2 ** 63 - 1)\n"
                     "client.output('big', 'x' * (1024 * 1024 - 2))\nEOF\n",
              "");
    assert_true(text_starts(buf_text(&fake_exec.outputs), "last=9223372036854775807;"));
    assert_int_equal(fake_exec.outputs.len, 25 + 1024 * 1024 + 5);
}

static void the_sdk_is_told_that_it_is_fenced(void **state)
{
    (void)state;
    use_socket();
    fake_exec.fenced = true;
    assert_sh(PYTHON "client.status('RUNNING')\nassert client.cancelled()\nEOF\n",
              "flowforge: this attempt is no longer the current one: attempt 1 is no "
              "longer the current one; nothing more is sent\n");
}

static void shell_tasks_report_through_the_module(void **state)
{
    (void)state;
    use_socket();
    assert_sh("python3 -m flowforge log 'half way' --level warn && "
              "python3 -m flowforge log 'and on' && "
              "python3 -m flowforge status RUNNING --progress 50 && "
              "python3 -m flowforge output rows 1200",
              "");
    assert_string_equal(buf_text(&fake_exec.log), "warn half way\ninfo and on\n");
    assert_string_equal(buf_text(&fake_exec.status), "RUNNING 50 -;");
    assert_string_equal(buf_text(&fake_exec.outputs), "rows=1200;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(curl_speaks_to_the_socket_and_to_the_port),
        TEST(curl_keeps_its_connection),
        TEST(curl_uploads_with_length_with_chunks_and_with_100_continue),
        TEST(curl_offering_http_2_is_served_http_1_1),
        TEST(curl_reports_a_task),
        TEST(the_sdk_s_example_arrives_over_the_socket),
        TEST(the_sdk_s_example_arrives_over_tcp),
        TEST(a_hundred_thousand_lines_of_the_sdk_keep_their_order),
        TEST(the_sdk_hears_of_renewal_and_cancel),
        TEST(the_sdk_is_told_that_it_is_fenced),
        TEST(shell_tasks_report_through_the_module),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
