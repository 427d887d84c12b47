/* plugins/shared/place.h - where a store that is a file lives: its directory, its
 * modes, and copies that get their name only when they are whole. Compiled into each
 * driver that lists it. */
#ifndef PLUGINS_SHARED_PLACE_H
#define PLUGINS_SHARED_PLACE_H

#include <flowforge/store.h>
#include <stdbool.h>

/* Makes the directory (0700) and an empty file (0600) when they are not there, and
 * closes the file to others when it is open to them. */
int place_make(const struct ff_host *host, const char *path, struct ff_err *err);

/* Is the directory of `path` on a file system that other machines can write to? */
bool place_is_on_network(const char *path);

/* Makes what was created in the directory of `path` survive a power cut. */
void place_sync_directory(const char *path);

/* An empty file beside `to`, whose name goes to `part` (PATH_MAX bytes). FF_INVALID
 * when there is a file of the name `to`. */
int place_begin_copy(const char *to, char *part, struct ff_err *err);
/* Flushes `part` and gives it the name `to`, durably. */
int place_end_copy(const char *part, const char *to, struct ff_err *err);

#endif
