/* noop: nothing is run. Keys of attempts have always been let through and do nothing,
 * but for those that would seem to limit something.
 */
#include "flow/spec_kind.h"

static const char *const without[] = {
    "outputs", "semaphores", "mutex",         "rate",          "repeat",
    "cache",   "artifacts",  "total_timeout", "node_selector", NULL};

const struct spec_kind spec_kind_noop = {.key = "noop", .without = without};
