/* cmd_secret.c - `flowforge secret`: values for tasks that are stored encrypted. A
 * value never stands in an argument: everybody on the machine can read those. */
#include "cli/admin/admin.h"
#include "cli/frame/frame.h"
#include "cli/remote/remote.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* --- the value --- */

/* A line end and one byte more than fits, so that too long is told from just right.
 * One piece of memory: what grows leaves copies behind. */
#define ROOM (SECRET_MAX + 2)

static int read_all(struct secret_value *value)
{
    ssize_t n;

    do {
        n = read(STDIN_FILENO, value->text + value->len, ROOM - value->len);
        if (n > 0)
            value->len += (size_t)n;
    } while ((n > 0 && value->len < ROOM) || (n < 0 && errno == EINTR));
    return n < 0 ? errno : 0;
}

static void read_line(struct secret_value *value)
{
    char c;

    while (value->len < ROOM && read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
        value->text[value->len++] = c;
}

/* From a person, without showing it. Without a terminal on standard error the prompt
 * is not seen, and nobody types. */
static int ask(const char *name, struct secret_value *value)
{
    struct termios shown;
    struct termios hidden;

    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return errno;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    /* Before the prompt: who types fast must neither be shown nor thrown away. */
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return errno;
    fprintf(stderr, "value of %s: ", name);
    read_line(value);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return 0;
}

static int read_value(const char *name, struct secret_value *value)
{
    const bool person = isatty(STDIN_FILENO) == 1;
    const int failed = person ? ask(name, value) : read_all(value);

    if (failed)
        return cli_fail(CLI_IO, "standard input: %s", strerror(failed));
    /* The end of a line is the shell's: `echo x |` and files made by editors. */
    if (!person && value->len > 0 && value->text[value->len - 1] == '\n')
        value->len--;
    return CLI_OK;
}

/* --- commands --- */

static int with_place(struct cli *c,
                      int (*fn)(struct cli *c, const struct cli_session *s,
                                const struct secret_place *place, void *arg),
                      void *arg)
{
    struct cli_session s;
    int code = cli_open(c, &s);

    if (code == CLI_OK) {
        const struct secret_place place = node_secrets(s.node, STORE_READER_CALLER);

        code = fn(c, &s, &place, arg);
    }
    cli_close(&s);
    return code;
}

static int set_there(const struct remote *r, const char *name,
                     const struct secret_value *value)
{
    MEM_AUTO char *path = remote_path("secrets", name, (char *)NULL);
    json_t *text = json_stringn(value->text, value->len);

    if (!text)
        return cli_fail(CLI_USAGE, "a server takes values that are UTF-8 text");
    return remote_tell(r, "PUT", path, json_pack("{so}", "value", text), NULL);
}

static int set(struct cli *c, const struct cli_session *s,
               const struct secret_place *place, void *arg)
{
    const struct secret_value *value = arg;
    const char *name = c->args.words.items[0];
    struct ff_err err = {0};
    int code = s->remote ? set_there(s->remote, name, value) : CLI_OK;

    if (code != CLI_OK)
        return code;
    if (!s->remote && secret_set(place, TENANT_DEFAULT, name, value->text, value->len,
                                 loop_wall_us(s->loop), &err) != FF_OK)
        return cli_fail_err(&err);
    cli_note(c, "secret %s is set", name);
    return CLI_OK;
}

int cmd_secret_set(struct cli *c)
{
    struct secret_value value = {.text = mem_alloc(ROOM)};
    int code = read_value(c->args.words.items[0], &value);

    if (code == CLI_OK)
        code = with_place(c, set, &value);
    secret_value_wipe(&value);
    return code;
}

static int delete (struct cli *c, const struct cli_session *s,
                   const struct secret_place *place, void *arg)
{
    const char *name = c->args.words.items[0];
    MEM_AUTO char *path = remote_path("secrets", name, (char *)NULL);
    struct ff_err err = {0};
    int code = CLI_OK;

    (void)arg;
    if (s->remote)
        code = remote_tell(s->remote, "DELETE", path, NULL, NULL);
    else if (secret_delete(place, TENANT_DEFAULT, name, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code != CLI_OK)
        return code;
    cli_note(c, "secret %s is deleted", name);
    return CLI_OK;
}

int cmd_secret_delete(struct cli *c)
{
    return with_place(c, delete, NULL);
}

struct listing {
    struct cli_grid grid;
    json_t *json;
};

static int list_one(void *arg, const void *stored)
{
    const struct secret_row *row = stored;
    struct listing *l = arg;
    char created[UNITS_TEXT];
    char updated[UNITS_TEXT];

    cli_time_text(row->created_at, created);
    cli_time_text(row->updated_at, updated);
    cli_cell_span(&l->grid, CLI_BOLD, row->name);
    cli_cell(&l->grid, CLI_PLAIN, created);
    cli_cell(&l->grid, CLI_PLAIN, updated);
    cli_cell_span(&l->grid, CLI_DIM, row->key_id);
    units_time_text(row->created_at, created);
    units_time_text(row->updated_at, updated);
    json_array_append_new(l->json,
                          json_pack("{s:s%, s:s, s:s, s:s%}", "name", row->name.s,
                                    row->name.len, "created_at", created, "updated_at",
                                    updated, "key", row->key_id.s, row->key_id.len));
    return 0;
}

static int list(struct cli *c, const struct cli_session *s,
                const struct secret_place *place, void *arg)
{
    static const char *const heads[] = {"SECRET", "CREATED", "UPDATED", "KEY"};
    struct listing l = {.grid = {.n_columns = COUNT_OF(heads), .colour = c->colour},
                        .json = json_array()};
    struct ff_err err = {0};
    struct buf out = {0};

    (void)s;
    (void)arg;
    for (size_t i = 0; !c->quiet && i < COUNT_OF(heads); i++)
        cli_cell(&l.grid, CLI_DIM, heads[i]);

    int code = secret_list(place, TENANT_DEFAULT, list_one, &l, &err);

    cli_grid_add_to(&l.grid, &out);
    if (json_array_size(l.json) == 0) {
        cli_note(c, "no secrets");
        buf_clear(&out);
    }
    if (c->json) {
        buf_clear(&out);
        json_add_to(&out, l.json);
        buf_add_char(&out, '\n');
    }
    code = code == FF_OK ? cli_print(&out) : cli_fail_err(&err);
    buf_done(&out);
    json_decref(l.json);
    return code;
}

int cmd_secret_list(struct cli *c)
{
    return with_place(c, list, NULL);
}

static int rotate(struct cli *c, const struct cli_session *s,
                  const struct secret_place *place, void *arg)
{
    struct ff_err err = {0};
    int64_t n;

    (void)arg;
    if (secret_rotate(place, loop_wall_us(s->loop), &n, &err) != FF_OK)
        return cli_fail_err(&err);
    cli_note(c, "%lld secrets are encrypted with %s", (long long)n,
             place->keys ? "the first key of auth.encryption_key" : "a new key");
    return CLI_OK;
}

int cmd_secret_rotate(struct cli *c)
{
    return with_place(c, rotate, NULL);
}
