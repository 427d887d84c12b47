/* report.c - what running tasks say through the task API. What is acknowledged is in
 * the kernel's hands first, so that killing this process loses none of it. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOG_PIECE ((size_t)16 * 1024)

/* One that nobody has named yet may be the current one of a run that is being loaded.
 */
struct attempt *attempt_current(const struct exec *x, const struct attempt_key *key,
                                struct ff_err *err)
{
    struct attempt *a = attempt_by_key(x, key);

    if (a && a->state != ATTEMPT_REPORTED &&
        x->setup.source.is_current(x->setup.source.arg, key))
        return a;
    if (!a && !x->all_named)
        ff_fail(err, FF_UNAVAILABLE, 0,
                "the server has begun a moment ago, and looks for what runs");
    else
        ff_fail(err, FF_CONFLICT, 0, "this attempt is not the current one");
    return NULL;
}

int exec_authorize(struct exec *x, const char *token, struct exec_caller *who,
                   struct ff_err *err)
{
    struct attempt_key key;

    if (token_check(x, token, &key, err) != FF_OK)
        return err->code;
    const struct attempt *a = attempt_current(x, &key, err);
    if (!a)
        return err->code;
    *who = (struct exec_caller){.attempt_id = a->id,
                                .task_id = a->task_id,
                                .run_id = a->run_id,
                                .tenant = a->tenant,
                                .project = a->project,
                                .attempt = a->key.attempt,
                                .handle = a->handle};
    return FF_OK;
}

static struct attempt *caller(struct exec *x, int64_t handle, struct ff_err *err)
{
    struct attempt *a = attempt_by_handle(x, handle);

    if (!a)
        ff_fail(err, FF_CONFLICT, 0, "this attempt is not the current one");
    else
        attempt_heard(a); /* whatever comes of what it says */
    if (a && !attempt_is_masked(a)) {
        ff_fail(err, FF_BUSY, 0,
                "the secrets of this attempt are being read: try again");
        return NULL;
    }
    return a;
}

static int append(const char *path, int *fd, const struct buf *b, struct ff_err *err)
{
    if (*fd < 0)
        *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (*fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%s: %s", path, strerror(errno));
    const ssize_t n = write(*fd, b->data, b->len);
    if (n != (ssize_t)b->len)
        return ff_fail(err, FF_UNAVAILABLE, n < 0 ? errno : ENOSPC, "%s: %s", path,
                       strerror(n < 0 ? errno : ENOSPC));
    return FF_OK;
}

/* How much of a text that goes on goes into a record: no character is cut in two. */
static size_t piece_of(const char *text)
{
    size_t n = LOG_PIECE;

    while (n > LOG_PIECE - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* Long ones in pieces, as a runtime has them: who reads a log holds one at a time. */
void sdk_log_line(struct buf *b, const struct exec_log_line *line,
                  const struct masks *masks)
{
    char time[UNITS_TEXT];
    struct buf text = {0};
    size_t at = 0;

    units_time_text(line->time_us, time);
    if (strcmp(line->level, "info") != 0)
        buf_printf(&text, "[%s] ", line->level);
    if (masks)
        masks_text(masks, line->text, line->len, &text);
    else
        buf_add(&text, line->text, line->len);
    while (text.len - at > LOG_PIECE) {
        const size_t n = piece_of(buf_text(&text) + at);

        buf_printf(b, "%s sdk P ", time);
        buf_add(b, buf_text(&text) + at, n);
        buf_add_char(b, '\n');
        at += n;
    }
    buf_printf(b, "%s sdk F ", time);
    buf_add(b, buf_text(&text) + at, text.len - at);
    buf_add_char(b, '\n');
    buf_done(&text);
}

int exec_task_log(struct exec *x, int64_t handle, const struct exec_log_line *lines,
                  size_t n, struct ff_err *err)
{
    struct attempt *a = caller(x, handle, err);
    struct buf b = {0};

    if (!a)
        return err->code;
    if (x->setup.log_max_bytes > 0 && a->sdk_log_bytes > x->setup.log_max_bytes)
        return FF_OK; /* over the limit, which the last line below has said */
    for (size_t i = 0; i < n; i++)
        sdk_log_line(&b, &lines[i], a->secrets ? &a->secrets->masks : NULL);
    a->sdk_log_bytes += (int64_t)b.len;
    if (x->setup.log_max_bytes > 0 && a->sdk_log_bytes > x->setup.log_max_bytes) {
        char time[UNITS_TEXT];
        units_time_text(loop_wall_us(x->setup.loop), time);
        buf_printf(&b,
                   "%s system F [flowforge: over the log limit: the rest is dropped]\n",
                   time);
    }
    MEM_AUTO char *path = file_join(a->log_dir, "sdk.log");
    if (a->sdk_log_fd < 0)
        file_make_dirs(a->log_dir, 0700);
    const int code = append(path, &a->sdk_log_fd, &b, err);
    buf_done(&b);
    return code;
}

static void set_text(const struct attempt *a, char **place, const char *text)
{
    struct buf b = {0};

    mem_free(*place);
    if (a->secrets && text) {
        masks_text(&a->secrets->masks, text, strlen(text), &b);
        *place = buf_take(&b);
    } else {
        *place = mem_text(text);
    }
}

int exec_task_status(struct exec *x, int64_t handle, const char *status, int progress,
                     const char *message, bool *cancel, struct ff_err *err)
{
    struct attempt *a = caller(x, handle, err);

    if (!a)
        return err->code;
    set_text(a, &a->status, status);
    if (message)
        set_text(a, &a->message, message);
    if (progress > a->progress) /* progress never goes back */
        a->progress = progress;
    *cancel = a->stop_asked;
    if (x->on_progress)
        x->on_progress(x->on_progress_arg, &a->key);
    return FF_OK;
}

/* data_dir/sdk/KEY.jsonl: one flat folder, since attempts come and go quickly. */
void attempt_sdk_path(struct attempt *a)
{
    char name[ATTEMPT_KEY_TEXT + 16];

    if (a->sdk_file)
        return;
    MEM_AUTO char *dir = file_join(a->exec->setup.data_dir, "sdk");
    snprintf(name, sizeof(name), "%s.jsonl", a->key_text);
    for (char *p = name; *p; p++)
        if (*p == ' ')
            *p = '-';
    a->sdk_file = file_join(dir, name);
}

static int make_sdk_file(struct attempt *a, struct ff_err *err)
{
    if (a->sdk_used)
        return FF_OK;
    MEM_AUTO char *dir = file_join(a->exec->setup.data_dir, "sdk");
    const int sys = file_make_dirs(dir, 0700);
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%s: %s", dir, strerror(-sys));
    attempt_sdk_path(a);
    a->sdk_used = true;
    return FF_OK;
}

int exec_task_output(struct exec *x, int64_t handle, const char *name,
                     const json_t *value, struct ff_err *err)
{
    struct attempt *a = caller(x, handle, err);
    struct buf b = {0};
    int fd = -1;

    if (!a || make_sdk_file(a, err) != FF_OK)
        return err->code;
    struct jsonw w = {.out = &b};
    jsonw_open(&w, '{');
    jsonw_key(&w, "kind");
    jsonw_text(&w, "output");
    jsonw_key(&w, "name");
    jsonw_text(&w, name);
    jsonw_key(&w, "value");
    json_t *shown = a->secrets ? masks_json(&a->secrets->masks, (json_t *)value) : NULL;
    jsonw_value(&w, shown ? shown : value);
    json_decref(shown);
    jsonw_close(&w, '}');
    buf_add_char(&b, '\n');
    const int code = append(a->sdk_file, &fd, &b, err);
    buf_done(&b);
    if (fd >= 0)
        close(fd);
    return code;
}

int exec_task_heartbeat(struct exec *x, int64_t handle, struct exec_beat *beat,
                        struct ff_err *err)
{
    struct attempt *a = caller(x, handle, err);

    if (!a)
        return err->code;
    beat->cancel = a->stop_asked;
    beat->expires_us = loop_wall_us(x->setup.loop) + token_life_us(a);
    beat->within_us = a->work.heartbeat_us / 3; /* two may be lost */
    token_make(x, a, beat->expires_us, beat->token);
    return FF_OK;
}
