/* driver/whole.c - sees that a shared object is all there before it is mapped.
 *
 * The dynamic linker believes the file's own table of segments. Where the file ends
 * before they do (a full disk, a copy that is still going on), the first touch of a
 * missing page kills the process with SIGBUS, and no sentence is ever said. */
#include "driver/driver_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 512 /* real ones have about ten */

/* Where the last byte lies that the linker would map; 0: not for us to say, the linker
 * has sentences of its own for files that are no library of this machine. */
static uint64_t end_of_segments(int fd)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) segment;
    uint64_t end = 0;

    if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_phentsize != sizeof(segment) || head.e_phnum > SEGMENTS_MAX)
        return 0;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        const uint64_t at = head.e_phoff + (uint64_t)i * sizeof(segment);

        if (pread(fd, &segment, sizeof(segment), (off_t)at) != (ssize_t)sizeof(segment))
            return at + sizeof(segment);
        if (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > end)
            end = segment.p_offset + segment.p_filesz;
    }
    return end;
}

int driver_check_whole(const char *path, const char *subject, struct ff_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        return ff_fail(err, FF_INVALID, why, "%s cannot be read: %s", subject,
                       strerror(why));
    }
    const uint64_t end = end_of_segments(fd);

    close(fd);
    if (end > (uint64_t)st.st_size)
        return ff_fail(err, FF_INVALID, 0,
                       "%s is cut short: it has %lld bytes and needs %llu", subject,
                       (long long)st.st_size, (unsigned long long)end);
    return FF_OK;
}
