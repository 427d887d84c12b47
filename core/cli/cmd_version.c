/* cmd_version.c - which FlowForge this is. */
#include "cli/cli_priv.h"

#ifdef FF_HAS_GIT_ID
#include "ff_git_id.h" /* made by the build */
#else
#define FLOWFORGE_GIT "unknown"
#endif

int cmd_version(struct cli *c)
{
    struct buf out = {0};
    struct jsonw w = {.out = &out};

    if (!c->json) {
        buf_printf(&out, "flowforge %s (commit %s, driver ABI %s)\n", FLOWFORGE_VERSION,
                   FLOWFORGE_GIT, FF_ABI_STATUS);
        return cli_print(&out);
    }
    jsonw_open(&w, '{');
    jsonw_key(&w, "version");
    jsonw_text(&w, FLOWFORGE_VERSION);
    jsonw_key(&w, "commit");
    jsonw_text(&w, FLOWFORGE_GIT);
    jsonw_key(&w, "abi");
    jsonw_text(&w, FF_ABI_STATUS);
    jsonw_key(&w, "abi_major");
    jsonw_int(&w, FF_ABI_MAJOR);
    jsonw_key(&w, "abi_minor");
    jsonw_int(&w, FF_ABI_MINOR);
    jsonw_close(&w, '}');
    buf_add_char(&out, '\n');
    return cli_print(&out);
}
