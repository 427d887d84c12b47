/* kit/kit_blob_remove.c - checks of what is deleted, and what a put keeps from that. */
#include "kit/kit_blob.h"

#include <string.h>
#include <unistd.h>

#define HOUR_US (INT64_C(3600) * UNITS_SECOND)

static void what_is_removed_is_gone(struct kit *k)
{
    struct kit_listed listed = {0};
    struct kit_content c;
    struct kit_blobs b;
    struct kit_got got;

    kit_content_make(&c, 1, 3000);
    kit_blob_open(k, &b);
    kit_blob_must_put(&b, &c, "to be removed");
    kit_blob_must_remove(&b, c.hash, "of what is there");
    kit_blob_must_lack(&b, c.hash, "of what was removed");
    kit_expect_code(k, kit_blob_get_in(&b, KIT_SPACE, &c, &got), FF_NOT_FOUND, &b.err,
                    "a get of what was removed");
    kit_blob_list_in(&b, NULL, NULL, NULL, 0, &listed);
    kit_expect_int(k, listed.n, 0, "blobs, the only one being removed");
    kit_listed_done(&listed);
    kit_blob_close(&b);
    kit_content_done(&c);
}

static void removing_what_is_absent_succeeds(struct kit *k)
{
    struct kit_content c;
    struct kit_blobs b;

    kit_content_make(&c, 2, 100);
    kit_blob_open(k, &b);
    kit_blob_must_remove(&b, c.hash, "of what was never put");
    kit_blob_must_put(&b, &c, "to be removed twice");
    kit_blob_must_remove(&b, c.hash, "of what is there");
    kit_blob_must_remove(&b, c.hash, "of what was removed");
    kit_blob_close(&b);
    kit_content_done(&c);
}

static void a_recent_put_is_kept(struct kit *k)
{
    const int64_t before_us =
        loop_wall_us(kit_loop(k)) - FF_BLOB_RENEW_US - 2 * HOUR_US;
    struct ff_blob_info info;
    struct kit_content c;
    struct kit_blobs b;

    kit_content_make(&c, 3, 100);
    kit_blob_open(k, &b);
    kit_blob_must_put(&b, &c, "just now");
    kit_expect_code(k, kit_blob_remove_in(&b, KIT_SPACE, c.hash, before_us),
                    FF_CONFLICT, &b.err, "a remove of what was put before yesterday");
    kit_blob_must_get(&b, &c, "kept from a remove");
    kit_expect_code(k, kit_blob_stat_in(&b, KIT_SPACE, c.hash, &info), FF_OK, &b.err,
                    "a stat");
    kit_expect_code(k, kit_blob_remove_in(&b, KIT_SPACE, c.hash, info.put_us),
                    FF_CONFLICT, &b.err, "a remove with its own put_us");
    kit_blob_must_get(&b, &c, "kept from a remove with its own put_us");
    kit_expect_code(k, kit_blob_remove_in(&b, KIT_SPACE, c.hash, info.put_us + 1),
                    FF_OK, &b.err, "a remove with a time after its put_us");
    kit_blob_must_lack(&b, c.hash, "removed with a time after its put_us");
    kit_blob_close(&b);
    kit_content_done(&c);
}

static void what_was_removed_may_come_again(struct kit *k)
{
    struct kit_content c;
    struct kit_blobs b;

    kit_content_make(&c, 4, 100000);
    kit_blob_open(k, &b);
    for (int i = 0; i < 3; i++) {
        kit_blob_must_put(&b, &c, "after it was removed");
        kit_blob_must_get(&b, &c, "put after it was removed");
        kit_blob_must_remove(&b, c.hash, "again");
    }
    kit_blob_close(&b);
    kit_content_done(&c);
}

const struct kit_check kit_blob_remove[] = {
    {.name = "remove/gone",
     .what = "what is removed is gone for get, stat and list",
     .run = what_is_removed_is_gone},
    {.name = "remove/absent",
     .what = "a remove of what is not there succeeds",
     .run = removing_what_is_absent_succeeds},
    {.name = "remove/put-since",
     .what = "what was put at before_us or since is kept, by FF_CONFLICT",
     .run = a_recent_put_is_kept},
    {.name = "remove/put-again",
     .what = "what was removed can be put again",
     .run = what_was_removed_may_come_again},
    {0},
};
