/* cli_out.c - what commands print: sentences for people on standard error, results on
 * standard output, aligned columns, colours where they help. */
#include "cli/frame/frame.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- sentences --- */

static bool is_logged;

void cli_log_sentences(void)
{
    is_logged = true;
}

static void say(int level, const char *program, const char *sentence)
{
    struct buf line = {0};

    if (is_logged && log_is_json())
        log_add(&line, level, NULL, sentence);
    else
        buf_printf(&line, "%s%s\n", program, sentence);
    fputs(buf_text(&line), stderr);
    buf_done(&line);
}

int cli_fail(int code, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    say(LOG_ERROR, "flowforge: ", buf_text(&text));
    buf_done(&text);
    return code;
}

int cli_fail_err(const struct ff_err *err)
{
    struct buf text = {0};

    cli_add_clean(&text, err->msg, strlen(err->msg));
    const int code = cli_fail((int)cli_exit_of_err(err), "%s", buf_text(&text));
    buf_done(&text);
    return code;
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    if (c->quiet || c->json)
        return;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    say(LOG_INFO, "", buf_text(&text));
    buf_done(&text);
}

int cli_print(struct buf *text)
{
    const size_t len = text->len;
    const bool overflow = text->overflow;
    const size_t n = fwrite(buf_text(text), 1, len, stdout);

    buf_done(text);
    if (overflow)
        return cli_fail(CLI_INTERNAL, "this is too much to print at once");
    if (n != len || fflush(stdout) != 0)
        return CLI_IO;
    return CLI_OK;
}

/* --- text --- */

static const char *const colour_codes[] = {
    [CLI_PLAIN] = "",        [CLI_DIM] = "\x1b[2m",    [CLI_BOLD] = "\x1b[1m",
    [CLI_RED] = "\x1b[31m",  [CLI_GREEN] = "\x1b[32m", [CLI_YELLOW] = "\x1b[33m",
    [CLI_BLUE] = "\x1b[36m",
};

void cli_add_clean(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        const unsigned char c = (unsigned char)text[i];
        const size_t n = text_utf8_len(text + i, len - i);
        /* U+0080..U+009F steer terminals too: they are C2 80 .. C2 9F. */
        const bool high = n == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0;
        if (n == 0 || high || c < 0x20 || c == 0x7f) {
            buf_add_char(out, c == '\n' || c == '\t' ? ' ' : '?');
            i += n ? n : 1;
            continue;
        }
        buf_add(out, text + i, n);
        i += n;
    }
}

void cli_add_coloured(struct buf *out, bool on, enum cli_colour colour,
                      const char *text)
{
    on = on && colour != CLI_PLAIN;
    if (on)
        buf_add_text(out, colour_codes[colour]);
    buf_add_text(out, text);
    if (on)
        buf_add_text(out, "\x1b[0m");
}

enum cli_colour cli_run_colour(int64_t run_state)
{
    static const enum cli_colour colours[] = {
        [RUN_PENDING] = CLI_DIM,       [RUN_RUNNING] = CLI_BLUE,
        [RUN_CANCELLING] = CLI_YELLOW, [RUN_SUCCEEDED] = CLI_GREEN,
        [RUN_FAILED] = CLI_RED,        [RUN_CANCELLED] = CLI_YELLOW,
    };
    return run_state >= 0 && run_state < (int64_t)COUNT_OF(colours) ? colours[run_state]
                                                                    : CLI_PLAIN;
}

enum cli_colour cli_task_colour(int64_t task_state)
{
    static const enum cli_colour colours[] = {
        [TASK_WAITING] = CLI_DIM,      [TASK_QUEUED] = CLI_DIM,
        [TASK_RUNNING] = CLI_BLUE,     [TASK_RETRYING] = CLI_YELLOW,
        [TASK_SUCCEEDED] = CLI_GREEN,  [TASK_FAILED] = CLI_RED,
        [TASK_SKIPPED] = CLI_DIM,      [TASK_CANCELLED] = CLI_YELLOW,
        [TASK_SUSPENDED] = CLI_YELLOW,
    };
    return task_state >= 0 && task_state < (int64_t)COUNT_OF(colours)
               ? colours[task_state]
               : CLI_PLAIN;
}

/* The reason of a suspended task, as people say it. */
const char *cli_wait_word(const char *reason)
{
    static const char *const words[][2] = {
        {"sleep", "time"},
        {"approval", "approval"},
        {"event", "event"},
    };

    for (size_t i = 0; reason && i < COUNT_OF(words); i++)
        if (strcmp(words[i][0], reason) == 0)
            return words[i][1];
    return reason ? reason : "something";
}

void cli_user_name(char *out, size_t size)
{
    const struct passwd *user = getpwuid(geteuid());

    if (user)
        snprintf(out, size, "%s", user->pw_name);
    else
        snprintf(out, size, "uid %lld", (long long)geteuid());
}

bool cli_wait_names(const char *reason)
{
    return reason && strcmp(reason, "event") == 0;
}

/* A message about an exit code says the code itself. */
void cli_add_why(struct buf *out, const char *reason, int64_t exit_code,
                 const char *message)
{
    const bool by_code = reason && strcmp(reason, "exit_code") == 0;
    const bool says_code = exit_code != MODEL_NULL && exit_code != 0 && !message;

    if (reason && !by_code)
        buf_add_text(out, reason);
    if (says_code)
        buf_printf(out, "%sexit code %lld", reason && !by_code ? ", " : "",
                   (long long)exit_code);
    if (!message)
        return;
    if (reason && !by_code)
        buf_add_text(out, ": ");
    cli_add_clean(out, message, strlen(message));
}

size_t cli_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* --- columns --- */

void cli_cell_span(struct cli_grid *g, enum cli_colour colour, struct span text)
{
    struct cli_cell cell = {.colour = colour};
    struct buf clean = {0};

    if (text.s)
        cli_add_clean(&clean, text.s, text.len);
    cell.text = clean.data ? buf_take(&clean) : mem_text("");
    ARRAY_ADD(g, cell);
}

void cli_cell(struct cli_grid *g, enum cli_colour colour, const char *text)
{
    cli_cell_span(g, colour, span_of(text));
}

void cli_cell_f(struct cli_grid *g, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    cli_cell(g, CLI_PLAIN, buf_text(&text));
    buf_done(&text);
}

/* The last cell of a row that is not empty ends it: no blanks at the end of lines. */
static void add_row(const struct cli_grid *g, size_t row, const size_t *widths,
                    struct buf *out)
{
    const struct cli_cell *cells = &g->items[row * g->n_columns];
    uint32_t n = g->n_columns;

    while (n > 0 && !cells[n - 1].text[0])
        n--;
    for (uint32_t i = 0; i < n; i++) {
        cli_add_coloured(out, g->colour, cells[i].colour, cells[i].text);
        if (i + 1 == n)
            break;
        for (size_t k = cli_width(cells[i].text); k < widths[i] + 2; k++)
            buf_add_char(out, ' ');
    }
    buf_add_char(out, '\n');
}

void cli_grid_add_to(struct cli_grid *g, struct buf *out)
{
    size_t *widths = mem_array(g->n_columns, sizeof(*widths));
    const size_t n_rows = g->n / g->n_columns;

    for (size_t i = 0; i < g->n; i++) {
        const size_t width = cli_width(g->items[i].text);
        if (width > widths[i % g->n_columns])
            widths[i % g->n_columns] = width;
    }
    for (size_t row = 0; row < n_rows; row++)
        add_row(g, row, widths, out);
    mem_free(widths);
    for (size_t i = 0; i < g->n; i++)
        mem_free(g->items[i].text);
    ARRAY_DONE(g);
}

/* --- times --- */

void cli_time_text(int64_t us, char out[UNITS_TEXT])
{
    const time_t seconds = (time_t)(us / UNITS_SECOND);
    struct tm tm;

    if (us == MODEL_NULL || !localtime_r(&seconds, &tm))
        snprintf(out, UNITS_TEXT, "-");
    else
        strftime(out, UNITS_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
}

void cli_span_text(int64_t from_us, int64_t to_us, char out[UNITS_TEXT])
{
    if (from_us == MODEL_NULL || to_us == MODEL_NULL)
        snprintf(out, UNITS_TEXT, "-");
    else
        units_duration_text(to_us > from_us ? to_us - from_us : 0, out);
}

static bool ends_in(const char *name, const char *with)
{
    const size_t len = strlen(name);

    return len > strlen(with) && strcmp(name + len - strlen(with), with) == 0;
}

void cli_add_member(struct buf *out, const char *name, const json_t *value)
{
    char shown[UNITS_TEXT];

    if (json_is_integer(value) && ends_in(name, "_us")) {
        units_duration_text(json_integer_value(value), shown);
        buf_printf(out, " %.*s=%s", (int)(strlen(name) - strlen("_us")), name, shown);
    } else if (json_is_integer(value) && ends_in(name, "_at")) {
        units_time_text(json_integer_value(value), shown);
        buf_printf(out, " %s=%s", name, shown);
    } else {
        MEM_AUTO char *text = json_is_string(value) ? mem_text(json_string_value(value))
                                                    : json_text(value);
        buf_printf(out, " %s=", name);
        cli_add_clean(out, text, strlen(text));
    }
}
