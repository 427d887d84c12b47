/* What reaches stderr, looked at through a pipe of packets: each read is one write. */
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log_pipe {
    int read_fd;
    int old_stderr;
};

static struct log_pipe begin(void)
{
    struct log_pipe p;
    int fds[2];

    assert_int_equal(pipe2(fds, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
    p.read_fd = fds[0];
    p.old_stderr = dup(STDERR_FILENO);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    return p;
}

/* One write's bytes; empty when there was none. */
static char *next_write(const struct log_pipe *p)
{
    char bytes[65536];
    const ssize_t len = read(p->read_fd, bytes, sizeof(bytes));

    return mem_text_len(bytes, len > 0 ? (size_t)len : 0);
}

static void end(struct log_pipe *p)
{
    dup2(p->old_stderr, STDERR_FILENO);
    close(p->old_stderr);
    close(p->read_fd);
    log_setup(LOG_INFO, false);
}

static void an_entry_is_one_write_of_one_line(void **state)
{
    struct log_pipe p = begin();

    (void)state;
    log_setup(LOG_INFO, false);
    log_info("started %d\nforged: \x1b[31mred", 3);
    log_line(LOG_ERROR, "store", "disk \x7f full");
    MEM_AUTO char *first = next_write(&p);
    MEM_AUTO char *second = next_write(&p);
    MEM_AUTO char *third = next_write(&p);

    end(&p);
    assert_string_equal(first + 27, " INFO  started 3\\nforged: \\x1b[31mred\n");
    assert_string_equal(second + 27, " ERROR store: disk \\x7f full\n");
    assert_string_equal(third, "");
    first[27] = '\0';
    int64_t us = 0;
    assert_true(units_time(first, &us));
}

static void lines_above_the_level_are_dropped(void **state)
{
    const uint64_t n_warn = log_counted(LOG_WARN);
    const uint64_t n_debug = log_counted(LOG_DEBUG);
    struct log_pipe p = begin();

    (void)state;
    log_setup(LOG_WARN, false);
    log_debug("no");
    log_info("no");
    log_warn("yes");
    MEM_AUTO char *first = next_write(&p);
    MEM_AUTO char *second = next_write(&p);

    end(&p);
    assert_non_null(strstr(first, "yes"));
    assert_string_equal(second, "");
    assert_int_equal(log_counted(LOG_WARN), n_warn + 1);
    assert_int_equal(log_counted(LOG_DEBUG), n_debug);
}

static void json_entries_are_json(void **state)
{
    struct log_pipe p = begin();

    (void)state;
    log_setup(LOG_DEBUG, true);
    log_line(LOG_DEBUG, "queue", "say \"%s\"\n\xff", "hi");
    log_info("alone");
    MEM_AUTO char *first = next_write(&p);
    MEM_AUTO char *second = next_write(&p);

    end(&p);
    json_t *value = json_parse(first, strlen(first), NULL);
    int64_t us = 0;

    assert_true(units_time(json_string_value(json_object_get(value, "time")), &us));
    assert_string_equal(json_string_value(json_object_get(value, "level")), "debug");
    assert_string_equal(json_string_value(json_object_get(value, "who")), "queue");
    assert_string_equal(json_string_value(json_object_get(value, "msg")),
                        "say \"hi\"\n\xef\xbf\xbd");
    json_decref(value);
    value = json_parse(second, strlen(second), NULL);
    assert_null(json_object_get(value, "who"));
    json_decref(value);
}

static void a_very_long_message_is_cut(void **state)
{
    MEM_AUTO char *text = mem_alloc(100000);
    struct log_pipe p = begin();

    (void)state;
    memset(text, 'x', 99999);
    log_setup(LOG_INFO, false);
    log_info("%s", text);
    struct buf line = {0};
    MEM_AUTO char *part = next_write(&p);

    /* A pipe hands a long write on in packets of 4096 bytes. */
    while (part[0]) {
        buf_add_text(&line, part);
        mem_free(part);
        part = next_write(&p);
    }
    end(&p);
    assert_in_range(line.len, 16000, 17000);
    assert_int_equal(line.data[line.len - 1], '\n');
    buf_done(&line);
}

/* A pseudo-terminal in the place of stderr; what is written comes out at its master. */
static char *on_terminal(const char *no_colour)
{
    char bytes[1000];
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    const int old_stderr = dup(STDERR_FILENO);

    assert_true(terminal >= 0);
    dup2(terminal, STDERR_FILENO);
    if (no_colour)
        setenv("NO_COLOR", no_colour, 1);
    else
        unsetenv("NO_COLOR");
    log_setup(LOG_INFO, false);
    log_info("hello");
    dup2(old_stderr, STDERR_FILENO);
    const ssize_t len = read(master, bytes, sizeof(bytes));

    close(old_stderr);
    close(terminal);
    close(master);
    unsetenv("NO_COLOR");
    log_setup(LOG_INFO, false);
    return mem_text_len(bytes, len > 0 ? (size_t)len : 0);
}

static void colours_are_for_terminals_that_want_them(void **state)
{
    MEM_AUTO char *coloured = on_terminal(NULL);
    MEM_AUTO char *still = on_terminal("");
    MEM_AUTO char *plain = on_terminal("1");

    (void)state;
    assert_non_null(strstr(coloured, "\x1b["));
    assert_non_null(strstr(still, "\x1b["));
    assert_null(strstr(plain, "\x1b["));
    assert_non_null(strstr(plain, "hello"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_one_write_of_one_line),
        cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(json_entries_are_json),
        cmocka_unit_test(a_very_long_message_is_cut),
        cmocka_unit_test(colours_are_for_terminals_that_want_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
