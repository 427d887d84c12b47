/* mask.h - texts that must not stand in the log: they become "***", also when they come
 * in pieces. Works on bytes; what a text may look like in other forms is the asker's
 * business. */
#ifndef SUPERVISOR_MASK_H
#define SUPERVISOR_MASK_H

#include <stdbool.h>
#include <stddef.h>

#define MASK_MIN     4            /* bytes of a text; shorter ones are left alone */
#define MASK_MAX     (256u << 10) /* of one text; longer ones too */
#define MASK_STREAMS 2

struct mask;

/* texts ends with NULL. False without memory; *mask is NULL when there is nothing to
 * mask. piece: the most that is handed over at once. */
bool mask_new(const char *const *texts, size_t piece, struct mask **mask);
void mask_free(struct mask *mask); /* takes NULL */

/* Takes `len` bytes of a stream and gives back what may be written: *out, valid until
 * the next call, never longer than all that was taken. The beginning of a text at the
 * end is held back until more comes, or `end`. */
size_t mask_feed(struct mask *mask, int stream, const char *text, size_t len, bool end,
                 const char **out);

#endif
