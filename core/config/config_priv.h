/* config/config_priv.h - what the files of this room share. */
#ifndef CONFIG_CONFIG_PRIV_H
#define CONFIG_CONFIG_PRIV_H

#include "config/config.h"

#define CONFIG_MAX_BYTES ((size_t)1024 * 1024)
#define CONFIG_MAX_DEPTH                                                               \
    4 /* mappings and lists inside each other, the root included                       \
       */
#define CONFIG_MAX_NAME   63 /* of a section or a key */
#define CONFIG_MAX_SECRET ((size_t)64 * 1024)

#define CONFIG_NAME_TEXT  256 /* room for FLOWFORGE_SECTION_KEY_FILE or section.key */
#define CONFIG_WHERE_TEXT 192

/* One value of the file, or one section in it. */
struct setting {
    const char *section;
    const char *key;   /* NULL: the section itself */
    const char *value; /* NULL: written as null, which is as good as not written */
    size_t line, column;
};

/* What filling leaves behind; apart from the settings, which filling never changes. */
struct config_notes {
    struct arena text; /* what secret files held */
    struct {
        struct config_section *items;
        size_t n, cap;
    } known; /* the sections that were filled */
    struct {
        char **items;
        size_t n, cap;
    } mistakes;
    size_t n_more; /* mistakes beyond CONFIG_MAX_MISTAKES */
};

struct config {
    struct arena text;
    const char *path;       /* the file's, shortened for people; NULL: no file */
    struct map file;        /* "section.key" -> struct setting */
    struct map sections;    /* "section" -> struct setting */
    struct map environment; /* "FLOWFORGE_..." -> const char */
    struct map flags;       /* "section.key" -> const char */
    struct map defaults;    /* the same, below all the others */
    struct config_notes *notes;
};

/* parse.c: puts the file's sections and settings into c. */
int config_parse(struct config *c, const char *text, size_t len, struct ff_err *err);

/* find.c: the value that wins for one option, before it is looked at. */
struct found {
    const char *value; /* NULL: set nowhere and without a default */
    enum config_source source;
    bool is_file;   /* value is the path of the file with the secret */
    bool ambiguous; /* both the value and its file are given at one level */
    char where[CONFIG_WHERE_TEXT]; /* "/etc/x.yaml:3:9", "FLOWFORGE_X", "flag x.y" */
};

void config_find(const struct config *c, const char *section, const struct ff_opt *opt,
                 struct found *out);
void config_where(const struct config *c, const struct setting *s,
                  char out[CONFIG_WHERE_TEXT]);
void config_env_name(const char *section, const char *key, char out[CONFIG_NAME_TEXT]);

/* known.c */
bool config_key_is_known(const struct ff_opt *opts, const char *key);
bool config_leaves_rest(const struct ff_opt *opts); /* has the entry "*" */
const char *config_nearest_key(const struct ff_opt *opts, const char *key);
/* fill.c; sentence: of a mistake that stands in some place. */
void config_note_mistake(const struct config *c, const char *sentence);
void config_note_section(const struct config *c, const struct config_section *section);

/* value.c: one option's text as the option's type. */
struct value {
    const char *text;
    int64_t number;
};

int config_value(const char *section, const struct ff_opt *opt, const char *text,
                 const char *where, struct value *out, struct ff_err *err);
void config_value_store(const struct ff_opt *opt, const struct value *v, void *target);

#endif
