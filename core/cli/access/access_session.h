/* access_session.h - what the commands about tenants, members, keys and the audit log
 * share: the local administrator, the place that --tenant, --project and --platform
 * name, and tables of rows. */
#ifndef CLI_ACCESS_ACCESS_SESSION_H
#define CLI_ACCESS_ACCESS_SESSION_H

#include "access/access.h"
#include "cli/frame/frame.h"
#include "cli/remote/remote.h"

struct access_session {
    struct cli_session s;
    struct arena arena;
    struct principal who;
    struct store_numbers numbers;
    struct access_call call;
    struct access_scope where;
    struct store *store;
};
/* Exit code; has printed why. Close it in either case. */
int access_open(struct cli *c, struct access_session *a);
void access_close(struct access_session *a);
/* Makes a plan durable; exit code, has printed why. */
int access_do(struct access_session *a, access_plan_fn *plan, void *arg);
/* The same change by a server, where one is meant (a->s.remote): the request is about
 * the place that the options name. Takes path and body over. */
int access_ask(const struct access_session *a, const char *method, char *path,
               json_t *body, json_t **out);
/* ?project=NAME, where the option says so, added to a path that is taken over. */
char *access_in_project(const struct cli *c, char *path);

/* " of the tenant acme, project site" where it is not the default one; "" else. */
void access_place_text(const struct cli *c, char *out, size_t size);

/* --- rows as a table, or as a JSON list --- */

struct access_list {
    struct cli *c;
    struct cli_grid grid;
    struct buf json;
    struct jsonw w;
    size_t n;
    json_t *projects; /* names by number; or NULL */
};
/* The heads end with NULL. */
void access_list_begin(struct access_list *l, struct cli *c, const char *const *heads);
/* Names of projects, for the cells below. enum ff_code. */
int access_list_projects(struct access_list *l, const struct access_session *a,
                         struct ff_err *err);
/* "-" for PROJECT_ALL and MODEL_NULL. */
const char *access_list_project(const struct access_list *l, int64_t project);
/* The columns in `set` of a row, and its project by name, as an object of the list. */
void access_list_json(struct access_list *l, const struct ff_record *record,
                      const void *row, uint64_t set, int64_t project);
void access_list_time(struct access_list *l, int64_t at_us);
/* Prints all of it, or says `nothing`. Exit code; `code` and err are of the
 * reading. */
int access_list_end(struct access_list *l, const char *nothing, int code,
                    const struct ff_err *err);

#endif
