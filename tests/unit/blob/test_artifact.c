/* Files and folders become blobs and come back, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blob/blob_priv.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TENANT  ((struct tenant){7})
#define MAX_ALL (INT64_C(1) << 40)

static struct fixture {
    char *folder; /* of everything */
    char *left;   /* what a task leaves */
    char *got;    /* what another is given */
    struct loop *loop;
    struct config *config;
    struct driver_instance *instance;
    struct blobs *blobs;
    struct ff_err err;
} f;

static int set_up(void **state)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct buf name = {0};
    struct buf option = {0};

    (void)state;
    f = (struct fixture){0};
    buf_printf(&name, "%s/ff-blob-XXXXXX", tmp);
    f.folder = buf_take(&name);
    assert_non_null(mkdtemp(f.folder));
    f.left = file_join(f.folder, "left");
    f.got = file_join(f.folder, "got");
    assert_int_equal(mkdir(f.left, 0700) | mkdir(f.got, 0700), 0);
    f.loop = loop_new(&f.err);
    f.config = config_load("/dev/null", NULL, &f.err);
    buf_printf(&option, "blob-file.dir=%s/blobs", f.folder);
    assert_int_equal(config_set(f.config, buf_text(&option), &f.err), FF_OK);
    buf_done(&option);
    f.instance = driver_chain_new(getenv("FLOWFORGE_LIB"), "blob-file", NULL, FF_BLOB,
                                  f.loop, f.config, &f.err);
    assert_non_null(f.instance);
    f.blobs = blobs_open(f.instance, &f.err);
    assert_non_null(f.blobs);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    blobs_close(f.blobs);
    driver_instance_free(f.instance);
    config_free(f.config);
    loop_free(f.loop);
    file_remove_tree(f.folder);
    mem_free(f.folder);
    mem_free(f.left);
    mem_free(f.got);
    return 0;
}

/* --- what a task would do --- */

static void make_folder(const char *name)
{
    MEM_AUTO char *path = file_join(f.left, name);

    assert_int_equal(file_make_dirs(path, 0700), 0);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
    MEM_AUTO char *path = file_join(f.left, name);

    assert_int_equal(file_write_durable(path, text, strlen(text), mode), 0);
}

static int put(const char *path, int64_t max_bytes, struct artifact *a)
{
    const struct artifact_source from = {
        .root = f.left, .path = path, .scratch = f.folder, .max_bytes = max_bytes};

    f.err = (struct ff_err){0};
    return artifact_put(f.blobs, TENANT, &from, a, &f.err);
}

static int get(const char *path, const struct artifact *a)
{
    const struct artifact_target to = {
        .root = f.got, .path = path, .scratch = f.folder};

    f.err = (struct ff_err){0};
    return artifact_get(f.blobs, TENANT, a, &to, &f.err);
}

static void assert_text(const char *name, const char *text, bool executable)
{
    MEM_AUTO char *path = file_join(f.got, name);
    struct buf read = {0};
    struct stat st;

    assert_int_equal(file_read(path, 1 << 20, &read), 0);
    assert_string_equal(buf_text(&read), text);
    buf_done(&read);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal((st.st_mode & 0111) != 0, executable);
}

/* --- files --- */

static void a_file_comes_back(void **state)
{
    struct artifact a;

    (void)state;
    make_folder("a/b");
    make_file("a/b/model", "weights", 0640);
    assert_int_equal(put("a/b/model", MAX_ALL, &a), FF_OK);
    assert_int_equal(a.type, ARTIFACT_FILE);
    assert_int_equal(a.size, 7);
    assert_false(a.executable);
    assert_int_equal(get("deep/er/m", &a), FF_OK);
    assert_text("deep/er/m", "weights", false);
}

static void a_program_stays_one(void **state)
{
    struct artifact a;

    (void)state;
    make_file("tool", "#!/bin/sh\n", 0700);
    assert_int_equal(put("tool", MAX_ALL, &a), FF_OK);
    assert_true(a.executable);
    assert_int_equal(get("tool", &a), FF_OK);
    assert_text("tool", "#!/bin/sh\n", true);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct artifact a = {0};

    (void)state;
    assert_int_equal(put("nothing", MAX_ALL, &a), FF_NOT_FOUND);
    assert_int_equal(put("no/where", MAX_ALL, &a), FF_NOT_FOUND);
    memset(a.hash, 'a', SHA256_TEXT - 1);
    assert_int_equal(get("m", &a), FF_NOT_FOUND);
    /* Nor is there a half of it. */
    MEM_AUTO char *path = file_join(f.got, "m");
    assert_int_equal(access(path, F_OK), -1);
}

static void what_is_there_is_not_replaced(void **state)
{
    struct artifact file, folder;

    (void)state;
    make_file("m", "1", 0600);
    make_folder("d");
    assert_int_equal(put("m", MAX_ALL, &file), FF_OK);
    assert_int_equal(put("d", MAX_ALL, &folder), FF_OK);
    assert_int_equal(get("x", &file), FF_OK);
    assert_int_equal(get("x", &file), FF_INVALID);
    assert_int_equal(get("x", &folder), FF_INVALID);
    assert_text("x", "1", false);
}

static void links_are_refused_wherever_they_are(void **state)
{
    MEM_AUTO char *link = file_join(f.left, "link");
    MEM_AUTO char *inner = file_join(f.left, "d/link");
    struct artifact a;

    (void)state;
    make_folder("d");
    make_file("target", "x", 0600);
    assert_int_equal(symlink("target", link), 0);
    assert_int_equal(put("link", MAX_ALL, &a), FF_INVALID);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("/etc", link), 0);
    assert_int_equal(put("link/passwd", MAX_ALL, &a), FF_INVALID);
    assert_int_equal(symlink("/etc/passwd", inner), 0);
    assert_int_equal(put("d", MAX_ALL, &a), FF_INVALID);
    assert_non_null(strstr(f.err.msg, "link is a link"));
}

static void pipes_are_refused_and_not_waited_for(void **state)
{
    MEM_AUTO char *pipe = file_join(f.left, "pipe");
    MEM_AUTO char *inner = file_join(f.left, "d/pipe");
    struct artifact a;

    (void)state;
    make_folder("d");
    assert_int_equal(mkfifo(pipe, 0600) | mkfifo(inner, 0600), 0);
    assert_int_equal(put("pipe", MAX_ALL, &a), FF_INVALID);
    assert_int_equal(put("d", MAX_ALL, &a), FF_INVALID);
    assert_non_null(strstr(f.err.msg, "neither a file nor a folder"));
}

static void what_is_too_large_is_refused(void **state)
{
    struct artifact a;

    (void)state;
    make_folder("d");
    make_file("d/m", "1234567", 0600);
    assert_int_equal(put("d/m", 7, &a), FF_OK);
    assert_int_equal(put("d/m", 6, &a), FF_INVALID);
    assert_int_equal(put("d", 2048, &a), FF_OK);
    assert_int_equal(put("d", 2047, &a), FF_INVALID);
    assert_non_null(strstr(f.err.msg, "larger than 2047 bytes"));
}

/* --- folders --- */

static void make_tree(void)
{
    make_folder("t/empty");
    make_folder("t/b");
    make_file("t/b/two", "2", 0700);
    make_file("t/a", "1", 0644);
    make_file("t/nothing", "", 0600);
}

static void a_folder_comes_back(void **state)
{
    MEM_AUTO char *empty = file_join(f.got, "copy/empty");
    struct artifact a;

    (void)state;
    make_tree();
    assert_int_equal(put("t", MAX_ALL, &a), FF_OK);
    assert_int_equal(a.type, ARTIFACT_FOLDER);
    assert_int_equal(get("copy", &a), FF_OK);
    assert_text("copy/a", "1", false);
    assert_text("copy/b/two", "2", true);
    assert_text("copy/nothing", "", false);
    assert_int_equal(access(empty, R_OK | X_OK), 0);
}

/* As it is brought over a network: the same content, packed and unpacked without a
 * store, and kept by one elsewhere. */
static void content_can_go_another_way(void **state)
{
    const struct artifact_source from = {
        .root = f.left, .path = "t", .scratch = f.folder, .max_bytes = MAX_ALL};
    const struct artifact_target to = {.root = f.got, .path = "there"};
    struct artifact a, stored;

    (void)state;
    make_tree();
    assert_int_equal(put("t", MAX_ALL, &stored), FF_OK);
    const int fd = artifact_open(&from, &a, &f.err);
    assert_true(fd >= 0);
    assert_int_equal(artifact_hash(fd, a.hash, &a.size, &f.err), FF_OK);
    assert_string_equal(a.hash, stored.hash);
    assert_int_equal(artifact_place(fd, &a, &to, &f.err), FF_OK);
    assert_text("there/b/two", "2", true);
    assert_int_equal(blobs_put(f.blobs, TENANT, a.hash, a.size, fd, &f.err), FF_OK);
    assert_int_equal(get("copy", &a), FF_OK);
    assert_text("copy/a", "1", false);
    close(fd);
}

static void content_that_is_not_whole_is_not_kept(void **state)
{
    const struct artifact_source from = {
        .root = f.left, .path = "x", .scratch = f.folder, .max_bytes = MAX_ALL};
    struct artifact a;

    (void)state;
    make_file("x", "all of it", 0600);
    const int fd = artifact_open(&from, &a, &f.err);
    assert_int_equal(artifact_hash(fd, a.hash, &a.size, &f.err), FF_OK);
    make_file("y", "all of", 0600);
    MEM_AUTO char *part = file_join(f.left, "y");
    const int half = open(part, O_RDONLY | O_CLOEXEC);
    assert_int_equal(blobs_put(f.blobs, TENANT, a.hash, a.size, half, &f.err),
                     FF_CORRUPT);
    assert_int_equal(blobs_put(f.blobs, TENANT, a.hash, a.size + 1, fd, &f.err),
                     FF_CORRUPT);
    assert_int_equal(get("copy", &a), FF_NOT_FOUND);
    close(half);
    close(fd);
}

/* The hash is that of the format, too: it must not change between versions, or caches
 * and stored hashes would miss what they know. */
static void the_same_folder_is_the_same_blob(void **state)
{
    MEM_AUTO char *one = file_join(f.left, "t");
    MEM_AUTO char *other = file_join(f.left, "u");
    struct artifact a, b;

    (void)state;
    make_tree();
    assert_int_equal(put("t", MAX_ALL, &a), FF_OK);
    assert_int_equal(rename(one, other), 0);
    make_folder("t/b");
    make_file("t/nothing", "", 0640);
    make_file("t/a", "1", 0600);
    make_file("t/b/two", "2", 0744);
    make_folder("t/empty");
    assert_int_equal(put("t", MAX_ALL, &b), FF_OK);
    assert_string_equal(a.hash, b.hash);
    assert_string_equal(
        a.hash, "557fce2e48629cc7698d132be838c1427110303f1c1a54df07e41be4dbbe3263");
    make_file("t/a", "1", 0700);
    assert_int_equal(put("t", MAX_ALL, &b), FF_OK);
    assert_string_not_equal(a.hash, b.hash);
}

/* What others make of it. */
static void tar_understands_a_folder(void **state)
{
    struct buf command = {0};
    struct artifact a;

    (void)state;
    make_tree();
    for (int i = 0; i < 30; i++) {
        struct buf name = {0};

        buf_add_text(&name, "t/b/");
        for (int k = 0; k < i; k++)
            buf_add_text(&name, "long name ");
        if (i < 25)
            make_folder(buf_text(&name));
        buf_done(&name);
    }
    assert_int_equal(put("t", MAX_ALL, &a), FF_OK);
    buf_printf(&command,
               "cd %s && mkdir x && tar -xf ../blobs/t7/%.2s/%s -C x && "
               "diff -r ../left/t x && test -x x/b/two",
               f.got, a.hash, a.hash);
    assert_int_equal(system(buf_text(&command)), 0);
    assert_int_equal(get("copy", &a), FF_OK);
    buf_clear(&command);
    buf_printf(&command, "cd %s && diff -r ../left/t copy", f.got);
    assert_int_equal(system(buf_text(&command)), 0);
    buf_done(&command);
}

/* --- values --- */

static bool is_artifact(const char *text)
{
    json_t *v = json_parse(text, strlen(text), &f.err);
    struct artifact a;
    const bool is = artifact_from_json(v, &a);

    json_decref(v);
    return is;
}

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void only_the_whole_value_is_an_artifact(void **state)
{
    (void)state;
    assert_true(is_artifact("{\"type\":\"file\",\"sha256\":\"" HASH "\",\"size\":1}"));
    assert_true(
        is_artifact("{\"type\":\"folder\",\"sha256\":\"" HASH "\",\"size\":1}"));
    assert_false(is_artifact("{\"type\":\"link\",\"sha256\":\"" HASH "\",\"size\":1}"));
    assert_false(is_artifact("{\"sha256\":\"" HASH "\",\"size\":1}"));
    assert_false(is_artifact("{\"type\":\"file\",\"sha256\":\"" HASH "\"}"));
    assert_false(
        is_artifact("{\"type\":\"file\",\"sha256\":\"" HASH "0\",\"size\":1}"));
    assert_false(is_artifact("{\"type\":\"file\",\"sha256\":\"../../../../etc/passwd\","
                             "\"size\":1}"));
    assert_false(is_artifact("{\"type\":\"file\",\"size\":1}"));
    assert_false(is_artifact("[]"));
    assert_false(is_artifact("null"));
}

/* --- lists, and what is removed --- */

struct seen {
    size_t n;
    bool ours;
};

static void see(void *arg, struct tenant t, const char *hash, int64_t size,
                int64_t put_us)
{
    struct seen *s = arg;

    s->n++;
    s->ours =
        t.no == TENANT.no && strlen(hash) == SHA256_TEXT - 1 && size > 0 && put_us > 0;
}

static void blobs_are_listed_in_pages_and_removed(void **state)
{
    struct blobs_at at = {0};
    struct seen seen = {0};
    struct artifact a;
    int64_t size;
    bool more = true;

    (void)state;
    for (int i = 0; i < 5; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%d", i);
        make_file("m", text, 0600);
        assert_int_equal(put("m", MAX_ALL, &a), FF_OK);
    }
    for (int pages = 0; more; pages++) {
        assert_true(pages < 5);
        assert_int_equal(blobs_list(f.blobs, &at, 2, see, &seen, &more, &f.err), FF_OK);
        assert_true(seen.ours);
    }
    assert_int_equal(seen.n, 5);
    assert_int_equal(blobs_stat(f.blobs, TENANT, a.hash, &size, &f.err), FF_OK);
    assert_int_equal(size, 1);
    assert_int_equal(blobs_remove(f.blobs, TENANT, a.hash, 0, &f.err), FF_CONFLICT);
    assert_int_equal(blobs_remove(f.blobs, TENANT, a.hash, INT64_MAX, &f.err), FF_OK);
    assert_int_equal(blobs_stat(f.blobs, TENANT, a.hash, &size, &f.err), FF_NOT_FOUND);
    assert_int_equal(blobs_tidy(f.blobs, INT64_MAX, &f.err), FF_OK);
    assert_int_equal(blobs_ping(f.blobs, &f.err), FF_OK);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(a_file_comes_back),
        WITH(a_program_stays_one),
        WITH(what_is_not_there_is_not_found),
        WITH(what_is_there_is_not_replaced),
        WITH(links_are_refused_wherever_they_are),
        WITH(pipes_are_refused_and_not_waited_for),
        WITH(what_is_too_large_is_refused),
        WITH(a_folder_comes_back),
        WITH(content_can_go_another_way),
        WITH(content_that_is_not_whole_is_not_kept),
        WITH(the_same_folder_is_the_same_blob),
        WITH(tar_understands_a_folder),
        WITH(only_the_whole_value_is_an_artifact),
        WITH(blobs_are_listed_in_pages_and_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
