/* Settings from texts: a file in a directory of its own, an environment, flags. */
#ifndef TESTS_CONFIG_SUPPORT_H
#define TESTS_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

/* cmocka's setup and teardown: the directory in which write_file works. */
int make_dir(void **state);
int remove_dir(void **state);
const char *test_dir(void);

/* The path of a file with this text; valid until the next call. */
const char *write_file(const char *name, const char *text, size_t len);

/* The settings in `yaml` (NULL: no file at all) under this environment; must load. */
struct config *load(const char *yaml, char *const *env);

/* The sentence with which `yaml` is refused, without the path before its place. */
const char *refusal_of(const char *yaml, size_t len);

/* What config_fill says about this section, or "" when all is well. */
const char *fill(const struct config *c, const char *name, const struct ff_opt *opts,
                 void *target);

/* The sentence without the directory of the test. */
const char *without_dir(const char *sentence);

#endif
