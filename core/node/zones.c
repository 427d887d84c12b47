/* zones.c - see zones.h. */
#include "node/zones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *zone_folder(void)
{
    const char *given = getenv("TZDIR");

    return given && given[0] == '/' ? given : "/usr/share/zoneinfo";
}

static struct zone *read_zone(const char *name, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(zone_folder(), name);
    struct buf bytes = {0};
    struct zone *z = NULL;
    const int sys = file_read(path, ZONE_MAX_BYTES, &bytes);

    if (sys == -ENOENT)
        ff_fail(err, FF_NOT_FOUND, 0,
                "there is no time zone %s in %.100s; is tzdata installed?", name,
                zone_folder());
    else if (sys != 0)
        ff_fail(err, FF_UNAVAILABLE, -sys, "time zone %s: %s", name, strerror(-sys));
    else
        z = zone_new(buf_text(&bytes), bytes.len, err);
    buf_done(&bytes);
    return z;
}

const struct zone *zones_find(void *arg, const char *name, struct ff_err *err)
{
    struct zones *z = arg;
    struct zone *found = map_get_text(&z->by_name, name);

    if (strcmp(name, "UTC") == 0)
        return zone_utc; /* also where no files are */
    if (found)
        return found;
    if (!zone_name_is_valid(name)) {
        ff_fail(err, FF_INVALID, 0, "%.64s is no name of a time zone", name);
        return NULL;
    }
    found = read_zone(name, err);
    if (found)
        map_set_text(&z->by_name, name, found);
    return found;
}

bool zones_are_here(void)
{
    return access(zone_folder(), F_OK) == 0;
}

void zones_done(struct zones *z)
{
    void *value;

    for (size_t i = 0; map_next(&z->by_name, &i, &value);)
        zone_free(value);
    map_done(&z->by_name);
}
