/* What is in a tar and is not what pack.c makes is refused, and writes nothing outside
 * of the folder that it is unpacked into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blob/blob_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    char type;
    const char *name;
    const char *text; /* content, or NULL */
};

static void put_octal(char *field, size_t size, unsigned value)
{
    snprintf(field, size, "%0*o", (int)size - 1, value);
}

static void add_padded(struct buf *tar, const void *bytes, size_t len)
{
    static const char zeros[TAR_BLOCK];

    buf_add(tar, bytes, len);
    buf_add(tar, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

static void add_entry(struct buf *tar, const struct entry *e)
{
    struct tar_header h = {.type = e->type, .magic = "ustar", .version = {'0', '0'}};
    const size_t len = e->text ? strlen(e->text) : 0;

    memcpy(h.name, e->name, strnlen(e->name, sizeof(h.name)));
    put_octal(h.mode, sizeof(h.mode), 0644);
    put_octal(h.size, sizeof(h.size), (unsigned)len);
    memcpy(h.linkname, "/etc/passwd", 11);
    snprintf(h.checksum, sizeof(h.checksum), "%06o", tar_checksum(&h));
    h.checksum[7] = ' ';
    buf_add(tar, &h, sizeof(h));
    add_padded(tar, e->text ? e->text : "", len);
}

/* Unpacks a tar of these entries, `cut` bytes shorter; gives the code. */
static int unpack(const struct buf *tar, struct ff_err *err, char *folder)
{
    int in, out, code;

    strcpy(folder, "/tmp/ff-unpack-XXXXXX");
    assert_non_null(mkdtemp(folder));
    in = walk_scratch(folder);
    out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(in >= 0 && out >= 0);
    assert_int_equal(write(in, buf_text(tar), tar->len), tar->len);
    code = tar_unpack(in, out, err);
    close(in);
    close(out);
    return code;
}

#define MAX_ENTRIES 4
static const struct wrong {
    struct entry entries[MAX_ENTRIES];
    const char *why;
} wrongs[] = {
    {{{'0', "../evil", "x"}}, "leads elsewhere"},
    {{{'0', "/evil", "x"}}, "leads elsewhere"},
    {{{'0', "a/../../evil", "x"}}, "leads elsewhere"},
    {{{'5', "a/", NULL}, {'0', "a/../evil", "x"}}, "leads elsewhere"},
    {{{'0', "..", "x"}}, "leads elsewhere"},
    {{{'0', ".", "x"}}, "leads elsewhere"},
    {{{'5', "./", NULL}}, "leads elsewhere"},
    {{{'5', "/", NULL}}, "leads elsewhere"},
    {{{'0', "a/", "x"}}, "leads elsewhere"},
    {{{'5', "a//", NULL}}, "leads elsewhere"},
    {{{'0', "no/folder", "x"}}, "leads elsewhere"},
    {{{'0', "", "x"}}, "a name is not one"},
    {{{'1', "hard", NULL}}, "neither file nor folder"},
    {{{'2', "soft", NULL}}, "neither file nor folder"},
    {{{'3', "device", NULL}}, "neither file nor folder"},
    {{{'6', "pipe", NULL}}, "neither file nor folder"},
    {{{'g', "global", "10 a=b\n"}}, "neither file nor folder"},
    {{{'0', "a", "1"}, {'0', "a", "2"}}, "comes twice"},
    {{{'5', "a/", NULL}, {'5', "a", NULL}}, "comes twice"},
    {{{'5', "a/", "content"}}, "a folder has content"},
    {{{'x', "pax", "16 linkpath=/x\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "99 path=a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "path=a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "9 path a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "\n1 path=a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "\n1 a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", " 9 path=a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "3 \npath=a\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "11 size=-1\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "11 size=1x\n"}, {'0', "a", "1"}}, "something else"},
    {{{'x', "pax", "13 path=../e\n"}, {'0', "a", "1"}}, "leads elsewhere"},
};

static void what_was_not_packed_here_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct buf tar = {0};
        struct ff_err err = {0};
        char folder[32];
        char end[2 * TAR_BLOCK] = {0};

        for (size_t k = 0; k < MAX_ENTRIES && wrongs[i].entries[k].type; k++)
            add_entry(&tar, &wrongs[i].entries[k]);
        buf_add(&tar, end, sizeof(end));
        assert_int_equal(unpack(&tar, &err, folder), FF_INVALID);
        if (!strstr(err.msg, wrongs[i].why))
            fail_msg("%zu: '%s' does not say '%s'", i, err.msg, wrongs[i].why);
        assert_int_equal(access("/tmp/evil", F_OK), -1);
        file_remove_tree(folder);
        buf_done(&tar);
    }
}

static void add_good(struct buf *tar)
{
    static const char end[2 * TAR_BLOCK];

    add_entry(tar, &(struct entry){'5', "d/", NULL});
    add_entry(tar, &(struct entry){'0', "d/f", "text"});
    buf_add(tar, end, sizeof(end));
}

static void a_tar_that_was_cut_is_refused(void **state)
{
    struct buf whole = {0};

    (void)state;
    add_good(&whole);
    for (size_t len = 0; len < whole.len - TAR_BLOCK; len += 100) {
        struct buf tar = {0};
        struct ff_err err = {0};
        char folder[32];

        buf_add(&tar, whole.data, len);
        assert_int_equal(unpack(&tar, &err, folder), FF_INVALID);
        file_remove_tree(folder);
        buf_done(&tar);
    }
    buf_done(&whole);
}

/* Every byte of the headers in turn: nothing crashes, and nothing but the two entries
 * and files of their folder comes of it. */
static void changed_headers_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * (size_t)TAR_BLOCK; i += 7) {
        struct buf tar = {0};
        struct ff_err err = {0};
        char folder[32];

        add_good(&tar);
        tar.data[i] ^= 0x21;
        assert_int_equal(unpack(&tar, &err, folder), FF_INVALID);
        file_remove_tree(folder);
        buf_done(&tar);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_packed_here_is_refused),
        cmocka_unit_test(a_tar_that_was_cut_is_refused),
        cmocka_unit_test(changed_headers_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
