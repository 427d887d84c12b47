/* kit/kit_machine.c - a machine that does not play along: places where nobody may keep
 * anything, and files that cannot grow. */
#include "kit/kit_machine.h"

#include <errno.h>
#include <string.h>

struct place {
    const char *dir;
    const char *what;
};

static void expect_refused(struct kit *k, const struct place *place, kit_open_fn *open,
                           const char *who)
{
    struct ff_err err = {0};
    void *session = NULL;
    struct driver_instance *i;

    kit_set(k, "dir", place->dir);
    i = kit_instance_with(k, NULL, &err);
    if (!i)
        return; /* refused before anything was opened: just as good */

    const int code = open(i, &session, &err);

    kit_expect(k, code != FF_OK, "%s open in %s, %s", who, place->dir, place->what);
    kit_expect(k, err.msg[0], "the refusal of %s has no sentence", place->dir);
    kit_expect(k, code != FF_BUSY && code != FF_CONFLICT && code != FF_IN_DOUBT,
               "%s, %s, is %s: %s", place->dir, place->what, kit_code_name(code),
               err.msg);
}

void kit_expect_no_place(struct kit *k, kit_open_fn *open, const char *who)
{
    MEM_AUTO char *file = file_join(kit_dir(k), "file");
    char longer[5000];
    const struct place places[] = {
        {file, "which is a file"},
        {"/dev/null/nowhere", "below a device"},
        {"/proc/self/nowhere", "where nobody may make anything"},
        {longer, "which is a name too long"},
    };

    if (!kit_uses(k, "dir"))
        kit_skip(k, "no option holds {dir}");
    kit_expect_int(k, file_write_durable(file, "x", 1, 0600), 0, "making a file");
    memset(longer, 'x', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(places); i++)
        expect_refused(k, &places[i], open, who);
}

void kit_set_room(struct kit *k, rlim_t bytes)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        kit_skip(k, "no limit of files: %s", strerror(errno));
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        kit_skip(k, "no limit of files: %s", strerror(errno));
}
