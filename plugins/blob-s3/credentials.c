/* blob-s3/credentials.c - keys from a file as other programs of S3 have it. */
#include "s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *trim(char *text)
{
    size_t n;

    text += strspn(text, " \t");
    n = strlen(text);
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        text[--n] = '\0';
    return text;
}

/* False: the value is longer than any, or has blanks in it, which would go into the
 * lines of a request. */
static bool keep(char *to, size_t size, const char *value)
{
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return false;
    return (size_t)snprintf(to, size, "%s", value) < size;
}

static bool read_line(char *line, const char *profile, bool *inside,
                      struct s3_keys *keys)
{
    char *text = trim(line);
    char *value = strchr(text, '=');
    const size_t n = strlen(text);

    if (text[0] == '[' && n > 1 && text[n - 1] == ']') {
        text[n - 1] = '\0';
        *inside = strcmp(trim(text + 1), profile) == 0;
        return true;
    }
    if (!*inside || text[0] == '#' || text[0] == ';' || !value)
        return true;
    *value++ = '\0';
    value = trim(value);
    text = trim(text);
    if (strcmp(text, "aws_access_key_id") == 0)
        return keep(keys->access, sizeof(keys->access), value);
    if (strcmp(text, "aws_secret_access_key") == 0)
        return keep(keys->secret, sizeof(keys->secret), value);
    if (strcmp(text, "aws_session_token") == 0)
        return keep(keys->token, sizeof(keys->token), value);
    return true;
}

/* Whoever can read it has the keys. */
static int check_file(FILE *f, const char *path, struct ff_err *err)
{
    struct stat st;

    if (fstat(fileno(f), &st) != 0)
        return ff_fail(err, FF_DENIED, errno, "credentials_file %.120s: %s", path,
                       strerror(errno));
    if (st.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH))
        return ff_fail(err, FF_DENIED, 0,
                       "credentials_file %.120s: others may read or write it; "
                       "chmod 600 it",
                       path);
    return FF_OK;
}

int s3_read_keys(const char *path, const char *profile, struct s3_keys *keys,
                 struct ff_err *err)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool inside = false;
    bool good = true;

    if (!f)
        return ff_fail(err, FF_DENIED, errno, "credentials_file %.120s: %s", path,
                       strerror(errno));

    int code = check_file(f, path, err);

    while (code == FF_OK && good && getline(&line, &size, f) > 0)
        good = read_line(line, profile, &inside, keys);
    if (line)
        explicit_bzero(line, size);
    free(line);
    fclose(f);
    if (code == FF_OK && (!good || !keys->access[0] || !keys->secret[0]))
        code = ff_fail(err, FF_INVALID, 0,
                       "credentials_file %.120s: profile %.60s has no good "
                       "aws_access_key_id and aws_secret_access_key",
                       path, profile);
    return code;
}
