/* config/config.h - settings: flag over environment over file over default.
 *
 * The file is YAML (libyaml events; no aliases, tags or duplicate keys), by default
 * /etc/flowforge/config.yaml when it exists, else ~/.config/flowforge/config.yaml.
 * Every key `section.key` is also FLOWFORGE_SECTION_KEY. Secrets have a _FILE form
 * and are never printed. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/base.h"
#include <flowforge/driver.h>

struct config;

enum config_source {
    CONFIG_DEFAULT,
    CONFIG_FILE,
    CONFIG_ENVIRONMENT,
    CONFIG_FLAG
};

/* A section that somebody reads: the core's own or a driver's. Options are the SDK's
 * struct ff_opt; sections are added before config_check. */
struct config_section {
    const char *name; /* "engine", "store-sqlite" */
    const struct ff_opt *opts;
};

/* path NULL: the default places; a missing default is fine, a missing named one is
 * not. Errors carry file:line:column. */
struct config *config_load(const char *path, char *const *environ, struct ff_err *err);
void config_free(struct config *c);

/* Flags win over everything: "engine.slots=8". */
int config_set(struct config *c, const char *assignment, struct ff_err *err);

/* Fills `target` (config_size bytes, zeroed) from the section by its option table:
 * type, range, required, default. Text lives as long as the config. Errors name the
 * file and line or the variable, and the nearest known key. */
int config_fill(struct config *c, const struct config_section *section, void *target,
                struct ff_err *err);

/* After all sections were filled: file keys that nobody knows. Calls warn for each
 * with a sentence that has file:line and the nearest known key. */
typedef void config_warn_fn(void *arg, const char *sentence);
void config_unknown(const struct config *c, config_warn_fn *warn, void *arg);

/* Every known value with its source; secrets as "***". For `config show`. */
typedef void config_show_fn(void *arg, const char *section, const char *key,
                            const char *value, enum config_source source,
                            const char *where);
void config_each(const struct config *c, config_show_fn *fn, void *arg);

#endif
