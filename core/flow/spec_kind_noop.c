/* noop: nothing is run. Keys of attempts have always been let through and do nothing.
 */
#include "flow/spec_kind.h"

static const char *const without[] = {"outputs", NULL};

const struct spec_kind spec_kind_noop = {.key = "noop", .without = without};
