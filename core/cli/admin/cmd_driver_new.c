/* cmd_driver_new.c - writes the beginning of a driver: a copy of the template of its
 * kind, in which "sample" has become the new name. The templates are files of the SDK,
 * real drivers that are built and checked by tests as they are. */
#include "cli/admin/admin.h"
#include "cli/admin/driver_dir.h"
#include "cli/frame/frame.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE                "sample"
#define SAMPLE_IN_ENVIRONMENT "SAMPLE"
#define TEMPLATE_MAX          ((size_t)256 * 1024)
#define NAME_MAX_LEN          40

static const char *const kinds[] = {"store", "queue", "runtime", "auth", NULL};
/* Of their templates: what the kit must be told to judge them. */
static const char *const check_options[] = {
    " -o name={unique}",
    "",
    " -o dir={dir}/attempts",
    " -o token=0123456789abcdef --accept 0123456789abcdef",
};

struct making {
    const char *kind, *name;
    const char *check_options;
    char *from, *to;
    struct buf files; /* their names, a line each */
};

/* Installed, or in the source tree above a build folder; seen from the drivers, which
 * `engine.driver_dir` may have moved, and from the program. */
static char *find_templates(const char *driver_dir, const char *kind)
{
    static const char *const places[] = {
        "../../share/flowforge/driver-templates",
        "../../../sdk/driver/templates",
        "../../../../sdk/driver/templates",
        "../share/flowforge/driver-templates",
        "../../sdk/driver/templates",
    };
    MEM_AUTO char *program_dir = file_dir_of_program();
    const char *const bases[] = {driver_dir, program_dir};

    for (size_t b = 0; b < COUNT_OF(bases); b++)
        for (size_t i = 0; bases[b] && i < COUNT_OF(places); i++) {
            MEM_AUTO char *place = file_join(bases[b], places[i]);
            char *dir = file_join(place, kind);

            if (access(dir, R_OK | X_OK) == 0)
                return dir;
            mem_free(dir);
        }
    return NULL;
}

static bool is_driver_name(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX_LEN && name[0] >= 'a' && name[0] <= 'z' &&
           name[len - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* How the new name is spelled where the old one stood. */
enum spelling { SPELLED_AS_IS, SPELLED_IN_C, SPELLED_IN_ENVIRONMENT };

static void add_name(struct buf *out, const char *name, enum spelling spelling)
{
    for (const char *p = name; *p; p++) {
        if (*p == '-' && spelling != SPELLED_AS_IS)
            buf_add_char(out, '_');
        else if (*p >= 'a' && *p <= 'z' && spelling == SPELLED_IN_ENVIRONMENT)
            buf_add_char(out, (char)(*p - 'a' + 'A'));
        else
            buf_add_char(out, *p);
    }
}

static bool stands_at(const char *text, size_t left, const char *word)
{
    const size_t n = strlen(word);

    return left >= n && memcmp(text, word, n) == 0;
}

/* "_sample" is a name of C, "SAMPLE" one of the environment, everything else is the
 * driver's. */
static bool old_name_at(const char *text, size_t len, size_t i, enum spelling *spelling)
{
    if (stands_at(text + i, len - i, SAMPLE)) {
        *spelling = i > 0 && text[i - 1] == '_' ? SPELLED_IN_C : SPELLED_AS_IS;
        return true;
    }
    *spelling = SPELLED_IN_ENVIRONMENT;
    return stands_at(text + i, len - i, SAMPLE_IN_ENVIRONMENT);
}

/* The text with the new name. */
static void rename_in(const char *text, size_t len, const char *name, struct buf *out)
{
    enum spelling spelling;

    for (size_t i = 0; i < len;)
        if (old_name_at(text, len, i, &spelling)) {
            add_name(out, name, spelling);
            i += strlen(SAMPLE);
        } else {
            buf_add_char(out, text[i++]);
        }
}

static int copy_one(struct making *m, const char *file)
{
    MEM_AUTO char *from = file_join(m->from, file);
    struct buf name = {0};
    struct buf text = {.max = TEMPLATE_MAX};
    struct buf out = {0};
    int sys = file_read(from, TEMPLATE_MAX, &text);

    rename_in(file, strlen(file), m->name, &name);
    rename_in(buf_text(&text), text.len, m->name, &out);

    MEM_AUTO char *to = file_join(m->to, buf_text(&name));

    if (sys == 0)
        sys = file_write_durable(to, buf_text(&out), out.len, 0644);
    if (sys == 0)
        buf_printf(&m->files, "  %s\n", to);
    buf_done(&name);
    buf_done(&text);
    buf_done(&out);
    return sys == 0
               ? CLI_OK
               : cli_fail(CLI_IO, "%s: %s", sys == -ENOENT ? from : to, strerror(-sys));
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int copy_all(struct making *m)
{
    struct dirent **entries = NULL;
    const int n = scandir(m->from, &entries, is_visible, alphasort);
    int code = CLI_OK;

    if (n < 0 && errno == ENOMEM)
        mem_exhausted();
    if (n < 0)
        return cli_fail(CLI_IO, "%s: %s", m->from, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (code == CLI_OK)
            code = copy_one(m, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return code;
}

static int take_words(struct making *m)
{
    for (size_t i = 0; kinds[i]; i++)
        if (strcmp(kinds[i], m->kind) == 0) {
            m->check_options = check_options[i];
            if (is_driver_name(m->name))
                return CLI_OK;
            return cli_fail(CLI_USAGE,
                            "a driver's name is small letters, digits and dashes, at "
                            "most %d, and begins with a letter: not '%s'",
                            NAME_MAX_LEN, m->name);
        }

    const char *nearest = text_nearest(m->kind, kinds);

    return cli_fail(CLI_USAGE,
                    "there is no kind of driver '%s'; there are store, queue, runtime, "
                    "auth%s%s%s",
                    m->kind, nearest ? ": did you mean " : "", nearest ? nearest : "",
                    nearest ? "?" : "");
}

static int make_dir(const struct making *m)
{
    if (mkdir(m->to, 0755) == 0)
        return CLI_OK;
    if (errno == EEXIST)
        return cli_fail(CLI_USAGE, "%s is there already: give another place with --dir",
                        m->to);
    return cli_fail(CLI_IO, "%s: %s", m->to, strerror(errno));
}

static int make(struct making *m)
{
    int code = make_dir(m);

    if (code == CLI_OK)
        code = copy_all(m);
    return code;
}

static int say(const struct making *m)
{
    struct buf out = {0};

    buf_printf(&out, "wrote\n%s", buf_text(&m->files));
    buf_printf(&out,
               "next\n  cmake -S %s -B %s/build && cmake --build %s/build\n"
               "  flowforge driver check %s/build/%s-%s.so%s\n"
               "  grep -n TODO %s/*\n",
               m->to, m->to, m->to, m->to, m->kind, m->name, m->check_options, m->to);
    return cli_print(&out);
}

int cmd_driver_new(struct cli *c)
{
    struct making m = {.kind = c->args.words.items[0], .name = c->args.words.items[1]};
    int code = take_words(&m);

    if (code != CLI_OK)
        return code;

    MEM_AUTO char *driver_dir = cli_driver_dir(c, &code);

    if (code != CLI_OK)
        return code;

    struct buf here = {0};
    const char *given = cli_get(&c->args, "dir");

    buf_printf(&here, "%s-%s", m.kind, m.name);
    m.to = given ? mem_text(given) : mem_text(buf_text(&here));
    buf_done(&here);
    m.from = find_templates(driver_dir, m.kind);
    if (!m.from)
        code = cli_fail(CLI_NOT_FOUND,
                        "the templates are not installed: share/flowforge/"
                        "driver-templates is not beside %s",
                        driver_dir);
    if (code == CLI_OK)
        code = make(&m);
    if (code == CLI_OK)
        code = say(&m);
    buf_done(&m.files);
    mem_free(m.from);
    mem_free(m.to);
    return code;
}
