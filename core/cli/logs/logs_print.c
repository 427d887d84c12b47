/* logs_print.c - see logs_print.h. Long lines come in pieces; pieces of different lines
 * are never mixed on one. */
#include "cli/logs/logs_print.h"

static const enum cli_colour source_colours[] = {CLI_BLUE, CLI_GREEN, CLI_YELLOW,
                                                 CLI_BOLD};

static enum cli_colour colour_of(const struct log_source *s)
{
    uint64_t h = 0;

    for (const char *c = s->task; *c; c++)
        h = rand_mix(h ^ (unsigned char)*c);
    return source_colours[h % COUNT_OF(source_colours)];
}

static void print_json(struct logs_print *p, const struct log_source *s)
{
    const struct log_line *line = &s->line;
    struct jsonw w = {.out = &p->out};
    struct buf text = {0};

    jsonw_open(&w, '{');
    jsonw_key(&w, "time");
    jsonw_text_len(&w, line->time.s, line->time.len);
    jsonw_key(&w, "task");
    jsonw_text(&w, s->task);
    if (s->item >= 0) {
        jsonw_key(&w, "item");
        jsonw_int(&w, s->item);
    }
    jsonw_key(&w, "attempt");
    jsonw_int(&w, s->attempt);
    jsonw_key(&w, "stream");
    jsonw_text(&w, log_stream_names[line->stream]);
    if (!line->whole) {
        jsonw_key(&w, "partial");
        jsonw_bool(&w, true);
    }
    jsonw_key(&w, "text");
    /* JSON is UTF-8; what is none is replaced, as everybody's reader would. */
    for (size_t i = 0; i < line->text.len;) {
        const size_t n = text_utf8_error(line->text.s + i, line->text.len - i);
        buf_add(&text, line->text.s + i, n);
        i += n;
        if (i < line->text.len) {
            buf_add_text(&text, "\xef\xbf\xbd");
            i++;
        }
    }
    jsonw_text_len(&w, buf_text(&text), text.len);
    jsonw_close(&w, '}');
    buf_add_char(&p->out, '\n');
    buf_done(&text);
}

static void print_raw(struct logs_print *p, const struct log_source *s)
{
    const struct log_line *line = &s->line;

    /* Our own remarks are no bytes of the task's. */
    if (line->stream == LOG_SYSTEM)
        return;
    buf_add(&p->out, line->text.s, line->text.len);
    if (line->whole)
        buf_add_char(&p->out, '\n');
}

static void print_head(struct logs_print *p, const struct log_source *s)
{
    if (p->timestamps) {
        buf_add(&p->out, s->line.time.s, s->line.time.len);
        buf_add_char(&p->out, ' ');
    }
    if (p->prefix) {
        struct buf name = {0};
        buf_add_text(&name, s->path);
        if (s->attempt > 1)
            buf_printf(&name, "#%lld", (long long)s->attempt);
        cli_add_coloured(&p->out, p->colour, colour_of(s), buf_text(&name));
        buf_add_text(&p->out, " | ");
        buf_done(&name);
    }
}

static void print_text(struct logs_print *p, const struct log_source *s)
{
    const struct log_line *line = &s->line;
    const bool goes_on = p->open_source == s && p->open_stream == line->stream;

    if (!goes_on)
        logs_print_end(p);
    if (!goes_on)
        print_head(p, s);
    buf_add(&p->out, line->text.s, line->text.len);
    if (line->whole) {
        buf_add_char(&p->out, '\n');
        p->open_source = NULL;
    } else {
        p->open_source = s;
        p->open_stream = line->stream;
    }
}

void logs_print_line(struct logs_print *p, const struct log_source *s)
{
    if (p->only >= 0 && (int)s->line.stream != p->only)
        return;
    if (p->json)
        print_json(p, s);
    else if (p->raw)
        print_raw(p, s);
    else
        print_text(p, s);
}

void logs_print_end(struct logs_print *p)
{
    if (p->open_source)
        buf_add_char(&p->out, '\n');
    p->open_source = NULL;
}
