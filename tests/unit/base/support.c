#include "support.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct rand support_rand(void)
{
    const char *given = getenv("FF_SEED");
    uint64_t seed = 0;
    struct rand r;

    if (given)
        seed = strtoull(given, NULL, 0);
    else
        rand_system(&seed, sizeof(seed));
    print_message("FF_SEED=%llu\n", (unsigned long long)seed);
    rand_seed(&r, seed);
    return r;
}

char *support_dir(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = file_join(parent ? parent : "/tmp", "ff-base-XXXXXX");

    assert_non_null(mkdtemp(path));
    return path;
}

int support_exit_code(void (*fn)(void))
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
