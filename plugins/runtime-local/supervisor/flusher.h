/* flusher.h - a thread that makes durable what was written to a file, one flush at a
 * time, while the loop goes on. The only thread besides the loop's; it touches
 * nothing but what it was given. */
#ifndef SUPERVISOR_FLUSHER_H
#define SUPERVISOR_FLUSHER_H

#include <stdbool.h>

struct flusher {
    int ask_fd;
    int done_fd; /* readable once a flush is over */
    bool busy;   /* one is out, and its end was not taken note of */
    int file_fd; /* of the flush; the thread's while busy, as the next */
    int failed;  /* an errno. One that failed is not repeated: the kernel may have
                  * dropped the pages and would call the next flush a success */
};

bool flusher_start(struct flusher *flusher);

/* MUST NOT be busy. */
void flusher_begin(struct flusher *flusher, int fd);

/* Waits for the flush that is out, if any. 0 or an errno. It stays busy for
 * flusher_end, so that done_fd still wakes who is to be told. */
int flusher_wait(struct flusher *flusher);

/* When done_fd is readable: takes note. 0 or an errno. */
int flusher_end(struct flusher *flusher);

#endif
