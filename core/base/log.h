/* base/log.h - the program's own log: one line an entry on stderr, as text or
 * JSON. Any thread. Who decides, logs; who returns an error, does not. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <flowforge/base.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 1, LOG_WARN = 2, LOG_INFO = 3, LOG_DEBUG = 4 };

struct buf;

void log_setup(int level, bool json);
bool log_is_json(void);
/* Adds the entry of this message, with its time and a line break, as it would be
 * written now. */
void log_add(struct buf *out, int level, const char *who, const char *msg);
/* Lines of this level that were written so far. */
uint64_t log_counted(int level);
void FF_PRINTF(3, 4) log_line(int level, const char *who, const char *fmt, ...);
void log_vline(int level, const char *who, const char *fmt, va_list ap);

#define log_error(...) log_line(LOG_ERROR, NULL, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, NULL, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, NULL, __VA_ARGS__)

#endif
