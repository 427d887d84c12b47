/* process.c - this process as the kernel sees it: the numbers that all who are asked by
 * Prometheus give under the same names. */
#include "metrics/metrics.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILE_MAX ((size_t)4 * 1024 * 1024)

/* proc(5): fields of /proc/self/stat, the first one behind the name being 3. */
enum { FIELD_FIRST = 3, FIELD_UTIME = 14, FIELD_STIME, FIELD_START = 22, FIELD_VSIZE };
#define FIELD_RSS 24

static int64_t field(const struct buf *stat, int wanted)
{
    /* The name may hold blanks and parentheses. */
    const char *p = strrchr(buf_text(stat), ')');

    for (int i = FIELD_FIRST - 1; p && i < wanted; i++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }
    return p ? strtoll(p, NULL, 10) : 0;
}

static int64_t ticks_us(int64_t ticks)
{
    const long per_second = sysconf(_SC_CLK_TCK);

    return per_second > 0 ? ticks * UNITS_SECOND / per_second : 0;
}

/* The wall clock's time of the boot, which the start of a process counts from. */
static int64_t boot_us(void)
{
    struct buf text = {0};
    int64_t us = 0;

    if (file_read("/proc/stat", FILE_MAX, &text) == 0) {
        const char *line = strstr(buf_text(&text), "\nbtime ");

        us = line ? strtoll(line + strlen("\nbtime "), NULL, 10) * UNITS_SECOND : 0;
    }
    buf_done(&text);
    return us;
}

static int64_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t n = 0;

    if (!dir)
        return 0;
    for (const struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n - 1; /* the folder's own */
}

static int64_t max_fds(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur < INT64_MAX ? (int64_t)limit.rlim_cur : INT64_MAX;
}

int64_t metrics_process_start_us(void)
{
    struct buf stat = {0};
    int64_t us = 0;

    if (file_read("/proc/self/stat", FILE_MAX, &stat) == 0)
        us = boot_us() + ticks_us(field(&stat, FIELD_START));
    buf_done(&stat);
    return us;
}

struct metrics_process metrics_process(void)
{
    struct metrics_process p = {.n_fds = count_fds(), .n_fds_max = max_fds()};
    struct buf stat = {0};

    if (file_read("/proc/self/stat", FILE_MAX, &stat) == 0) {
        p.cpu_us = ticks_us(field(&stat, FIELD_UTIME) + field(&stat, FIELD_STIME));
        p.vm_bytes = field(&stat, FIELD_VSIZE);
        p.rss_bytes = field(&stat, FIELD_RSS) * sysconf(_SC_PAGESIZE);
    }
    buf_done(&stat);
    return p;
}
