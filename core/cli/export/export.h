/* cli/export/export.h - sends what became of runs, as spans, to a collector of
 * OpenTelemetry (OTLP by HTTP, in JSON). Where it does not answer it is asked again,
 * for as long as it takes: the runs themselves stay in the store, and only which of
 * them are to be told is kept, of so many. docs/traces.md says it for people. */
#ifndef CLI_EXPORT_EXPORT_H
#define CLI_EXPORT_EXPORT_H

#include "node/node.h"

/* Section "traces" of the configuration. */
struct export_settings {
    const char *endpoint; /* URL, or NULL: nothing is sent */
    const char *headers;  /* "key=value,key2=value2", or NULL */
    const char *service_name;
    const char *resource_attributes; /* as headers */
    const char *ca;                  /* PEM file, or NULL */
    int64_t timeout_us;              /* of one request */
};
extern const struct ff_opt export_options[];
/* Defaults from the variables that OpenTelemetry has for all programs (OTEL_...). */
void export_defaults(struct config *c);
/* FF_INVALID with a sentence. */
int export_check(const struct export_settings *s, struct ff_err *err);

struct exporter;

/* Settings are checked, have an endpoint, and live as long. NULL with a sentence. Loop
 * thread, as all of these. */
struct exporter *exporter_new(struct loop *l, struct node *n,
                              const struct export_settings *settings,
                              const char *version, struct ff_err *err);

/* This run has ended, and is durable. Takes NULL. */
void exporter_ended(struct exporter *e, const struct run_row *run);

/* Since the process began. */
struct exporter_counts {
    int64_t n_sent, n_rejected; /* spans */
    int64_t n_passed_over;      /* runs, of which more waited than may */
    int64_t n_waiting;          /* runs, now */
};
struct exporter_counts exporter_counts(const struct exporter *e); /* takes NULL */

/* From now on nothing more is sent, and what is on its way is given up: also while
 * exporter_free runs. Takes NULL. */
void exporter_hurry(struct exporter *e);

/* What waits is sent, unless that takes more than a few seconds; the rest is told in
 * the log. Runs the loop: not from a callback. Takes NULL. */
void exporter_free(struct exporter *e);

#endif
