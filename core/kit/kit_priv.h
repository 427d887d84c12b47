/* kit/kit_priv.h - what the files of the frame share; checks need kit.h alone. */
#ifndef KIT_KIT_PRIV_H
#define KIT_KIT_PRIV_H

#include "base/base.h"
#include "kit/kit.h"
#include <limits.h>

#include <signal.h>

#define KIT_NAME_TEXT  160
#define KIT_DEADLINE_S 30

struct kit_texts {
    const char **items;
    size_t n, cap;
};

/* --- the command line (kit_main.c) --- */

struct kit_settings {
    const char *driver; /* a path or a name */
    const char *over;   /* what it stands in front of, being a filter; or NULL */
    char *driver_dir;   /* absolute */
    char driver_path[PATH_MAX], over_path[PATH_MAX]; /* behind them, if paths */
    struct kit_texts options;                        /* KEY=VALUE, as given */
    struct kit_texts only;                           /* patterns */
    struct kit_texts accept; /* credentials that auth drivers let in */
    struct kit_texts deny;   /* and those that they do not */
    uint64_t seed;
    int64_t deadline_s;
    bool json, list, keep;
};

/* --- what the driver says of itself (kit_probe.c) --- */

struct kit_about {
    bool loaded; /* of a driver that was refused: it is for its options */
    uint32_t kind;
    uint64_t caps;
    uint64_t slots; /* bit i: the i-th function is there */
    char name[64];
    char version[64];
    char summary[160];
};

/* Loads it in a child. FF_OK, or why it or its options are refused. */
int kit_probe(const struct kit_settings *settings, struct kit_about *about,
              struct ff_err *err);

/* Makes what the checks of auth drivers share and is slow to make, before they are
 * forked from us (kit_token.c). */
void kit_prepare_tokens(const struct kit_settings *settings);

/* --- the list of checks (kit_list.c) --- */

struct kit_item {
    const struct kit_check *check;
    char name[KIT_NAME_TEXT]; /* "store/guards/..." */
};
struct kit_list {
    struct kit_item *items;
    size_t n, cap;
};
/* Those of the kind that a pattern matches; no pattern: all. */
void kit_list_make(struct kit_list *list, uint32_t kind, const struct kit_texts *only);
/* Why the driver need not pass it, or NULL. */
const char *kit_unneeded(const struct kit_check *check, const struct kit_about *about);

/* --- one check (kit_run.c) --- */

enum kit_verdict { KIT_VERDICT_NONE, KIT_OK, KIT_NOT_OK, KIT_SKIPPED };

struct kit_result {
    enum kit_verdict verdict;
    struct buf why, expected, got, at;
    struct kit_texts output; /* lines that driver and sanitizers wrote */
    uint64_t seed;
};
void kit_result_done(struct kit_result *r);

struct kit_runner {
    const struct kit_settings *settings;
    char *base; /* holds a directory for each check */
    size_t n_runs;
};
int kit_runner_init(struct kit_runner *runner, const struct kit_settings *settings,
                    struct ff_err *err);
void kit_runner_done(struct kit_runner *runner);
void kit_run(struct kit_runner *runner, const struct kit_item *item,
             struct kit_result *result);
/* Ends what checks have left behind, whoever its parents were (kit_reap.c). */
void kit_reap_init(void);
void kit_reap(void);
/* The signal that told the kit to end, or 0: the check under way is given up then. */
extern volatile sig_atomic_t kit_signal;
void kit_catch_signals(void);
/* Why a process ended, as a sentence: "it ended by SIGSEGV". */
void kit_why_ended(int status, struct buf *out);
/* A printable, valid UTF-8 copy without line ends; NULL gives "". */
void kit_clean(struct buf *out, const char *text, size_t len);

/* --- reports (kit_report.c) --- */

struct kit_score {
    size_t n, n_passed, n_failed, n_skipped;
    json_t *checks; /* --json: an array */
};
void kit_report_begin(struct kit_score *score, const struct kit_settings *settings,
                      const struct kit_about *about, size_t n);
void kit_report(struct kit_score *score, const struct kit_settings *settings,
                const struct kit_item *item, const struct kit_result *result);
void kit_report_end(struct kit_score *score, const struct kit_settings *settings,
                    const struct kit_about *about);
void kit_report_list(const struct kit_settings *settings, const struct kit_list *list);

/* --- inside of a check --- */

struct kit_place {
    const char *name;
    char *value; /* NULL: none yet */
};
#define KIT_N_PLACES 7
extern const char *const kit_place_names[KIT_N_PLACES];

struct kit {
    const struct kit_settings *settings;
    const struct kit_item *item;
    int report_fd;       /* verdicts go here */
    int tell_fd;         /* in a child of the check */
    int64_t deadline_us; /* by the monotonic clock */
    uint64_t seed;
    struct rand rand;
    char *dir;
    unsigned n_places;
    struct kit_place places[KIT_N_PLACES];
    struct kit_texts texts; /* that live as long as the check */
    struct loop *loop;
    struct driver_instance *first;
    struct {
        struct driver_instance **items;
        size_t n, cap;
    } instances;
};

/* dir is made and empty; kit_done frees what the check has left to the kit. */
void kit_init(struct kit *k, const struct kit_settings *settings,
              const struct kit_item *item, const char *dir);
void kit_done(struct kit *k);
int64_t kit_mono_us(void);
/* Is it a placeholder's name? In the text of an option: {name}. FF_INVALID names an
 * unknown one. */
int kit_check_option(const char *option, struct ff_err *err);
/* The driver, loaded; NULL with err. */
struct driver *kit_load(const struct kit_settings *settings, struct ff_err *err);

#endif
