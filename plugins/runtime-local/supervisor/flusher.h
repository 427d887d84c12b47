/* flusher.h - a thread that writes bytes to a file and makes them durable, one piece at
 * a time, while the loop goes on. The only thread besides the loop's; it touches
 * nothing but what it was given. */
#ifndef SUPERVISOR_FLUSHER_H
#define SUPERVISOR_FLUSHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct flusher {
    int ask_fd;
    int done_fd; /* readable once a piece is durable, or has failed */
    bool busy;   /* a piece is out, and its end was not taken note of */
    int file_fd; /* of the piece, as the next three: the thread's while busy */
    const uint8_t *bytes;
    size_t len;
    off_t at;
    int failed; /* an errno */
};

/* Writes and flushes here and now. 0 or an errno. One that failed is not repeated: the
 * kernel may have dropped the pages and would call the next flush a success. */
int flush_bytes(int fd, const uint8_t *bytes, size_t len, off_t at);

bool flusher_start(struct flusher *flusher);

/* MUST NOT be busy. The bytes belong to the thread until flusher_end. */
void flusher_begin(struct flusher *flusher, int fd, const uint8_t *bytes, size_t len,
                   off_t at);

/* Waits for the piece that is out, if any. 0 or an errno. It stays busy for
 * flusher_end, so that done_fd still wakes who is to be told. */
int flusher_wait(struct flusher *flusher);

/* When done_fd is readable: takes note. 0 or an errno. */
int flusher_end(struct flusher *flusher);

#endif
