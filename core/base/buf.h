/* base/buf.h - a growing run of bytes with a ceiling; always NUL-terminated. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <flowforge/base.h>
#include <stdbool.h>

struct buf {
    char *data; /* NUL-terminated once anything was added; NULL before */
    size_t len;
    size_t cap;
    size_t max;    /* ceiling; 0: 256 MiB */
    bool overflow; /* something did not fit and was left out whole */
};

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_int(struct buf *b, int64_t n);
void FF_PRINTF(2, 3) buf_printf(struct buf *b, const char *fmt, ...);
void FF_PRINTF(2, 0) buf_vprintf(struct buf *b, const char *fmt, va_list ap);
/* Room for len bytes at the end, to be written there and then counted by buf_added
 * (at most len); NULL where the ceiling forbids. */
char *buf_room(struct buf *b, size_t len);
void buf_added(struct buf *b, size_t len);
const char *buf_text(const struct buf *b); /* never NULL */
char *buf_take(struct buf *b);             /* caller frees; b is empty again */
void buf_drop(struct buf *b, size_t n);    /* removes the first n bytes */
void buf_clear(struct buf *b);             /* keeps the memory */
void buf_done(struct buf *b);

#endif
