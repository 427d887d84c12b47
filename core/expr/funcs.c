/*
 * The table of functions, and those of them that concern every type: conversions, the
 * type's name, JSON and the time. Strings are in strings.c, lists in lists.c.
 */
#include "expr/expr_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct expr_function functions[] = {
    {"size", EXPR_BOTH, 1, 1, expr_fn_size},
    {"int", EXPR_GLOBAL, 1, 1, expr_fn_int},
    {"double", EXPR_GLOBAL, 1, 1, expr_fn_double},
    {"string", EXPR_GLOBAL, 1, 1, expr_fn_string},
    {"bool", EXPR_GLOBAL, 1, 1, expr_fn_bool},
    {"type", EXPR_GLOBAL, 1, 1, expr_fn_type},
    {"dyn", EXPR_GLOBAL, 1, 1, expr_fn_dyn},
    {"now", EXPR_GLOBAL, 0, 0, expr_fn_now},
    {"json", EXPR_GLOBAL, 1, 1, expr_fn_json},
    {"to_json", EXPR_GLOBAL, 1, 1, expr_fn_to_json},

    {"contains", EXPR_METHOD, 2, 2, expr_fn_contains},
    {"startsWith", EXPR_METHOD, 2, 2, expr_fn_starts_with},
    {"endsWith", EXPR_METHOD, 2, 2, expr_fn_ends_with},
    {"matches", EXPR_BOTH, 2, 2, expr_fn_matches},
    {"charAt", EXPR_METHOD, 2, 2, expr_fn_char_at},
    {"indexOf", EXPR_METHOD, 2, 3, expr_fn_index_of},
    {"lastIndexOf", EXPR_METHOD, 2, 3, expr_fn_last_index_of},
    {"substring", EXPR_METHOD, 2, 3, expr_fn_substring},
    {"lowerAscii", EXPR_METHOD, 1, 1, expr_fn_lower},
    {"upperAscii", EXPR_METHOD, 1, 1, expr_fn_upper},
    {"trim", EXPR_METHOD, 1, 1, expr_fn_trim},
    {"replace", EXPR_METHOD, 3, 4, expr_fn_replace},
    {"split", EXPR_METHOD, 2, 3, expr_fn_split},
    {"join", EXPR_METHOD, 1, 2, expr_fn_join},
    {"reverse", EXPR_METHOD, 1, 1, expr_fn_reverse},

    {"keys", EXPR_BOTH, 1, 1, expr_fn_keys},
    {"values", EXPR_BOTH, 1, 1, expr_fn_values},
    {"range", EXPR_GLOBAL, 1, 3, expr_fn_range},
    {"lists.range", EXPR_GLOBAL, 1, 1, expr_fn_range},
    {"min", EXPR_BOTH, 1, EXPR_MAX_ARGS, expr_fn_min},
    {"max", EXPR_BOTH, 1, EXPR_MAX_ARGS, expr_fn_max},
    {"math.least", EXPR_GLOBAL, 1, EXPR_MAX_ARGS, expr_fn_min},
    {"math.greatest", EXPR_GLOBAL, 1, EXPR_MAX_ARGS, expr_fn_max},
    {"sum", EXPR_BOTH, 1, 1, expr_fn_sum},
    {"sort", EXPR_METHOD, 1, 1, expr_fn_sort},
    {"distinct", EXPR_METHOD, 1, 1, expr_fn_distinct},
    {"flatten", EXPR_METHOD, 1, 2, expr_fn_flatten},
    {"slice", EXPR_METHOD, 3, 3, expr_fn_slice},
};

static const size_t n_functions = sizeof(functions) / sizeof(functions[0]);

static const char *const left_out[] = {
    "uint",         "bytes",       "timestamp",     "duration",        "getDate",
    "getDayOfWeek", "getFullYear", "getHours",      "getMilliseconds", "getMinutes",
    "getMonth",     "getSeconds",  "getDayOfMonth", "getDayOfYear",    "format",
};

static bool is(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

int expr_find_function(const char *name, size_t len, enum expr_style style)
{
    for (size_t i = 0; i < n_functions; i++)
        if ((functions[i].style & style) != 0 && is(functions[i].name, name, len))
            return (int)i;
    return -1;
}

const struct expr_function *expr_function_at(int row)
{
    return &functions[row];
}

bool expr_left_out(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (is(left_out[i], name, len))
            return true;
    return false;
}

void expr_hint_function(const char *name, size_t len, struct expr_err *err)
{
    static const char *const macros[] = {"has",        "or_value", "all",    "exists",
                                         "exists_one", "map",      "filter", "sortBy"};
    struct expr_nearest nearest;

    expr_nearest_init(&nearest, name, len, err->hint, sizeof(err->hint));
    for (size_t i = 0; i < n_functions; i++)
        expr_nearest_offer(&nearest, functions[i].name);
    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
        expr_nearest_offer(&nearest, macros[i]);
}

json_t *expr_no_overload(struct expr_ctx *ctx, const struct expr_call *call)
{
    const struct expr_function *function = expr_function_at(call->node->row);
    char types[128] = "";
    size_t at = 0;

    for (size_t i = 0; i < call->n; i++)
        at += (size_t)snprintf(types + at, sizeof(types) - at, "%s%s",
                               i > 0 ? ", " : "", expr_type_name(call->args[i]));
    return expr_error(
        ctx, call->node, EXPR_E_TYPE, "%s() does not take (%s), in '%s'",
        function->name, types,
        expr_snippet(ctx->e->text + call->node->offset, call->node->length).text);
}

static json_t *bad_value(struct expr_ctx *ctx, const struct expr_call *call,
                         const char *type)
{
    const json_t *v = call->args[0];
    char shown[80] = "the value";

    if (json_is_string(v))
        snprintf(shown, sizeof(shown), "'%s'",
                 expr_snippet(json_string_value(v), json_string_length(v)).text);
    else if (json_is_real(v))
        expr_print_real(shown, json_real_value(v));
    return expr_error(ctx, call->node, EXPR_E_VALUE, "%s cannot be made %s", shown,
                      type);
}

static bool all_digits(const char *s)
{
    s += *s == '-' || *s == '+';
    return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

json_t *expr_fn_int(struct expr_ctx *ctx, const struct expr_call *call)
{
    json_t *v = call->args[0];

    if (json_is_integer(v))
        return json_incref(v);
    if (json_is_real(v)) {
        const double d = json_real_value(v);
        if (!(d > -0x1p63 && d < 0x1p63))
            return bad_value(ctx, call, "an int");
        return expr_made(ctx, call->node, json_integer((json_int_t)d));
    }
    if (!json_is_string(v))
        return expr_no_overload(ctx, call);
    if (!expr_walk(ctx, call->node, v))
        return NULL;
    errno = 0;
    const long long n = strtoll(json_string_value(v), NULL, 10);
    if (!all_digits(json_string_value(v)) || errno != 0)
        return bad_value(ctx, call, "an int");
    return expr_made(ctx, call->node, json_integer(n));
}

json_t *expr_fn_double(struct expr_ctx *ctx, const struct expr_call *call)
{
    json_t *v = call->args[0];
    char *end;

    if (json_is_real(v))
        return json_incref(v);
    if (json_is_integer(v))
        return expr_made(ctx, call->node, json_real((double)json_integer_value(v)));
    if (!json_is_string(v))
        return expr_no_overload(ctx, call);
    const char *s = json_string_value(v);
    if (!expr_walk(ctx, call->node, v))
        return NULL;
    /* strtod takes more than numbers have: blanks, hexadecimal, nan and infinity. */
    const double d = strtod(s, &end);
    if (*s == '\0' || *end != '\0' || s[strspn(s, "+-.0123456789eE")] != '\0' ||
        !isfinite(d))
        return bad_value(ctx, call, "a double");
    return expr_made(ctx, call->node, json_real(d));
}

json_t *expr_fn_string(struct expr_ctx *ctx, const struct expr_call *call)
{
    json_t *v = call->args[0];
    char text[40];

    if (json_is_string(v))
        return json_incref(v);
    if (json_is_integer(v))
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        expr_print_real(text, json_real_value(v));
    else if (json_is_boolean(v))
        snprintf(text, sizeof(text), "%s", json_is_true(v) ? "true" : "false");
    else
        return expr_no_overload(ctx, call);
    if (!expr_produce(ctx, call->node, strlen(text)))
        return NULL;
    return expr_made(ctx, call->node, json_string(text));
}

json_t *expr_fn_bool(struct expr_ctx *ctx, const struct expr_call *call)
{
    static const char *const words[][2] = {{"false", "true"},
                                           {"False", "True"},
                                           {"FALSE", "TRUE"},
                                           {"f", "t"},
                                           {"0", "1"}};
    json_t *v = call->args[0];

    if (json_is_boolean(v))
        return json_incref(v);
    if (!json_is_string(v))
        return expr_no_overload(ctx, call);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (int truth = 0; truth < 2; truth++)
            if (strcmp(words[i][truth], json_string_value(v)) == 0)
                return json_boolean(truth);
    return bad_value(ctx, call, "a bool");
}

json_t *expr_fn_type(struct expr_ctx *ctx, const struct expr_call *call)
{
    return expr_made(ctx, call->node, json_string(expr_type_name(call->args[0])));
}

json_t *expr_fn_dyn(struct expr_ctx *ctx, const struct expr_call *call)
{
    (void)ctx;
    return json_incref(call->args[0]);
}

/* The deepest nesting of brackets outside strings. */
static size_t json_depth(const char *s)
{
    size_t depth = 0, deepest = 0;
    bool inside = false;

    for (; *s != '\0'; s++) {
        if (*s == '"')
            inside = !inside;
        else if (inside && *s == '\\' && s[1] != '\0')
            s++;
        else if (!inside && (*s == '[' || *s == '{'))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!inside && (*s == ']' || *s == '}') && depth > 0)
            depth--;
    }
    return deepest;
}

json_t *expr_fn_json(struct expr_ctx *ctx, const struct expr_call *call)
{
    json_t *text = call->args[0];
    json_error_t err;

    if (!json_is_string(text))
        return expr_no_overload(ctx, call);
    if (!expr_walk(ctx, call->node, text) ||
        !expr_produce(ctx, call->node, json_string_length(text)))
        return NULL;
    if (json_depth(json_string_value(text)) > EXPR_MAX_DEPTH)
        return expr_error(ctx, call->node, EXPR_E_LIMIT,
                          "the JSON is nested more than %d deep", EXPR_MAX_DEPTH);
    json_t *v = json_loadb(json_string_value(text), json_string_length(text),
                           JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &err);
    if (v == NULL)
        expr_error(ctx, call->node, EXPR_E_VALUE, "'%s' is not JSON: %.120s",
                   expr_snippet(json_string_value(text), json_string_length(text)).text,
                   err.text);
    return v;
}

json_t *expr_fn_to_json(struct expr_ctx *ctx, const struct expr_call *call)
{
    const struct expr_budget *budget = ctx->budget;
    size_t len;
    int code;
    char *text =
        expr_dump(call->args[0], false, budget->max_bytes - budget->bytes, &len, &code);

    if (text == NULL)
        return expr_error(ctx, call->node, code,
                          "the JSON needs too many bytes, or is nested too deep");
    json_t *v = NULL;
    if (expr_produce(ctx, call->node, len) && expr_spend(ctx, call->node, len / 64))
        v = expr_made(ctx, call->node, json_stringn_nocheck(text, len));
    free(text);
    return v;
}

/* The calendar of a day counted from 1970-01-01. Howard Hinnant's civil_from_days. */
static void civil(int64_t days, int *year, int *month, int *day)
{
    const int64_t shifted = days + 719468;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const int64_t of_era = shifted - era * 146097;
    const int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    const int64_t m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

/* Always six digits of a second, so that two such texts compare as the times do. */
json_t *expr_fn_now(struct expr_ctx *ctx, const struct expr_call *call)
{
    const int64_t day_us = INT64_C(86400000000);
    const int64_t now = ctx->scope->now_us;
    const int64_t days = now / day_us - (now % day_us < 0);
    const int64_t us = now - days * day_us;
    const int s = (int)(us / 1000000);
    int year, month, day;
    char text[64];

    civil(days, &year, &month, &day);
    if (year < 1 || year > 9999)
        return expr_error(ctx, call->node, EXPR_E_VALUE, "the time is out of range");
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year, month,
             day, s / 3600, s / 60 % 60, s % 60, (int)(us % 1000000));
    return expr_made(ctx, call->node, json_string(text));
}
