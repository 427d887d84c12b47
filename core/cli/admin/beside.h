/* cli/admin/beside.h - commands that another program carries out, which stands beside
 * this one and takes its place. */
#ifndef CLI_ADMIN_BESIDE_H
#define CLI_ADMIN_BESIDE_H

#include "cli/frame/frame.h"

struct beside {
    char **items; /* its argv, until it is started */
    size_t n, cap;
};

/* Begins its argv; every call copies. */
void beside_begin(struct beside *b, const char *program);
void beside_add(struct beside *b, const char *word);
/* --NAME=VALUE; --NAME where value is NULL. */
void beside_add_option(struct beside *b, const char *name, const char *value);
/* Returns only where it cannot be started: exit code, has printed why. b is empty
 * then. */
int beside_exec(struct beside *b, char *const *env);

#endif
