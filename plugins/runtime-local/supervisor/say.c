/* say.c - the supervisor's few words for people, in DIR/supervisor.log. */
#include "sup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_BYTES ((off_t)256 << 10) /* of each of two files */
#define OLD_LOG   RL_LOG ".1"

void open_log(const struct sup *sup)
{
    struct stat st;

    if (!fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode) && st.st_size < MAX_BYTES)
        return;
    if (!fstatat(sup->dir_fd, RL_LOG, &st, 0) && st.st_size >= MAX_BYTES)
        renameat(sup->dir_fd, RL_LOG, sup->dir_fd, OLD_LOG);
    const int fd = openat(sup->dir_fd, RL_LOG,
                          O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

void say(struct sup *sup, const char *fmt, ...)
{
    char text[512];
    struct tm tm;
    va_list ap;

    open_log(sup);
    const time_t now = time(NULL);
    gmtime_r(&now, &tm);
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ ", &tm);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "%d ", (int)getpid());
    va_start(ap, fmt);
    const int n = vsnprintf(text + len, sizeof(text) - len - 1, fmt, ap);
    va_end(ap);
    len += (size_t)n < sizeof(text) - len - 1 ? (size_t)n : sizeof(text) - len - 2;
    text[len++] = '\n';
    if (write(STDERR_FILENO, text, len) < 0)
        return; /* a full disk: there is nobody else to tell */
}
