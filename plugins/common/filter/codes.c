/* codes.c - enum ff_code in words. */
#include "codes.h"

const char *const code_names[CODES_MAX] = {
    [FF_OK] = "ok",
    [FF_INVALID] = "invalid",
    [FF_NOT_FOUND] = "not_found",
    [FF_CONFLICT] = "conflict",
    [FF_BUSY] = "busy",
    [FF_UNAVAILABLE] = "unavailable",
    [FF_IN_DOUBT] = "in_doubt",
    [FF_CANCELLED] = "cancelled",
    [FF_DENIED] = "denied",
    [FF_UNSUPPORTED] = "unsupported",
    [FF_NO_MEMORY] = "no_memory",
    [FF_CORRUPT] = "corrupt",
    [FF_INTERNAL] = "internal",
    [FF_FULL] = "full",
    [FF_FATAL] = "fatal",
};

const char *code_name(int code)
{
    return code >= FF_OK && code < CODES_MAX ? code_names[code] : "unknown";
}
