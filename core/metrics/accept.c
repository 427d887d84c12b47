/* accept.c - which format who asks likes better, by his Accept header (RFC 9110,
 * section 12.5.1). Whoever names neither is given the older one, which all read. */
#include "metrics/metrics.h"

#include <string.h>
#include <strings.h>

/* One word of the header: a type, and its parameters. */
struct wish {
    const char *type;
    size_t type_len;
    const char *version; /* or NULL */
    size_t version_len;
    int q; /* thousandths */
};

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t");
}

/* "0.75" as 750. */
static int read_q(const char *p)
{
    int q = *p == '1' ? 1000 : 0;
    int worth = 100;

    if (*p != '0' || p[1] != '.')
        return q;
    for (p += 2; *p >= '0' && *p <= '9'; p++, worth /= 10)
        q += (*p - '0') * worth;
    return q;
}

static void read_parameter(struct wish *w, const char *p)
{
    if (strncasecmp(p, "q=", 2) == 0)
        w->q = read_q(p + 2);
    if (strncasecmp(p, "version=", 8) != 0)
        return;
    w->version = p + 8 + (p[8] == '"');
    w->version_len = strcspn(w->version, "\"; \t,");
}

/* Reads one and returns what is behind it. */
static const char *read_wish(const char *p, struct wish *w)
{
    *w = (struct wish){.type = skip_space(p), .q = 1000};
    w->type_len = strcspn(w->type, "; \t,");
    for (p = w->type + w->type_len; *p && *p != ','; p += strcspn(p, ";,")) {
        p = skip_space(p);
        if (*p != ';')
            break;
        p = skip_space(p + 1);
        read_parameter(w, p);
    }
    p += strcspn(p, ",");
    return *p ? p + 1 : p;
}

static bool is_type(const struct wish *w, const char *type)
{
    return w->type_len == strlen(type) && strncasecmp(w->type, type, w->type_len) == 0;
}

static bool is_version(const struct wish *w, const char *version)
{
    return !w->version || (w->version_len == strlen(version) &&
                           memcmp(w->version, version, w->version_len) == 0);
}

enum metrics_format metrics_choose(const char *accept)
{
    int open = 0;
    int text = 0;
    struct wish w;

    for (const char *p = accept ? accept : ""; *p;) {
        p = read_wish(p, &w);
        if (is_type(&w, "application/openmetrics-text") && is_version(&w, "1.0.0") &&
            w.q > open)
            open = w.q;
        if (is_type(&w, "text/plain") && is_version(&w, "0.0.4") && w.q > text)
            text = w.q;
    }
    return open > 0 && open >= text ? METRICS_OPEN : METRICS_TEXT;
}
