/* wire.c - attempts and what is said of them as JSON. Arguments, variables, folders and
 * standard input may be any bytes, which JSON cannot hold: they are base64, lists with
 * a NUL behind each text. */
#include "fleet/fleet_priv.h"

#include <string.h>

#define LIST_MAX 65536

/* --- an attempt --- */

static void write_bytes(struct jsonw *w, const char *key, const void *bytes, size_t len)
{
    struct buf text = {0};

    base64_add(&text, bytes, len);
    jsonw_key(w, key);
    jsonw_text_len(w, buf_text(&text), text.len);
    if (text.data)
        explicit_bzero(text.data, text.len);
    buf_done(&text);
}

static void write_list(struct jsonw *w, const char *key, const char *const *items)
{
    struct buf all = {0};

    for (size_t i = 0; items && items[i]; i++)
        buf_add(&all, items[i], strlen(items[i]) + 1);
    write_bytes(w, key, buf_text(&all), all.len);
    if (all.data)
        explicit_bzero(all.data, all.len);
    buf_done(&all);
}

static void write_int(struct jsonw *w, const char *key, int64_t n)
{
    jsonw_key(w, key);
    jsonw_int(w, n);
}

void fleet_spec_write(struct buf *out, const struct ff_run_spec *spec)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    jsonw_key(&w, "attempt");
    jsonw_text(&w, spec->attempt_id);
    write_list(&w, "argv", spec->argv);
    write_list(&w, "env", spec->env);
    if (FF_HAS(spec, masks))
        write_list(&w, "masks", spec->masks);
    if (spec->dir)
        write_bytes(&w, "dir", spec->dir, strlen(spec->dir));
    if (spec->input)
        write_bytes(&w, "input", spec->input, spec->input_len);
    if (FF_HAS(spec, files_dir) && spec->files_dir) {
        jsonw_key(&w, "files");
        jsonw_bool(&w, true);
    }
    write_int(&w, "log_max_bytes", spec->log_max_bytes);
    write_int(&w, "timeout_us", spec->timeout_us);
    write_int(&w, "grace_us", spec->grace_us);
    write_int(&w, "cpu_milli", spec->cpu_milli);
    write_int(&w, "memory_bytes", spec->memory_bytes);
    jsonw_close(&w, '}');
}

/* In the arena, with a NUL behind it; NULL: absent, or no such text. */
static char *read_bytes(struct arena *arena, const json_t *from, const char *key,
                        size_t *len)
{
    const json_t *text = json_object_get(from, key);
    struct buf bytes = {0};
    char *copy = NULL;

    if (json_is_string(text) &&
        base64_read(json_string_value(text), json_string_length(text), &bytes)) {
        copy = arena_text(arena, buf_text(&bytes), bytes.len);
        *len = bytes.len;
    }
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.len);
    buf_done(&bytes);
    return copy;
}

/* Ends with NULL; NULL: absent, or no such list. */
static const char *const *read_list(struct arena *arena, const json_t *from,
                                    const char *key)
{
    size_t len = 0, n = 0;
    char *all = read_bytes(arena, from, key, &len);

    if (!all || (len > 0 && all[len - 1] != '\0'))
        return NULL;
    for (size_t i = 0; i < len; i++)
        n += all[i] == '\0';
    if (n > LIST_MAX)
        return NULL;
    const char **items = arena_alloc(arena, (n + 1) * sizeof(*items));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        items[i] = all + at;
        at += strlen(items[i]) + 1;
    }
    items[n] = NULL;
    return items;
}

static int64_t read_int(const json_t *from, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(from, key));

    return n > 0 ? n : 0;
}

/* What is there and cannot be read is not left out: without its masks a task would show
 * its secrets. */
static bool is_whole(const json_t *value, const struct ff_run_spec *s)
{
    return (s->masks || !json_object_get(value, "masks")) &&
           (s->dir || !json_object_get(value, "dir")) &&
           (s->input || !json_object_get(value, "input"));
}

int fleet_spec_read(const json_t *value, struct fleet_spec *out, struct ff_err *err)
{
    const char *id = json_string_value(json_object_get(value, "attempt"));
    struct arena *arena = &out->arena;
    size_t len = 0;

    *out = (struct fleet_spec){0};
    struct ff_run_spec *s = &out->spec;
    *s = (struct ff_run_spec){.struct_size = sizeof(*s),
                              .log_max_bytes = read_int(value, "log_max_bytes"),
                              .timeout_us = read_int(value, "timeout_us"),
                              .grace_us = read_int(value, "grace_us"),
                              .cpu_milli = read_int(value, "cpu_milli"),
                              .memory_bytes = read_int(value, "memory_bytes")};
    s->attempt_id = id ? arena_text(arena, id, strlen(id)) : NULL;
    s->argv = read_list(arena, value, "argv");
    s->env = read_list(arena, value, "env");
    s->masks = read_list(arena, value, "masks");
    s->dir = read_bytes(arena, value, "dir", &len);
    s->input = read_bytes(arena, value, "input", &s->input_len);
    out->files = json_is_true(json_object_get(value, "files"));
    const bool whole = is_whole(value, s);
    if (s->masks && !s->masks[0])
        s->masks = NULL;
    if (whole && id && s->argv && s->argv[0] && s->env)
        return FF_OK;
    fleet_spec_done(out);
    return ff_fail(err, FF_INVALID, 0, "that is no attempt to start");
}

void fleet_spec_done(struct fleet_spec *s)
{
    if (s->spec.input)
        explicit_bzero((void *)(uintptr_t)s->spec.input, s->spec.input_len);
    arena_done(&s->arena);
    *s = (struct fleet_spec){0};
}

/* --- what is said of it --- */

static const char *const words[] = {
    [FLEET_STARTED] = "started",
    [FLEET_UNSTARTED] = "unstarted",
    [FLEET_FAILED] = "failed",
    [FLEET_ENDED] = "ended",
};

/* A message may name a file, whose name may be any bytes. */
static json_t *clean_text(const char *text)
{
    if (!text)
        return json_null();
    const size_t len = strlen(text);
    if (text_utf8_error(text, len) == len)
        return json_stringn(text, len);
    MEM_AUTO char *copy = mem_text_len(text, len);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_stringn(copy, len);
}

json_t *fleet_event_json(const struct fleet_event *said)
{
    const struct ff_run_event *e = &said->event;
    json_t *v = json_pack("{s:s, s:s, s:o}", "attempt", e->attempt_id, "event",
                          words[said->word], "message", clean_text(e->message));
    const struct {
        const char *key;
        int64_t n;
    } numbers[] = {
        {"seq", (int64_t)said->seq},
        {"state", e->state},
        {"exit_code", e->exit_code},
        {"signal", e->signal},
        {"reason", e->reason},
        {"started_us", e->started_us},
        {"ended_us", e->ended_us},
        {"log_chunks", (int64_t)e->log_chunks},
        {"log_bytes", (int64_t)e->log_bytes},
        {"log_dropped", (int64_t)e->log_dropped},
    };

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        json_object_set_new(v, numbers[i].key, json_integer(numbers[i].n));
    return v;
}

static bool find_word(const char *text, enum fleet_word *out)
{
    for (size_t i = 0; text && i < COUNT_OF(words); i++)
        if (strcmp(words[i], text) == 0) {
            *out = (enum fleet_word)i;
            return true;
        }
    return false;
}

int fleet_event_read(const json_t *value, struct fleet_event *out, struct ff_err *err)
{
    struct ff_run_event *e = &out->event;

    *out = (struct fleet_event){.seq = (uint64_t)read_int(value, "seq")};
    *e = (struct ff_run_event){
        .struct_size = sizeof(*e),
        .state = (uint32_t)read_int(value, "state"),
        .attempt_id = json_string_value(json_object_get(value, "attempt")),
        .exit_code = (int32_t)read_int(value, "exit_code"),
        .signal = (int32_t)read_int(value, "signal"),
        .reason = (uint32_t)read_int(value, "reason"),
        .started_us = read_int(value, "started_us"),
        .ended_us = read_int(value, "ended_us"),
        .message = json_string_value(json_object_get(value, "message")),
        .log_chunks = (uint64_t)read_int(value, "log_chunks"),
        .log_bytes = (uint64_t)read_int(value, "log_bytes"),
        .log_dropped = (uint64_t)read_int(value, "log_dropped"),
    };
    if (!e->attempt_id ||
        !find_word(json_string_value(json_object_get(value, "event")), &out->word))
        return ff_fail(err, FF_INVALID, 0, "that is no event of an attempt");
    if (out->word == FLEET_ENDED &&
        (e->state < FF_RUN_EXITED || e->state > FF_RUN_REFUSED))
        return ff_fail(err, FF_INVALID, 0, "%u is no end of an attempt",
                       (unsigned)e->state);
    return FF_OK;
}
