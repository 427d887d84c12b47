/* dirs.h - the attempts' private directories, and how they go away.
 *
 * DIR/attempts/NAME is $FF_OUT; DIR/work/NAME the working directory of those that
 * were given none. What cannot be deleted at a stroke is moved to DIR/trash, which
 * a process of its own empties. */
#ifndef SUPERVISOR_DIRS_H
#define SUPERVISOR_DIRS_H

#include <stdbool.h>
#include <stddef.h>

struct attempt;
struct sup;

/* Makes and opens attempts, work and trash. False with errno. */
bool dirs_open(struct sup *sup);

bool dirs_make(struct sup *sup, struct attempt *attempt, bool work);
void dirs_work_path(const struct sup *sup, const struct attempt *attempt, char *path,
                    size_t size);
void dirs_remove(struct sup *sup, struct attempt *attempt);

/* Moves DIR_FD/name to the trash. */
void dirs_throw_away(struct sup *sup, int dir_fd, const char *name);

/* Moves to the trash what belongs to no known attempt. */
void dirs_tidy(struct sup *sup);

/* Starts the process that empties the trash, when there is need and it is not
 * running. */
void dirs_empty_trash(struct sup *sup);

/* What that process does: deletes everything in ./trash. The exit code. */
int dirs_empty_main(void);

#endif
