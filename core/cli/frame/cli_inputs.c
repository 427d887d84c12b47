/* cli_inputs.c - the inputs of a run as the options --input and --inputs give them. */
#include "cli/frame/frame.h"

#include <errno.h>
#include <string.h>

#define INPUT_MAX (64u << 20) /* bytes of a file of inputs */

static int read_input_file(const char *path, struct buf *out)
{
    const int code = file_read(path, INPUT_MAX, out);

    if (code == 0)
        return CLI_OK;
    if (code == -EFBIG)
        return cli_fail(CLI_INVALID, "%s: a file of inputs has at most %u MiB", path,
                        INPUT_MAX >> 20);
    return cli_fail(code == -ENOENT ? CLI_NOT_FOUND : CLI_IO, "%s: %s", path,
                    strerror(-code));
}

static json_t *parse_file(const char *path, int *code)
{
    struct buf text = {0};
    struct ff_err err = {0};
    json_t *value = NULL;

    *code = read_input_file(path, &text);
    if (*code == CLI_OK) {
        value = json_parse(buf_text(&text), text.len, &err);
        if (!value)
            *code = cli_fail(CLI_INVALID, "%s: %s", path, err.msg);
    }
    buf_done(&text);
    return value;
}

static json_t *text_of_file(const char *path, int *code)
{
    struct buf text = {0};
    json_t *value = NULL;

    *code = read_input_file(path, &text);
    if (*code == CLI_OK) {
        value = json_stringn(buf_text(&text), text.len);
        if (!value)
            *code = cli_fail(CLI_INVALID, "%s is not valid UTF-8", path);
    }
    buf_done(&text);
    return value;
}

/* "text", "@file", "@file.json"; "@@text" stands for "@text". */
static json_t *value_of(const char *text, int *code)
{
    const size_t len = strlen(text);

    *code = CLI_OK;
    if (text[0] == '@' && text[1] != '@') {
        if (len > 5 && strcmp(text + len - 5, ".json") == 0)
            return parse_file(text + 1, code);
        return text_of_file(text + 1, code);
    }
    json_t *value = json_string(text[0] == '@' ? text + 1 : text);
    if (!value)
        *code = cli_fail(CLI_USAGE, "an input is not valid UTF-8");
    return value;
}

const char *cli_event_key(const struct cli *c, int *code)
{
    const char *key = cli_get(&c->args, "key");

    *code = CLI_OK;
    if (key && (!key[0] || strlen(key) > FLOW_EVENT_KEY_MAX ||
                text_utf8_error(key, strlen(key)) < strlen(key)))
        *code =
            cli_fail(CLI_USAGE, "--key is text of 1 to %d bytes", FLOW_EVENT_KEY_MAX);
    return key;
}

json_t *cli_event_data(const struct cli *c, int *code)
{
    const char *text = cli_get(&c->args, "data");
    struct ff_err err = {0};
    struct buf file = {0};
    json_t *data = NULL;

    *code = CLI_OK;
    if (!text)
        return NULL;
    if (text[0] == '@')
        *code = read_input_file(text + 1, &file);
    else
        buf_add_text(&file, text);
    if (*code == CLI_OK && file.len > FLOW_EVENT_DATA_MAX)
        *code = cli_fail(CLI_USAGE,
                         "--data has at most %zu bytes; send where it can be fetched",
                         FLOW_EVENT_DATA_MAX);
    if (*code == CLI_OK) {
        data = json_parse(buf_text(&file), file.len, &err);
        if (!data)
            *code = cli_fail(CLI_USAGE, "--data is no JSON: %s", err.msg);
    }
    buf_done(&file);
    return data;
}

static int add_assignment(json_t *inputs, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    int code;

    if (!equals || equals == assignment)
        return cli_fail(CLI_USAGE, "an input is given as NAME=VALUE, not as %.60s",
                        assignment);
    MEM_AUTO char *name = mem_text_len(assignment, (size_t)(equals - assignment));
    json_t *value = value_of(equals + 1, &code);
    if (code == CLI_OK && json_object_set_new(inputs, name, value) != 0)
        code = cli_fail(CLI_USAGE, "the name of an input is not valid UTF-8");
    return code;
}

json_t *cli_read_inputs(const struct cli *c, int *code)
{
    const char *file = cli_get(&c->args, "inputs");
    const char *assignment;
    json_t *inputs = json_object();

    *code = CLI_OK;
    if (file) {
        json_decref(inputs);
        inputs = parse_file(file, code);
        if (inputs && !json_is_object(inputs))
            *code = cli_fail(CLI_INVALID, "%s holds no JSON object", file);
    }
    for (size_t i = 0;
         *code == CLI_OK && (assignment = cli_next(&c->args, "input", &i));)
        *code = add_assignment(inputs, assignment);
    if (*code == CLI_OK)
        return inputs;
    json_decref(inputs);
    return NULL;
}
