/* host.c - what attempts get of the host that they run on, whoever starts them: names
 * of its environment, the Python package, the program that makes requests. */
#include "node/node_priv.h"

#include <string.h>
#include <unistd.h>

/* What tasks on a laptop expect to inherit; everything else must be asked for. */
static const char pass_always[] =
    "PATH,HOME,USER,LOGNAME,SHELL,LANG,LANGUAGE,LC_*,TZ,TMPDIR,TERM,VIRTUAL_ENV,CONDA_*"
    ","
    "PYTHONPATH,LD_LIBRARY_PATH,SSL_CERT_FILE,SSL_CERT_DIR,XDG_*,"
    "http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY";

static char **split_names(const char *a, const char *b)
{
    const size_t size = strlen(a) + (b ? strlen(b) : 0) + 2;
    char *text = mem_alloc(size);
    size_t n = 0;

    snprintf(text, size, "%s,%s", a, b ? b : "");
    for (const char *p = text; *p; p++)
        n += *p == ',';
    char **names = mem_array(n + 3, sizeof(*names));
    names[0] = text; /* keeps the memory; the first name starts there too */
    n = 0;
    for (char *save = NULL, *name = strtok_r(text, ", ", &save); name;
         name = strtok_r(NULL, ", ", &save))
        names[n++] = name;
    return names;
}

char **node_pass_env(const char *more)
{
    return split_names(pass_always, more);
}

bool node_passes_env(char *const *names, const char *pair)
{
    const char *equals = strchr(pair, '=');
    const size_t len = equals ? (size_t)(equals - pair) : strlen(pair);

    for (size_t i = 0; names[i]; i++) {
        const size_t n = strlen(names[i]);
        if (n > 0 && names[i][n - 1] == '*'
                ? strncmp(pair, names[i], n - 1) == 0
                : n == len && memcmp(pair, names[i], n) == 0)
            return true;
    }
    return false;
}

/* The Python package: where engine.sdk says, installed, or in the source tree above a
 * build folder. */
char *node_find_sdk(const char *given, const char *driver_dir)
{
    static const char *const places[] = {"../../share/flowforge/python",
                                         "../../../sdk/python",
                                         "../../../../sdk/python"};

    if (given)
        return file_real(given);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        MEM_AUTO char *base = file_join(driver_dir, places[i]);
        MEM_AUTO char *probe = file_join(base, "flowforge/__init__.py");
        char *real = access(probe, R_OK) == 0 ? file_real(base) : NULL;
        if (real)
            return real;
    }
    return NULL;
}

char *node_http_program(void)
{
    MEM_AUTO char *beside = file_dir_of_program();

    return file_join(beside ? beside : "/usr/bin", WORK_HTTP_PROGRAM);
}
