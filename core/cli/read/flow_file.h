/* cli/read/flow_file.h - a workflow file on disk: read, checked, its mistakes reported.
 */
#ifndef CLI_READ_FLOW_FILE_H
#define CLI_READ_FLOW_FILE_H

#include "cli/frame/frame.h"
#include "flow/flow.h"

struct flow_file {
    const char *path; /* as given; "-": standard input */
    struct buf source;
    struct flow *flow; /* NULL: see problems */
    struct flow_problems problems;
    char *dir;       /* of a stored one: where its runs work; or NULL */
    int64_t project; /* the same, where they belong; 0: the default one */
};

/* CLI_OK (flow set), CLI_INVALID (problems set), or another code after having printed
 * why the file cannot be read. */
int flow_file_read(struct flow_file *f, const char *path);
/* Only its text: CLI_OK or another code after having printed why. */
int flow_file_load(struct flow_file *f, const char *path);
/* Writes it back in place, through links, with the rights that it has. */
int flow_file_write(const char *path, const struct buf *text);
void flow_file_done(struct flow_file *f);

/* Does the word mean a workflow that was applied? "workflow:NAME..." always does, a
 * name does where no file is called so. */
bool flow_file_is_stored(const char *word);
/* That workflow, as it is stored. Exit code; has printed why. */
int flow_file_stored(struct flow_file *f, const struct cli_session *s,
                     const char *word);
/* The text of a hash. Exit code; has printed why. */
int flow_file_of_hash(struct flow_file *f, const struct cli_session *s,
                      struct span hash);

/* Absolute: `given` (--dir), or else the folder of the file. mem_free it. Exit code in
 * *code; has printed why. */
char *flow_file_dir(const char *path, const char *given, int *code);

/* "FILE:LINE:COLUMN: FF021: sentence (hint)" a line; without line where it is 0. */
void flow_file_add_problems(const char *path, const struct flow_problems *problems,
                            struct buf *out);
json_t *flow_file_problems_json(const struct flow_problems *problems);

#endif
