/* kit/kit_blob_put.c - checks of what is kept, and what is not. */
#include "kit/kit_blob.h"

#include <string.h>
#include <unistd.h>

/* Around the sizes of pages, pieces and parts that drivers may have. */
static const size_t sizes[] = {
    0,     1,      4095,   4096,   4097,    65535,
    65536, 131071, 131072, 131073, 1048577, 9 * 1024 * 1024 + 7,
};

static void content_comes_back(struct kit *k)
{
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct kit_content c;

        kit_content_make(&c, i, sizes[i]);
        kit_blob_must_put(&b, &c, "the first");
        kit_blob_must_get(&b, &c, "after its put");
        kit_content_done(&c);
    }
    kit_blob_close(&b);
}

static void reads_stay_within(struct kit *k)
{
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct kit_content c;

        kit_content_make(&c, 100 + i, sizes[i]);
        kit_blob_must_put(&b, &c, "what is read being watched");
        kit_content_done(&c);
    }
    kit_blob_close(&b);
}

static void other_content_is_refused(struct kit *k)
{
    struct kit_content c, other;
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        kit_content_make(&c, 200 + i, sizes[i]);
        kit_content_make(&other, 300 + i, sizes[i] + 1);
        kit_expect_code(k, kit_blob_put_as(&b, other.hash, &c, UINT64_MAX), FF_INVALID,
                        &b.err, "a put of %zu bytes with the hash of others", sizes[i]);
        kit_blob_must_lack(&b, other.hash, "after a put of other content");
        kit_blob_must_put(&b, &other, "the right ones, after others were refused");
        kit_blob_must_get(&b, &other, "the right ones, after others were refused");
        kit_content_done(&c);
        kit_content_done(&other);
    }
    kit_blob_close(&b);
}

static void unreadable_content_is_not_kept(struct kit *k)
{
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (size_t i = 1; i < COUNT_OF(sizes); i++) {
        struct kit_content c;

        kit_content_make(&c, 400 + i, sizes[i]);
        kit_expect_code(k, kit_blob_put_as(&b, c.hash, &c, sizes[i] / 2), FF_INVALID,
                        &b.err, "a put of %zu bytes, the second half unreadable",
                        sizes[i]);
        kit_expect(k, b.err.msg[0], "the failure has no sentence");
        kit_blob_must_lack(&b, c.hash, "after a put that could not be read");
        kit_content_done(&c);
    }
    kit_blob_close(&b);
}

static void a_second_put_is_one(struct kit *k)
{
    struct kit_listed listed = {0};
    struct kit_content c;
    struct kit_blobs b;

    kit_content_make(&c, 500, 70000);
    kit_blob_open(k, &b);
    for (int i = 0; i < 3; i++) {
        kit_blob_must_put(&b, &c, "again and again");
        kit_blob_must_get(&b, &c, "put again and again");
    }
    kit_blob_list_in(&b, KIT_SPACE, NULL, NULL, 0, &listed);
    kit_expect_int(k, listed.n, 1, "blobs after three puts of one content");
    kit_listed_done(&listed);
    kit_blob_close(&b);
    kit_content_done(&c);
}

static void other_sessions_see_it(struct kit *k)
{
    struct kit_blobs first, second;
    struct kit_content c;

    kit_blob_open(k, &first);
    kit_blob_open(k, &second);
    for (uint64_t i = 0; i < 20; i++) {
        kit_content_make(&c, 600 + i, 1000);
        kit_blob_must_put(i % 2 ? &first : &second, &c, "in one session");
        kit_blob_must_get(i % 2 ? &second : &first, &c, "in another session");
        kit_content_done(&c);
    }
    kit_blob_close(&first);
    kit_blob_close(&second);
}

const struct kit_check kit_blob_put[] = {
    {.name = "put/round-trip",
     .what = "content of any length comes back as it was put",
     .run = content_comes_back,
     .deadline_s = 60},
    {.name = "put/reads",
     .what = "put reads within the content, on its own thread, until it returns",
     .run = reads_stay_within,
     .deadline_s = 60},
    {.name = "put/other-content",
     .what = "content with another hash is FF_INVALID and not kept",
     .run = other_content_is_refused,
     .deadline_s = 60},
    {.name = "put/unreadable",
     .what = "content that cannot be read is FF_INVALID and not kept",
     .run = unreadable_content_is_not_kept,
     .deadline_s = 60},
    {.name = "put/again",
     .what = "the same content put again is one blob",
     .run = a_second_put_is_one},
    {.name = "put/sessions",
     .what = "what one session put the others see at once",
     .run = other_sessions_see_it},
    {0},
};
