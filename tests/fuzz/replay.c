/* tests/fuzz/replay.c - runs a fuzz target on kept inputs, without libFuzzer: any
 * compiler, any sanitizer.
 *
 *     fuzz-X FILE|DIRECTORY...    each file as it is, and cut off at 16 places
 *
 * A directory must hold inputs: a corpus that was lost would pass else. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

/* Only some targets have one. */
#pragma weak LLVMFuzzerInitialize

#define INPUT_MAX ((size_t)16 << 20)
#define N_CUTS    16

static size_t n_inputs;

/* A copy of its own size, so that a read beyond it is seen. */
static void run(const char *bytes, size_t len)
{
    uint8_t *copy = malloc(len);

    if (len)
        memcpy(copy, bytes, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static bool run_file(const char *path)
{
    struct buf b = {.max = INPUT_MAX};
    const int failed = file_read(path, INPUT_MAX, &b);

    if (failed) {
        fprintf(stderr, "%s: %s\n", path, strerror(-failed));
        return false;
    }
    for (size_t i = 0; i < N_CUTS; i++)
        run(buf_text(&b), b.len * i / N_CUTS);
    run(buf_text(&b), b.len);
    n_inputs++;
    buf_done(&b);
    return true;
}

static bool run_directory(const char *path)
{
    struct dirent **names;
    const int n = scandir(path, &names, NULL, alphasort);
    bool good = n >= 0;
    const size_t before = n_inputs;

    for (int i = 0; i < n; i++) {
        MEM_AUTO char *file = file_join(path, names[i]->d_name);

        if (names[i]->d_name[0] != '.')
            good = run_file(file) && good;
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    if (n_inputs == before) {
        fprintf(stderr, "%s: holds no inputs\n", path);
        return false;
    }
    return good;
}

int main(int argc, char **argv)
{
    bool good = argc > 1;

    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            good = run_directory(argv[i]) && good;
        else
            good = run_file(argv[i]) && good;
    }
    printf("%zu inputs\n", n_inputs);
    return good ? 0 : 1;
}
