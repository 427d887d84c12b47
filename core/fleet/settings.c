/* settings.c - section "executor" of the configuration, which the program
 * flowforge-executor reads. */
#include "fleet/fleet.h"

#define OPT(field) .name = #field, .offset = offsetof(struct executor_settings, field)

const struct ff_opt executor_options[] = {
    {OPT(servers), .type = FF_OPT_TEXT, .fallback = "http://127.0.0.1:8081",
     .help = "where servers are asked for work, comma separated: all that may lead"},
    {OPT(ca), .type = FF_OPT_TEXT,
     .help =
         "PEM file: the authorities that may have signed the servers' certificates"},
    {OPT(insecure), .type = FF_OPT_BOOL, .fallback = "false",
     .help = "asks servers on other machines without TLS"},
    {OPT(name), .type = FF_OPT_TEXT,
     .help = "what the executor is called where it is shown; default: the host's name"},
    {OPT(dir), .type = FF_OPT_TEXT,
     .help = "where it keeps what its tasks write, and what it is; of one executor. "
             "Default: $XDG_STATE_HOME/flowforge-executor, else "
             "~/.local/state/flowforge-executor"},
    {OPT(places), .type = FF_OPT_INT, .fallback = "0", .max = FLEET_PLACES_MAX,
     .help = "attempts that run here at once; 0: twice the processors, at least 4"},
    {OPT(labels), .type = FF_OPT_TEXT,
     .help =
         "what tasks with a node_selector choose it by: KEY=VALUE, comma separated"},
    {OPT(runtime), .type = FF_OPT_TEXT, .fallback = "runtime-local",
     .help = "the runtime driver that runs them"},
    {OPT(driver_dir), .type = FF_OPT_TEXT,
     .help = "where drivers are; default: lib/flowforge beside the program"},
    {OPT(pass_env), .type = FF_OPT_TEXT,
     .help = "more variables of the executor's environment that tasks get, comma "
             "separated; a trailing * takes a prefix"},
    {OPT(sdk), .type = FF_OPT_TEXT,
     .help = "folder that holds the Python package flowforge; default: the installed "
             "one"},
    {OPT(metrics_listen), .type = FF_OPT_TEXT,
     .help = "address and port where it is told whether the executor is well, and what "
             "is measured of it; default: nowhere"},
    {OPT(metrics_exposed), .type = FF_OPT_BOOL, .fallback = "false",
     .help = "these, which want no credential, may be off loopback"},
    {0},
};
