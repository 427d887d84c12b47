/* complete.c - see complete_priv.h. */
#include "cli/manual/complete_priv.h"

#include <ctype.h>
#include <string.h>

#define GROUP_MAX 40 /* bytes of a word of a command */

/* --- values and words --- */

static bool names(const char *text, const char *const *kinds)
{
    for (; *kinds; kinds++)
        if (strstr(text, *kinds))
            return true;
    return false;
}

/* By the word that stands for it in --help: "FILE", "SECTION.KEY=VALUE". */
static const char *kind_of(const char *text)
{
    static const char *const files[] = {"FILE", "PATH", NULL};
    static const char *const dirs[] = {"DIR", "FOLDER", NULL};

    if (names(text, files))
        return "@files";
    return names(text, dirs) ? "@dirs" : "@any";
}

void complete_add_value(struct buf *out, const struct cli_option *option)
{
    if (!option->value)
        return;
    if (!option->choices) {
        buf_add_text(out, kind_of(option->value));
        return;
    }
    for (size_t i = 0; option->choices[i]; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", option->choices[i]);
}

/* "bash|zsh|fish" are words to be typed, "FILE|RUN" are not. */
static bool are_literal(const char *words)
{
    for (; *words; words++)
        if (!islower((unsigned char)*words) && *words != '|')
            return false;
    return true;
}

void complete_add_words(struct buf *out, const struct cli_command *command)
{
    const char *words = command->words;

    if (!words[0])
        return;
    if (!are_literal(words)) {
        buf_add_text(out, kind_of(words));
        return;
    }
    for (; *words; words++)
        buf_add_char(out, *words == '|' ? ' ' : *words);
}

void complete_quote(struct buf *out, const char *text)
{
    buf_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_add_text(out, "'\\''");
        else
            buf_add_char(out, *text);
    }
    buf_add_char(out, '\'');
}

/* --- names --- */

/* The first word of "driver list"; false: it has one word only. */
static bool group_of(const struct cli_command *k, char out[GROUP_MAX])
{
    const char *space = strchr(k->name, ' ');

    if (space)
        snprintf(out, GROUP_MAX, "%.*s", (int)(space - k->name), k->name);
    return space;
}

/* Was it a group before this command already? */
static bool is_known(const struct cli_command *commands, const struct cli_command *k,
                     const char *group)
{
    char other[GROUP_MAX];

    for (; commands < k; commands++)
        if (!commands->hidden && group_of(commands, other) && strcmp(other, group) == 0)
            return true;
    return false;
}

static bool is_new_group(const struct cli_command *commands,
                         const struct cli_command *k, char group[GROUP_MAX])
{
    return !k->hidden && group_of(k, group) && !is_known(commands, k, group);
}

static void each_first(const struct cli_command *commands, complete_name_fn *fn,
                       void *arg)
{
    char group[GROUP_MAX];
    char summary[GROUP_MAX + 32];

    for (const struct cli_command *k = commands; k->name; k++) {
        if (!k->hidden && !strchr(k->name, ' ')) {
            fn(arg, k->name, k->summary);
        } else if (is_new_group(commands, k, group)) {
            snprintf(summary, sizeof(summary), "commands of %s", group);
            fn(arg, group, summary);
        }
    }
}

void complete_each_name(const struct cli_command *commands, const char *group,
                        complete_name_fn *fn, void *arg)
{
    char own[GROUP_MAX];

    if (!group[0]) {
        each_first(commands, fn, arg);
        return;
    }
    for (const struct cli_command *k = commands; k->name; k++)
        if (!k->hidden && group_of(k, own) && strcmp(own, group) == 0)
            fn(arg, k->name + strlen(group) + 1, k->summary);
}

void complete_each_group(const struct cli_command *commands, complete_group_fn *fn,
                         void *arg)
{
    char group[GROUP_MAX];

    fn(arg, "");
    for (const struct cli_command *k = commands; k->name; k++)
        if (is_new_group(commands, k, group))
            fn(arg, group);
}
