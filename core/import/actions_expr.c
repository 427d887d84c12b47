/* Expressions of GitHub Actions in our words. */
#include "import/actions.h"

#include <ctype.h>
#include <string.h>

static const char *const results[][2] = {{"success", "succeeded"},
                                         {"failure", "failed"},
                                         {"cancelled", "cancelled"},
                                         {"skipped", "skipped"}};

static const char *const contexts[][2] = {{"github.run_id", "run.id"},
                                          {"github.workflow", "workflow.name"},
                                          {"github.run_attempt", "attempt"},
                                          {"github.job", "run.name"}};

static const char *const functions[][2] = {{"toJSON", "to_json"},
                                           {"toJson", "to_json"},
                                           {"fromJSON", "json"},
                                           {"fromJson", "json"}};

static const char *const methods[] = {"contains", "startsWith", "endsWith"};

/* needs.build.outputs.path and its like, in our words. */
static bool add_path(struct import *im, const char *path, struct buf *out)
{
    char job[80] = "";
    char output[80] = "";

    if (im_word(path, contexts, COUNT_OF(contexts))) {
        buf_add_text(out, im_word(path, contexts, COUNT_OF(contexts)));
    } else if (sscanf(path, "needs.%79[^.].outputs.%79[^.]", job, output) == 2 ||
               sscanf(path, "jobs.%79[^.].outputs.%79[^.]", job, output) == 2) {
        buf_printf(out, "tasks.%s.outputs.%s", im_name(im, "jobs", job),
                   im_name(im, "outputs", output));
    } else if (sscanf(path, "needs.%79[^.].%79s", job, output) == 2 &&
               strcmp(output, "result") == 0) {
        buf_printf(out, "tasks.%s.status", im_name(im, "jobs", job));
    } else if (sscanf(path, "github.event.inputs.%79s", output) == 1 ||
               sscanf(path, "inputs.%79s", output) == 1) {
        buf_printf(out, "inputs.%s", im_name(im, "inputs", output));
    } else if (sscanf(path, "matrix.%79s", output) == 1) {
        buf_printf(out, "item.%s", im_name(im, "matrix", output));
    } else if (sscanf(path, "secrets.%79s", output) == 1 && out->len == 0) {
        buf_printf(out, "secrets.%s", im_name(im, "secrets", output));
    } else if (text_starts(path, "env.") || strcmp(path, "true") == 0 ||
               strcmp(path, "false") == 0 || strcmp(path, "null") == 0 ||
               isdigit((unsigned char)path[0])) {
        buf_add_text(out, path);
    } else {
        return false;
    }
    return true;
}

/* 'it''s' there is 'it\'s' here; words of results are ours. */
static const char *add_string(const char *text, struct buf *out)
{
    struct buf value = {0};

    for (text++; *text && (*text != '\'' || text[1] == '\''); text++) {
        text += *text == '\'';
        buf_add_char(&value, *text);
    }
    const char *ours = strstr(buf_text(out), ".status")
                           ? im_word(buf_text(&value), results, COUNT_OF(results))
                           : NULL;
    im_quote(out, ours ? ours : buf_text(&value), ours ? strlen(ours) : value.len);
    buf_done(&value);
    return text + (*text == '\'');
}

static bool add_expression(struct import *im, const char *text, struct buf *out);

/* contains(a, b) there is a.contains(b) here. */
static const char *add_call(struct import *im, const char *name, const char *text,
                            struct buf *out, bool *good)
{
    const char *ours = im_word(name, functions, COUNT_OF(functions));
    struct buf first = {0};
    struct buf rest = {0};
    int depth = 1;
    const char *start = ++text;
    const char *comma = NULL;

    for (; *text && depth > 0; text++) {
        depth += (*text == '(') - (*text == ')');
        if (*text == ',' && depth == 1 && !comma)
            comma = text;
    }
    const size_t len = (size_t)(text - start) - (depth == 0);
    const size_t before = comma ? (size_t)(comma - start) : len;
    const char *one = arena_text(&im->out.arena, start, before);
    const char *two =
        comma ? arena_text(&im->out.arena, comma + 1, len - before - 1) : "";
    bool method = false;
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        method = method || strcmp(name, methods[i]) == 0;
    *good = (ours || (method && comma)) && add_expression(im, one, &first) &&
            (!comma || add_expression(im, two, &rest));
    if (method)
        buf_printf(out, "%s.%s(%s)", buf_text(&first), name, buf_text(&rest));
    else
        buf_printf(out, "%s(%s)", ours ? ours : name, buf_text(&first));
    buf_done(&first);
    buf_done(&rest);
    return text;
}

static bool add_expression(struct import *im, const char *text, struct buf *out)
{
    bool good = true;

    while (*text && good) {
        const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                        "UVWXYZ0123456789_.-");
        if (*text == '\'') {
            text = add_string(text, out);
        } else if (len == 0) {
            const bool blank = isspace((unsigned char)*text);
            if (!blank || (out->len > 0 && text[1]))
                buf_add_char(out, blank ? ' ' : *text);
            text++;
        } else {
            const char *word = arena_text(&im->out.arena, text, len);
            text += len;
            if (*text == '(')
                text = add_call(im, word, text, out, &good);
            else
                good = add_path(im, word, out);
        }
    }
    return good;
}

bool actions_convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    struct buf made = {0};
    bool good = add_expression(im, text, &made);

    (void)arg;
    /* A secret stands alone or not at all. */
    if (text_starts(buf_text(&made), "secrets."))
        good = good && !text[strcspn(text, " =!&|,")];
    if (good)
        buf_add_text(expr, buf_text(&made));
    buf_done(&made);
    return good;
}

const struct im_syntax actions_syntax = {
    .open = "${{", .close = "}}", .convert = actions_convert, .arg = NULL};

/* What is left of a condition without its functions about states. */
const char *actions_rest(struct import *im, const char *text)
{
    static const char *const states[] = {"always()", "failure()", "success()",
                                         "!cancelled()"};
    char *rest = source_text(&im->out, "%s", text);

    for (size_t i = 0; i < COUNT_OF(states); i++)
        for (char *at; (at = strstr(rest, states[i]));)
            memset(at, ' ', strlen(states[i]));
    for (char *at; (at = strstr(rest, "${{"));)
        memset(at, ' ', 3);
    for (char *at; (at = strstr(rest, "}}"));)
        memset(at, ' ', 2);
    rest += strspn(rest, " &|");
    for (size_t len = strlen(rest); len > 0 && strchr(" &|", rest[len - 1]);)
        rest[--len] = '\0';
    return rest;
}
