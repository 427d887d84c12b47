/* base/log.c - the program's log: each entry is one line and one write, so that lines
 * of several threads and processes on one stderr do not mix. */
#include "base/log.h"

#include "base/json.h"
#include "base/units.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 16384 /* bytes; the rest of a longer message is left out */

static const struct {
    const char *json, *text, *colour;
} levels[] = {
    [LOG_ERROR] = {"error", "ERROR", "\x1b[31m"},
    [LOG_WARN] = {"warn", "WARN ", "\x1b[33m"},
    [LOG_INFO] = {"info", "INFO ", "\x1b[32m"},
    [LOG_DEBUG] = {"debug", "DEBUG", "\x1b[2m"},
};

static atomic_int max_level = LOG_INFO;
static atomic_bool as_json;
static _Atomic uint64_t counted[LOG_DEBUG + 1];
static atomic_bool coloured;

void log_setup(int level, bool json)
{
    const char *no_colour = getenv("NO_COLOR");

    atomic_store(&max_level, level);
    atomic_store(&as_json, json);
    atomic_store(&coloured, isatty(STDERR_FILENO) && !(no_colour && no_colour[0]));
}

bool log_is_json(void)
{
    return atomic_load(&as_json);
}

uint64_t log_counted(int level)
{
    return atomic_load_explicit(&counted[level], memory_order_relaxed);
}

static void now_text(char out[UNITS_TEXT])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    units_time_text((int64_t)now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000, out);
}

static void add_json(struct buf *line, int level, const char *who, const char *msg)
{
    struct jsonw w = {.out = line};
    char time[UNITS_TEXT];

    now_text(time);
    jsonw_open(&w, '{');
    jsonw_key(&w, "time");
    jsonw_text(&w, time);
    jsonw_key(&w, "level");
    jsonw_text(&w, levels[level].json);
    if (who) {
        jsonw_key(&w, "who");
        jsonw_text(&w, who);
    }
    jsonw_key(&w, "msg");
    jsonw_text(&w, msg);
    jsonw_close(&w, '}');
}

/* A message may hold what a user sent: no control character of it reaches a terminal,
 * and no line break forges an entry. */
static void add_printable(struct buf *line, const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c == '\n')
            buf_add_text(line, "\\n");
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            buf_printf(line, "\\x%02x", c);
        else
            buf_add_char(line, *text);
    }
}

static void add_text(struct buf *line, int level, const char *who, const char *msg)
{
    const bool colour = atomic_load(&coloured);
    char time[UNITS_TEXT];

    now_text(time);
    buf_printf(line, "%s %s%s%s ", time, colour ? levels[level].colour : "",
               levels[level].text, colour ? "\x1b[0m" : "");
    if (who) {
        add_printable(line, who);
        buf_add_text(line, ": ");
    }
    add_printable(line, msg);
}

void log_add(struct buf *out, int level, const char *who, const char *msg)
{
    if (log_is_json())
        add_json(out, level, who, msg);
    else
        add_text(out, level, who, msg);
    buf_add_char(out, '\n');
}

void log_vline(int level, const char *who, const char *fmt, va_list ap)
{
    char msg[MESSAGE_MAX];
    struct buf line = {0};

    if (level < LOG_ERROR)
        level = LOG_ERROR;
    if (level > LOG_DEBUG)
        level = LOG_DEBUG;
    if (level > atomic_load(&max_level))
        return;
    if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
        return;
    atomic_fetch_add_explicit(&counted[level], 1, memory_order_relaxed);
    log_add(&line, level, who, msg);
    /* Nobody is left to be told when the log cannot be written. */
    const ssize_t ignored = write(STDERR_FILENO, line.data, line.len);

    (void)ignored;
    buf_done(&line);
}

void log_line(int level, const char *who, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_vline(level, who, fmt, ap);
    va_end(ap);
}
