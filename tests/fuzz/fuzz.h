/* tests/fuzz/fuzz.h - what the fuzz targets share. A target is one file fuzz_X.c with
 * one function, which libFuzzer calls with bytes of its own making and replay.c with
 * the kept ones of corpus/X. Beyond "it does not crash" each target says what must be
 * true of its parser's answers; what is not true ends the process. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/base.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(truth) fuzz_check((truth), __FILE__, __LINE__, #truth)

static inline void fuzz_check(bool truth, const char *file, int line, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
    abort();
}

/* A copy with a NUL behind it, of exactly that size, so that the sanitizer sees the
 * first byte beyond. mem_free it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    return mem_text_len((const char *)data, size);
}

/* The input taken apart: numbers from its front, texts up to a byte of a kind. */
struct fuzz_input {
    const uint8_t *at, *end;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static inline int64_t fuzz_number(struct fuzz_input *in)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | fuzz_byte(in);
    return (int64_t)n;
}

/* Up to the next `until`, which is taken too, or all; without NULs in it when until is
 * NUL. mem_free it. */
static inline char *fuzz_piece(struct fuzz_input *in, uint8_t until, size_t *len)
{
    const size_t left = (size_t)(in->end - in->at);
    const uint8_t *stop = left ? memchr(in->at, until, left) : NULL;
    char *text = fuzz_text(in->at, stop ? (size_t)(stop - in->at) : left);

    if (len)
        *len = stop ? (size_t)(stop - in->at) : left;
    in->at = stop ? stop + 1 : in->end;
    return text;
}

/* A new empty directory under /dev/shm or /tmp, which goes when the process ends. */
const char *fuzz_dir(void);

#endif
