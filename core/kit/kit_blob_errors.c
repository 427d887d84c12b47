/* kit/kit_blob_errors.c - checks of sessions, and of what a driver does when the
 * machine does not play along. */
#include "kit/kit_blob.h"
#include "kit/kit_machine.h"

#include <signal.h>

/* --- sessions --- */

#define N_SESSIONS 16

static void closing_takes_null(struct kit *k)
{
    driver_blob_ops(kit_instance(k))->close(NULL);
}

static void a_ping_answers(struct kit *k)
{
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (int i = 0; i < 10; i++)
        kit_expect_code(k, b.ops->ping(b.session, &b.err), FF_OK, &b.err, "a ping");
    kit_blob_close(&b);
}

static void many_sessions_may_be_open(struct kit *k)
{
    struct kit_blobs s[N_SESSIONS];
    struct kit_content c[N_SESSIONS];

    for (int i = 0; i < N_SESSIONS; i++) {
        kit_blob_open(k, &s[i]);
        kit_content_make(&c[i], (uint64_t)i, 1000);
    }
    for (int i = 0; i < N_SESSIONS; i++)
        kit_blob_must_put(&s[i], &c[i], "in one of many sessions");
    for (int i = 0; i < N_SESSIONS; i += 2)
        kit_blob_close(&s[i]);
    for (int i = 1; i < N_SESSIONS; i += 2) {
        kit_blob_must_get(&s[i], &c[i - 1], "of a session that is closed");
        kit_blob_close(&s[i]);
    }
    for (int i = 0; i < N_SESSIONS; i++)
        kit_content_done(&c[i]);
}

/* --- places --- */

static void an_impossible_place_is_refused(struct kit *k)
{
    kit_expect_no_place(k, driver_open_blob, "blobs are");
}

/* --- no room --- */

#define ROOM_BYTES ((rlim_t)300 << 10)

/* A driver that keeps content elsewhere is not met by the limit. */
static void a_full_disk_is_told(struct kit *k)
{
    struct kit_content small, large;
    struct kit_blobs b;
    int code;

    if (!kit_uses(k, "dir"))
        kit_skip(k, "no option holds {dir}");
    signal(SIGXFSZ, SIG_IGN);
    kit_content_make(&small, 1, 1000);
    kit_content_make(&large, 2, 2 * ROOM_BYTES);
    kit_blob_open(k, &b);
    kit_set_room(k, ROOM_BYTES);
    code = kit_blob_put_in(&b, KIT_SPACE, &large);
    if (code == FF_OK)
        kit_skip(k, "files that cannot grow do not stop it");
    kit_expect_code(k, code, FF_FULL, &b.err, "a put without room");
    kit_expect(k, b.err.msg[0], "the failure has no sentence");
    kit_blob_must_lack(&b, large.hash, "of what did not fit");
    kit_blob_must_put(&b, &small, "when there is room for it");
    kit_set_room(k, RLIM_INFINITY);
    kit_blob_must_put(&b, &large, "when there is room again");
    kit_blob_must_get(&b, &large, "put when there was room again");
    kit_blob_must_get(&b, &small, "put when there was little room");
    kit_blob_close(&b);
    kit_content_done(&small);
    kit_content_done(&large);
}

const struct kit_check kit_blob_errors[] = {
    {.name = "errors/close", .what = "close takes NULL", .run = closing_takes_null},
    {.name = "errors/ping",
     .what = "a ping of a driver in order succeeds",
     .run = a_ping_answers},
    {.name = "errors/sessions",
     .what = "many sessions may be open, and one that closes leaves the others alone",
     .run = many_sessions_may_be_open},
    {.name = "errors/place",
     .what = "a place where no blobs can be is refused with a sentence",
     .run = an_impossible_place_is_refused},
    {.name = "errors/full",
     .what = "without room a put is FF_FULL and keeps nothing; with room it goes on",
     .run = a_full_disk_is_told},
    {0},
};
