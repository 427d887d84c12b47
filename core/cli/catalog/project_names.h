/* cli/catalog/project_names.h - which project workflows and schedules belong to, for
 * people: a tenant with one project alone never hears of projects. */
#ifndef CLI_CATALOG_PROJECT_NAMES_H
#define CLI_CATALOG_PROJECT_NAMES_H

#include "cli/frame/frame.h"

struct project_names {
    json_t *by_number;
    bool several; /* there are others than the default one */
    int64_t only; /* --project: those of this one; PROJECT_ALL: all */
};
/* Exit code: --project names one that is not there. Of a server the others are left out
 * by it. Done in either case. */
int project_names_open(struct project_names *p, const struct cli *c,
                       const struct cli_session *s);
void project_names_done(struct project_names *p);

/* As a row has it. */
bool project_names_wants(const struct project_names *p, int64_t stored);
const char *project_names_of(const struct project_names *p, int64_t stored);

#endif
