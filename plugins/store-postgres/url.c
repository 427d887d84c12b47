/* store-postgres/url.c - the setting `url`, a connection URI as libpq reads it, taken
 * apart into the other settings. What it says wins over them: they have defaults, so
 * nobody knows which of them were meant. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

/* A copy in the place of what was there, which belongs to the session. */
static int replace(const char **text, const char *value, struct ff_err *err)
{
    char *copy = strdup(value);

    if (!copy)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for settings");
    free((void *)(uintptr_t)*text);
    *text = copy;
    return FF_OK;
}

static int set_ssl_mode(struct pg_config *c, const char *word, struct ff_err *err)
{
    for (int i = PG_SSL_DISABLE; pg_ssl_words[i]; i++)
        if (strcmp(word, pg_ssl_words[i]) == 0) {
            c->ssl_mode = i;
            return FF_OK;
        }
    return ff_fail(err, FF_INVALID, 0, "database.url: sslmode %.40s is not known",
                   word);
}

static const char **text_named(struct pg_config *c, const char *keyword)
{
    const struct {
        const char *keyword;
        const char **text;
    } texts[] = {
        {"host", &c->host},
        {"dbname", &c->database},
        {"user", &c->user},
        {"password", &c->password},
        {"sslrootcert", &c->ssl_root_cert},
        {"sslcert", &c->ssl_cert},
        {"sslkey", &c->ssl_key},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(keyword, texts[i].keyword) == 0)
            return texts[i].text;
    return NULL;
}

static const char *value_of(const PQconninfoOption *parsed, const char *keyword)
{
    while (parsed->keyword && strcmp(parsed->keyword, keyword) != 0)
        parsed++;
    return parsed->keyword ? parsed->val : NULL;
}

/* "a,b" and "5432,5433" are "a:5432,b:5433" here; one port is that of all hosts. */
static int set_ports(struct pg_config *c, const char *ports, struct ff_err *err)
{
    struct pg_text hosts = {0};
    const char *host = c->host;

    if (!strchr(ports, ',')) {
        c->port = strtol(ports, NULL, 10);
        return c->port >= 1 && c->port <= 65535
                   ? FF_OK
                   : ff_fail(err, FF_INVALID, 0,
                             "database.url: %.20s is no port: 1 to 65535", ports);
    }
    while (*host || *ports) {
        const size_t host_len = strcspn(host, ",");
        const size_t port_len = strcspn(ports, ",");

        pg_addf(&hosts, "%s%.*s%s%.*s", hosts.len ? "," : "", (int)host_len, host,
                port_len ? ":" : "", (int)port_len, ports);
        host += host_len + (host[host_len] == ',');
        ports += port_len + (ports[port_len] == ',');
    }
    const int code = hosts.failed
                         ? ff_fail(err, FF_NO_MEMORY, 0, "out of memory for settings")
                         : replace(&c->host, hosts.s ? hosts.s : "", err);
    pg_text_done(&hosts);
    return code;
}

static int take(struct pg_config *c, const char *keyword, const char *value,
                struct ff_err *err)
{
    const char **text = text_named(c, keyword);

    if (text)
        return replace(text, value, err);
    if (strcmp(keyword, "sslmode") == 0)
        return set_ssl_mode(c, value, err);
    if (strcmp(keyword, "port") == 0)
        return FF_OK; /* when the hosts are known */
    return ff_fail(err, FF_INVALID, 0,
                   "database.url: %.40s cannot be set by it; "
                   "see `flowforge driver show store-postgres`",
                   keyword);
}

/* libpq's sentence may hold the password. */
static PQconninfoOption *parse(const char *url, struct ff_err *err)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};
    PQconninfoOption *parsed = NULL;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !parsed; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            parsed = PQconninfoParse(url, NULL);
    if (!parsed)
        ff_fail(err, FF_INVALID, 0,
                "database.url: it is no postgresql://USER:PASSWORD@HOST:PORT/DATABASE; "
                "other characters than letters and digits in it are written as %%XX");
    return parsed;
}

int pg_take_url(struct pg_config *c, struct ff_err *err)
{
    PQconninfoOption *parsed = c->url ? parse(c->url, err) : NULL;
    int code = FF_OK;

    if (!parsed)
        return c->url ? err->code : FF_OK;
    for (const PQconninfoOption *o = parsed; o->keyword && code == FF_OK; o++)
        if (o->val)
            code = take(c, o->keyword, o->val, err);
    const char *ports = value_of(parsed, "port");
    if (code == FF_OK && ports)
        code = set_ports(c, ports, err);
    PQconninfoFree(parsed);
    return code;
}
