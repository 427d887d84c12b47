/* tests/fuzz/fuzz_dir.c - a directory in memory for the targets whose parser reads
 * files. */
#include "fuzz.h"

#include <unistd.h>

static char dir[64];
static pid_t owner;

static void remove_dir(void)
{
    if (getpid() == owner)
        file_remove_tree(dir);
}

const char *fuzz_dir(void)
{
    if (*dir)
        return dir;
    strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/ff-fuzz-XXXXXX"
                                              : "/tmp/ff-fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(dir));
    owner = getpid();
    atexit(remove_dir);
    return dir;
}
