/* token.c - the service credential: a file that only its owner can read, with one long
 * random text a line. More than one line is for the time of a change: executors send
 * the first, the fleet takes each. */
#include "fleet/fleet_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)64 << 10)
#define STANDARD_INPUT "-"
#define DISTINCT_MIN                                                                   \
    8 /* of random hexadecimal digits there are more, but for once in                  \
       * ten million files */

static bool is_weak(const char *token)
{
    bool seen[256] = {false};
    size_t n = 0;

    for (const char *p = token; *p; p++) {
        n += !seen[(unsigned char)*p];
        seen[(unsigned char)*p] = true;
    }
    return strlen(token) < FLEET_TOKEN_MIN || n < DISTINCT_MIN;
}

static int check_file(const char *path, struct ff_err *err)
{
    struct stat st;

    if (strcmp(path, STANDARD_INPUT) == 0)
        return FF_OK;
    if (stat(path, &st) != 0)
        return ff_fail(err, FF_INVALID, errno, "auth.executor_token_file: %.140s: %s",
                       path, strerror(errno));
    if (st.st_mode & 077)
        return ff_fail(err, FF_INVALID, 0,
                       "auth.executor_token_file: %.120s can be read by others: "
                       "chmod 600",
                       path);
    return FF_OK;
}

static int take_line(const char *path, const char *line, struct fleet_tokens *out,
                     struct ff_err *err)
{
    if (!*line)
        return FF_OK;
    if (strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                     "-._~+/=") != strlen(line))
        return ff_fail(err, FF_INVALID, 0,
                       "auth.executor_token_file: %.120s holds something else than "
                       "letters, digits and -._~+/=",
                       path);
    if (is_weak(line))
        return ff_fail(err, FF_INVALID, 0,
                       "auth.executor_token_file: what %.100s holds can be guessed: "
                       "take %d random bytes, as from openssl rand -hex 32",
                       path, FLEET_TOKEN_MIN);
    ARRAY_ADD(out, mem_text(line));
    return FF_OK;
}

static int take_lines(const char *path, char *text, struct fleet_tokens *out,
                      struct ff_err *err)
{
    char *save = NULL;
    int code = FF_OK;

    for (char *line = strtok_r(text, "\r\n", &save); line && code == FF_OK;
         line = strtok_r(NULL, "\r\n", &save))
        code = take_line(path, line, out, err);
    if (code == FF_OK && out->n == 0)
        code = ff_fail(err, FF_INVALID, 0, "auth.executor_token_file: %.140s is empty",
                       path);
    return code;
}

static int read_input(struct buf *out)
{
    ssize_t n = 1;

    while (n != 0 && out->len < FILE_MAX_BYTES) {
        n = read(STDIN_FILENO, buf_room(out, 4096), 4096);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            buf_added(out, (size_t)n);
    }
    /* Who is started from here shall not read it again. */
    const int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (none < 0 || dup2(none, STDIN_FILENO) < 0)
        return -errno;
    close(none);
    return 0;
}

int fleet_read_tokens(const char *path, struct fleet_tokens *out, struct ff_err *err)
{
    struct buf text = {0};

    *out = (struct fleet_tokens){0};
    if (check_file(path, err) != FF_OK)
        return err->code;
    const int sys = strcmp(path, STANDARD_INPUT) == 0
                        ? read_input(&text)
                        : file_read(path, FILE_MAX_BYTES, &text);
    int code = sys == 0 ? FF_OK
                        : ff_fail(err, FF_INVALID, -sys,
                                  "auth.executor_token_file: %.140s: %s", path,
                                  strerror(-sys));
    if (code == FF_OK && text.len > 0)
        code = take_lines(path, text.data, out, err);
    else if (code == FF_OK)
        code = ff_fail(err, FF_INVALID, 0, "auth.executor_token_file: %.140s is empty",
                       path);
    if (text.data)
        explicit_bzero(text.data, text.len);
    buf_done(&text);
    if (code != FF_OK)
        fleet_tokens_done(out);
    return code;
}

int fleet_reload_tokens(struct fleet *f, struct ff_err *err)
{
    struct fleet_tokens tokens;

    if (strcmp(f->setup.token_file, STANDARD_INPUT) == 0)
        return ff_fail(err, FF_UNSUPPORTED, 0, "it came by standard input");
    if (fleet_read_tokens(f->setup.token_file, &tokens, err) != FF_OK)
        return err->code;
    fleet_tokens_done(&f->tokens);
    f->tokens = tokens;
    return FF_OK;
}

void fleet_tokens_done(struct fleet_tokens *t)
{
    for (size_t i = 0; i < t->n; i++) {
        explicit_bzero(t->items[i], strlen(t->items[i]));
        mem_free(t->items[i]);
    }
    ARRAY_DONE(t);
}
