/* What a file must be before anything reads it as YAML: not too long, UTF-8 without
 * zero bytes, and with line ends that all readers count alike. */
#include "flow/problem.h"
#include "flow/tree.h"

static void refuse_byte(const char *text, size_t at, struct flow_problems *problems,
                        const char *msg, const char *hint)
{
    int line, column;

    tree_place_of_byte(text, at, &line, &column);

    struct flow_problem *p =
        flow_problem_add(problems, PROBLEM_BYTES, line, column, "", 0);

    flow_problem_msg(p, "%s", msg);
    flow_problem_hint(p, "%s", hint);
}

/* In valid UTF-8, where a byte 0xE2 has two behind it.
 *
 * U+0085, U+2028 and U+2029 end lines in YAML 1.1, and so in libyaml, but not in YAML
 * 1.2 or an editor: their lines would be counted wrongly and values silently changed.
 */
static const char *find_foreign_break(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t i = 0; i + 1 < len; i++) {
        if (p[i] == 0xC2 && p[i + 1] == 0x85)
            return text + i;
        if (p[i] == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] == 0xA8 || p[i + 2] == 0xA9))
            return text + i;
    }
    return NULL;
}

bool tree_check_bytes(const char *text, size_t len, struct flow_problems *problems)
{
    if (len > FLOW_MAX_BYTES) {
        flow_problem_msg(flow_problem_add(problems, PROBLEM_LIMIT, 1, 1, "", 0),
                         "the file has %zu bytes; 64 MiB are the limit", len);
        return false;
    }

    size_t bad = text_utf8_error(text, len);

    if (bad < len) {
        refuse_byte(text, bad, problems,
                    text[bad] ? "this byte is not valid UTF-8"
                              : "the file holds a zero byte",
                    "save the file as UTF-8 text");
        return false;
    }

    const char *foreign = find_foreign_break(text, len);

    if (foreign) {
        refuse_byte(text, (size_t)(foreign - text), problems,
                    "a line break that not all readers of YAML take for one",
                    "write it as \\N, \\L or \\P in double quotes");
        return false;
    }
    return true;
}
