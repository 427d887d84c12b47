/* Where the server listens, and whom it lets in. */
#include "support.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET "GET /items/a HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct site site;

static int mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void the_socket_is_private_whatever_the_umask(void **state)
{
    mode_t old = umask(0);

    (void)state;
    site_start(&site, (struct http_options){0});
    assert_int_equal(mode_of(site.path), 0600);
    site_stop(&site);
    umask(0777);
    site_start(&site, (struct http_options){0});
    assert_int_equal(mode_of(site.path), 0600);
    site_stop(&site);
    umask(old);
}

static void the_socket_is_gone_after_the_server(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){0});
    char *path = mem_text(site.path);
    site_stop(&site);
    assert_int_equal(access(path, F_OK), -1);
    mem_free(path);
}

/* A second server at the path of the first; returns its error code. */
static int second_server(struct ff_err *err)
{
    struct http_options opts = {.unix_path = site.path};
    struct loop *l = loop_new(err);
    struct http_server *s = http_server_new(l, &opts);

    int code = http_server_listen(s, err);
    http_server_free(s);
    loop_free(l);
    return code;
}

static void a_second_server_is_refused_and_harms_nothing(void **state)
{
    struct ff_err err;

    (void)state;
    site_start(&site, (struct http_options){0});
    assert_int_equal(second_server(&err), FF_CONFLICT);
    assert_non_null(strstr(err.msg, "another server is listening"));
    assert_int_equal(status_of(&site, GET), 200);
    site_stop(&site);
}

/* What a server killed by SIGKILL leaves behind. */
static void leave_stale_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
}

static void listen_at(const char *path, struct ff_err *err, int expected)
{
    struct http_options opts = {.unix_path = path};
    struct loop *l = loop_new(err);
    struct http_server *s = http_server_new(l, &opts);

    assert_int_equal(http_server_listen(s, err), expected);
    http_server_free(s);
    loop_free(l);
    struct buf lock = {0};
    buf_printf(&lock, "%s.lock", path);
    unlink(lock.data);
    buf_done(&lock);
}

static void a_dead_server_s_socket_is_replaced(void **state)
{
    char path[] = "/tmp/ff-stale-XXXXXX";
    struct ff_err err;

    (void)state;
    close(mkstemp(path));
    unlink(path);
    leave_stale_socket(path);
    listen_at(path, &err, FF_OK);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    char path[] = "/tmp/ff-file-XXXXXX";
    struct ff_err err;

    (void)state;
    close(mkstemp(path));
    listen_at(path, &err, FF_CONFLICT);
    assert_non_null(strstr(err.msg, "is there and is no socket"));
    assert_int_equal(unlink(path), 0);
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    struct ff_err err;

    (void)state;
    listen_at("/tmp/ff-nowhere/api.sock", &err, FF_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "/tmp/ff-nowhere/api.sock"));
}

static void a_path_beyond_107_bytes_works_on_both_sides(void **state)
{
    char dir[] = "/tmp/ff-long-XXXXXX";
    struct buf path = {0};
    struct unix_path place;
    struct heard h = {0};
    struct ff_err err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    buf_printf(&path, "%s/%0100d", dir, 1);
    assert_int_equal(file_make_dirs(path.data, 0700), 0);
    buf_printf(&path, "/%0100d", 2);
    assert_int_equal(file_make_dirs(path.data, 0700), 0);
    buf_add_text(&path, "/http.sock");
    site_start(&site, (struct http_options){.unix_path = path.data});
    assert_int_equal(mode_of(path.data), 0600);
    assert_int_equal(unix_path_open(&place, path.data, &err), FF_OK);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (void *)&place.address, sizeof(place.address)), 0);
    unix_path_close(&place);
    say(fd, GET);
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    close(fd);
    heard_done(&h);
    site_stop(&site);
    buf_done(&path);
    file_remove_tree(dir);
}

static void off_loopback_needs_to_be_said(void **state)
{
    (void)state;
    site_start_with(&site, (struct http_options){.address = "0.0.0.0"}, site_no_routes);
    assert_false(site.listening);
    assert_int_equal(site.err.code, FF_INVALID);
    site_stop(&site);
    site_start(&site, (struct http_options){.address = "0.0.0.0", .any_address = true});
    assert_true(site.port > 0);
    site_stop(&site);
    site_start_with(&site, (struct http_options){.address = "nonsense"},
                    site_no_routes);
    assert_int_equal(site.err.code, FF_INVALID);
    site_stop(&site);
}

static void ipv6_loopback_is_loopback(void **state)
{
    (void)state;
    site_start_with(&site, (struct http_options){.address = "::1"}, site_no_routes);
    /* A machine may have no IPv6. */
    assert_true(site.listening || site.err.code == FF_UNAVAILABLE);
    site_stop(&site);
}

static void a_port_in_use_is_a_conflict(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (void *)&address, &len), 0);
    struct http_options opts = {.address = "127.0.0.1",
                                .port = ntohs(address.sin_port)};
    site_start_with(&site, opts, site_no_routes);
    assert_false(site.listening);
    assert_int_equal(site.err.code, FF_CONFLICT);
    site_stop(&site);
    close(fd);
}

/* As another user, whom the modes of directory and socket would let in. */
static int knock_as_nobody(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char byte;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        strcpy(address.sun_path, site.path);
        if (setgid(65534) != 0 || setuid(65534) != 0 ||
            connect(fd, (void *)&address, sizeof(address)) != 0)
            _exit(2);
        send(fd, GET, strlen(GET), MSG_NOSIGNAL);
        _exit(recv(fd, &byte, 1, 0) > 0 ? 1 : 0);
    }
    int status;
    waitpid(pid, &status, 0);
    return status;
}

static void another_user_is_turned_away_by_the_kernel_s_word(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    site_start(&site, (struct http_options){0});
    assert_int_equal(chmod(site.dir, 0755), 0);
    assert_int_equal(chmod(site.path, 0666), 0);
    assert_int_equal(knock_as_nobody(), 0);
    assert_int_equal(status_of(&site, GET), 200);
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_socket_is_private_whatever_the_umask),
        cmocka_unit_test(the_socket_is_gone_after_the_server),
        cmocka_unit_test(a_second_server_is_refused_and_harms_nothing),
        cmocka_unit_test(a_dead_server_s_socket_is_replaced),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(a_directory_that_is_not_there_is_named),
        cmocka_unit_test(a_path_beyond_107_bytes_works_on_both_sides),
        cmocka_unit_test(off_loopback_needs_to_be_said),
        cmocka_unit_test(ipv6_loopback_is_loopback),
        cmocka_unit_test(a_port_in_use_is_a_conflict),
        cmocka_unit_test(another_user_is_turned_away_by_the_kernel_s_word),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
