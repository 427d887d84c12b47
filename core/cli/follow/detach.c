/* detach.c - --detach: a run is left to another process, which is started if nobody
 * leads runs here. */
#include "cli/follow/follow.h"
#include "cli/owner/owner.h"
#include "cli/owner/owner_link.h"

#define WAKE_TRIES 3

int detach_check(const struct cli *c, const struct cli_session *s)
{
    if (!cli_has(&c->args, "detach") || node_store_is_shared(s->node))
        return CLI_OK;
    return cli_fail(CLI_USAGE, "runs of %s end with this process: leave --detach out",
                    node_settings(s->node)->store);
}

/* Somebody must lead it: the owner there is, or a new one in the background. */
int detach_run(struct cli *c, struct cli_session *s, const char *id)
{
    MEM_AUTO char *socket = node_socket_path(s->node);
    struct ff_err err = {0};
    struct buf out = {0};

    for (int i = 0; !s->remote && i < WAKE_TRIES; i++) {
        if (owner_call(socket, "POST", "/api/v1/wake", NULL, NULL, &err) == FF_OK)
            break;
        const enum engine_answer answer = engine_spawn(c, s);
        if (answer == ENGINE_FAILED)
            return cli_fail(CLI_UNAVAILABLE, "run %s is stored, but nobody leads it",
                            id);
        if (answer == ENGINE_LEADS)
            break;
    }
    if (c->json)
        buf_printf(&out, "{\"run\":\"%s\"}\n", id);
    else
        buf_printf(&out, "%s\n", id);
    return cli_print(&out);
}
