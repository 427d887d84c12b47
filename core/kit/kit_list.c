/* kit/kit_list.c - which checks there are for a driver. */
#include "kit/kit_priv.h"

#include <fnmatch.h>
#include <string.h>

static const struct kit_check *const *const tables[] = {
    [FF_STORE] = kit_store_checks,     [FF_QUEUE] = kit_queue_checks,
    [FF_RUNTIME] = kit_runtime_checks, [FF_AUTH] = kit_auth_checks,
    [FF_BLOB] = kit_blob_checks,
};

/* A whole name by shell pattern; a word without one anywhere in the name. */
static bool matches(const char *name, const char *pattern)
{
    if (strpbrk(pattern, "*?["))
        return fnmatch(pattern, name, 0) == 0;
    return strstr(name, pattern) != NULL;
}

static bool is_wanted(const char *name, const struct kit_texts *only)
{
    for (size_t i = 0; i < only->n; i++)
        if (matches(name, only->items[i]))
            return true;
    return only->n == 0;
}

void kit_list_make(struct kit_list *list, uint32_t kind, const struct kit_texts *only)
{
    for (const struct kit_check *const *t = tables[kind]; *t; t++) {
        for (const struct kit_check *check = *t; check->name; check++) {
            struct kit_item item = {.check = check};

            snprintf(item.name, sizeof(item.name), "%s/%s", driver_kind_name(kind),
                     check->name);
            if (is_wanted(item.name, only))
                ARRAY_ADD(list, item);
        }
    }
}

const char *kit_unneeded(const struct kit_check *check, const struct kit_about *about)
{
    if ((check->caps & about->caps) != check->caps)
        return "the driver does not declare this capability";
    if (check->slot && !(about->slots >> check->slot / sizeof(void *) & 1))
        return "the driver does not have this optional function";
    return NULL;
}
