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

enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

/* A section that somebody reads: the core's own or a driver's. Options are the SDK's
 * struct ff_opt and outlive the config. An option named "*" (nothing else set) says
 * that the section has a second reader: keys unknown here are left to it, and to
 * config_unknown. */
struct config_section {
    const char *name; /* "engine", "store-sqlite" */
    const struct ff_opt *opts;
};

/* path NULL: FLOWFORGE_CONFIG, else the default places; a missing default is fine, a
 * missing named one is not. Errors carry file:line:column. */
struct config *config_load(const char *path, char *const *env, struct ff_err *err);
void config_free(struct config *c);

/* Flags win over everything: "engine.slots=8". */
int config_set(struct config *c, const char *assignment, struct ff_err *err);

/* A default that depends on another setting ("store-sqlite.path" on the data
 * directory): below flag, environment and file, above the option's own fallback. */
void config_default(struct config *c, const char *name, const char *value);

/* Has somebody set it, in the file, a variable or by a flag? Also as a secret's file.
 */
bool config_is_set(const struct config *c, const char *section, const char *key);

/* Each setting that the file or a flag gives, whoever reads it, in no order. where is
 * its place, "/etc/x.yaml:3:9" or "command line". */
typedef void config_given_fn(void *arg, const char *section, const char *key,
                             const char *value, const char *where);
void config_each_given(const struct config *c, config_given_fn *fn, void *arg);

/* Fills `target` (config_size bytes, zeroed) from the section by its option table:
 * type, range, required, default; on failure it is left alone. Text lives as long as
 * the config. Errors name the file and line or the variable, and the nearest known
 * key; err has the first, config_mistakes all. c NULL: defaults only. */
int config_fill(const struct config *c, const struct config_section *section,
                void *target, struct ff_err *err);

/* Every mistake that config_fill came upon so far, each once and with its place, up to
 * CONFIG_MAX_MISTAKES; then how many more there are. What is required and not there is
 * told by err only: the section may be that of somebody who is not in use. */
#define CONFIG_MAX_MISTAKES 20
typedef void config_warn_fn(void *arg, const char *sentence);
void config_mistakes(const struct config *c, config_warn_fn *tell, void *arg);

/* After all sections were filled: sections, keys and FLOWFORGE_ variables of known
 * sections that nobody reads. Calls warn for each with a sentence that has its place
 * and the nearest known name. */
void config_unknown(const struct config *c, config_warn_fn *warn, void *arg);

/* Names each setting, "section.key", whose value in the file of `now` is another one
 * than in that of `before`, in which what reads it is known, unless a flag or variable
 * wins over both. What is not in one of the files has the default that it has in
 * `before`. */
typedef void config_change_fn(void *arg, const char *name);
void config_changes(const struct config *before, const struct config *now,
                    config_change_fn *tell, void *arg);

/* Every known setting with its source; secrets as "***". value is NULL where nothing
 * is set; where is a place in the file, a variable, "command line" or "default". For
 * `config show`. */
typedef void config_show_fn(void *arg, const char *section, const char *key,
                            const char *value, enum config_source source,
                            const char *where);
void config_each(const struct config *c, config_show_fn *fn, void *arg);

#endif
