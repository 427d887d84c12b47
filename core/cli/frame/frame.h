/* cli/frame/frame.h - what the commands share: their table, their arguments, what they
 * print, and how they end. */
#ifndef CLI_FRAME_FRAME_H
#define CLI_FRAME_FRAME_H

#include "node/node.h"

/* The only exit codes there are, besides 128 + signal; docs/cli.md has the same table
 * and a test compares them. From 64 on they are those of sysexits.h. */
enum cli_exit {
    CLI_OK = 0,
    CLI_RUN_FAILED = 1,
    CLI_USAGE = 2,
    CLI_INVALID = 3,
    CLI_NOT_FOUND = 4,
    CLI_CANCELLED = 5,
    CLI_UNAVAILABLE = 69,
    CLI_INTERNAL = 70,
    CLI_NO_MEMORY = 71,
    CLI_IO = 74,
    CLI_DENIED = 77,
    CLI_CONFIG = 78
};
struct cli_exit_word {
    enum cli_exit code;
    const char *meaning;
};
extern const struct cli_exit_word cli_exits[]; /* ends with a NULL meaning */
enum cli_exit cli_exit_of(int ff_code);
enum cli_exit cli_exit_of_err(const struct ff_err *err);
enum cli_exit cli_exit_of_run(int64_t run_state);

/* --- the table of commands (cli_table.c) --- */

struct cli;
struct remote;

struct cli_option {
    const char *name;  /* "limit": --limit; NULL ends a table */
    const char *value; /* what stands for the value in --help; NULL: a flag */
    const char *help;
    const char *const
        *choices; /* the words allowed as value, ends with NULL; or NULL */
    char letter;  /* 'n': -n; or 0 */
};

struct cli_command {
    const char *name;  /* "run", "driver list"; NULL ends the table */
    const char *words; /* "FILE...", as in the line of usage */
    const char *summary;
    const char *about;                /* more for --help, or NULL */
    const struct cli_option *options; /* of its own, or NULL */
    int (*run)(struct cli *c);
    int words_min, words_max; /* -1: no limit */
    bool hidden;
};

#define CLI_HELP_COLUMNS 100 /* no line of --help is longer */

extern const struct cli_option cli_global_options[];
/* For --help; nothing where `options` is NULL. A letter that is an option of `before`
 * means that one. */
void cli_add_options(struct buf *out, const char *title,
                     const struct cli_option *options, const struct cli_option *before);

/* --- arguments (cli_args.c) --- */

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL for flags */
};

struct cli_args {
    struct {
        struct cli_given *items;
        size_t n, cap;
    } given;
    struct {
        const char **items;
        size_t n, cap;
    } words;
};

/* Reads argv (ends with NULL) by the tables; `own` may be NULL. With `one_word` stops
 * before the first word. *used: how many of argv it took. */
int cli_args_read(struct cli_args *a, const struct cli_option *own, char *const *argv,
                  bool one_word, size_t *used, struct ff_err *err);
void cli_args_done(struct cli_args *a);
bool cli_has(const struct cli_args *a, const char *name);
/* The last value given, or NULL. */
const char *cli_get(const struct cli_args *a, const char *name);
/* for (size_t i = 0; (v = cli_next(a, "set", &i));) visits each value in order. */
const char *cli_next(const struct cli_args *a, const char *name, size_t *i);
/* A number of 0 or more; FF_INVALID names the option. */
int cli_number(const struct cli_args *a, const char *name, int64_t fallback,
               int64_t max, int64_t *out, struct ff_err *err);
/* A number of this range, 0 when it is not given. */
int cli_between(const struct cli_args *a, const char *name, int64_t min, int64_t max,
                int64_t *out, struct ff_err *err);

/* --- one call of the program --- */

struct cli {
    const struct cli_command *command;
    struct cli_args args;
    char *const *env;
    bool json; /* -o json */
    bool quiet, verbose;
    bool colour; /* of standard output */
    /* Where a server is meant, and the store that reads its rows; or NULL. */
    const struct remote *remote;
    struct driver *remote_store;
};

/* --- how a program begins (cli_begin.c) --- */

void cli_begin(void);
/* Of the arguments of c, those that every command has; sets up the log. */
void cli_read_globals(struct cli *c);
/* What this process says on standard error is kept, and read by programs: where the log
 * is JSON, all of it is entries. Until settings are read a variable or --set says
 * whether it is. To be called after the arguments were read, well or not. */
void cli_serves(const struct cli *c);

/* --- what is printed (cli_out.c) --- */

/* From now on what follows is an entry of the log, where that is JSON. */
void cli_log_sentences(void);
/* "flowforge: SENTENCE" on standard error; returns code. */
int FF_PRINTF(2, 3) cli_fail(int code, const char *fmt, ...);
int cli_fail_err(const struct ff_err *err); /* with cli_exit_of_err */
/* A remark for people on standard error, unless quiet or JSON. */
void FF_PRINTF(2, 3) cli_note(const struct cli *c, const char *fmt, ...);
/* Writes and flushes; CLI_IO when standard output is gone. Empties the buffer. */
int cli_print(struct buf *text);

enum cli_colour {
    CLI_PLAIN,
    CLI_DIM,
    CLI_BOLD,
    CLI_RED,
    CLI_GREEN,
    CLI_YELLOW,
    CLI_BLUE
};
/* Text without what would steer a terminal; NULL gives "". */
void cli_add_clean(struct buf *out, const char *text, size_t len);
void cli_add_coloured(struct buf *out, bool on, enum cli_colour colour,
                      const char *text);
enum cli_colour cli_run_colour(int64_t run_state);
enum cli_colour cli_task_colour(int64_t task_state);
const char *cli_wait_word(const char *reason); /* "sleep" -> "time" */
/* Who does what is done: on one machine its user. */
void cli_user_name(char *out, size_t size);
/* Of such a task the message is the name of what it waits for. */
bool cli_wait_names(const char *reason);
/* Why something failed: "timeout: it took ...", "exit code 3"; nothing where nothing is
 * known. exit_code may be MODEL_NULL, the texts NULL. */
void cli_add_why(struct buf *out, const char *reason, int64_t exit_code,
                 const char *message);
/* Columns that a terminal needs for it: one a character of UTF-8. */
size_t cli_width(const char *text);

/* Columns of text, aligned when it is printed. */
struct cli_grid {
    uint32_t n_columns;
    bool colour;
    struct cli_cell {
        char *text;
        enum cli_colour colour;
    } * items;
    size_t n, cap;
};
void cli_cell(struct cli_grid *g, enum cli_colour colour, const char *text);
void cli_cell_span(struct cli_grid *g, enum cli_colour colour, struct span text);
void FF_PRINTF(2, 3) cli_cell_f(struct cli_grid *g, const char *fmt, ...);
/* The last cell of a row: words beyond so many columns stand in rows below it. */
void cli_cell_wrapped(struct cli_grid *g, const char *text, size_t columns);
void cli_grid_add_to(struct cli_grid *g, struct buf *out); /* and empties it */

/* "2026-11-21 19:20:37" in local time; "-" for MODEL_NULL. */
void cli_time_text(int64_t us, char out[UNITS_TEXT]);
/* " name=value" of an event: times and spans as people read them. */
void cli_add_member(struct buf *out, const char *name, const json_t *value);
/* How long from start to end; "-" when either is not known. */
void cli_span_text(int64_t from_us, int64_t to_us, char out[UNITS_TEXT]);

/* --- settings, loop and node of one call (cli_session.c) --- */

struct cli_session {
    const struct remote *remote; /* the server that is asked (cli/remote); or NULL */
    struct config *config;
    struct loop *loop;
    struct node *node;
};
/* What this call is to do, anew: file, environment and flags. *config is to be freed in
 * either case, and may be NULL. */
int cli_read_config(const struct cli *c, struct config **config, struct ff_err *err);
/* From now on the log has engine.log_format, and engine.log_level unless --quiet or
 * --verbose says another one. */
void cli_use_log(const struct cli *c, const struct node_settings *engine);
/* Exit code; has printed why. Close it in either case. The log is from then on as it is
 * set up there. */
int cli_load_config(struct cli *c, struct config **config);
/* For what came of reading settings or of opening what they name: where they are wrong
 * it tells all their mistakes, CLI_CONFIG; else as cli_fail_err. */
int cli_fail_config(struct config *config, const struct ff_err *err);
/* Reads the sections of all drivers that can be loaded, so that they are known. */
int cli_know_drivers(struct config *config, const struct node_settings *settings,
                     struct ff_err *err);
int cli_open(struct cli *c, struct cli_session *s);
/* Of this machine, also where its store does not open: see node_open_partly. */
int cli_open_partly(struct cli *c, struct cli_session *s, struct ff_err *why);
void cli_close(struct cli_session *s);
/* The run that the word names; exit code, has printed why. */
int cli_find_run(const struct cli_session *s, const char *word, struct arena *arena,
                 struct run_row *run);

/* The number of a project of this machine; NULL: as it is. The same. */
int cli_find_project(const struct cli_session *s, const char *name, int64_t *project);

/* What most commands about one run begin and end with. */
struct cli_about {
    struct cli_session s;
    struct arena arena; /* holds the text of the row, and what the command likes */
    struct run_row run;
};
/* As cli_open, for the run that the first word names. */
int cli_open_run(struct cli *c, struct cli_about *about);
void cli_close_run(struct cli_about *about);

/* --- inputs of a run (cli_inputs.c) --- */

/* What --input and --inputs give: a new reference; NULL with an exit code. */
json_t *cli_read_inputs(const struct cli *c, int *code);
/* --key and --data of what has happened; NULL: not given, or a code. */
const char *cli_event_key(const struct cli *c, int *code);
json_t *cli_event_data(const struct cli *c, int *code);

#endif
