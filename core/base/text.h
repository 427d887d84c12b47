/* base/text.h - checks and measures of text. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Offset of the first byte that is not valid UTF-8 (RFC 3629) or is NUL; len
 * when all is well. */
size_t text_utf8_error(const char *text, size_t len);

/* Bytes of the first character; 0 when it is not valid UTF-8 or there is none. */
size_t text_utf8_len(const char *text, size_t len);

/* [a-z_][a-z0-9_]*, at most 63 bytes: names of tasks, inputs, outputs. With
 * dashes: also '-' after the first: names of workflows. */
bool text_is_name(const char *text, bool dashes);

/* The candidate nearest to `word` by edit distance, or NULL when none is near
 * enough to be meant. Candidates end with NULL. */
const char *text_nearest(const char *word, const char *const *candidates);

bool text_starts(const char *text, const char *prefix);

/* Whether these bytes, which need not end with NUL, are the word. */
bool text_is(const char *text, size_t len, const char *word);

#endif
