/* engine_need.c - somebody must lead: the owner there is hears that there is something
 * new, or a process of the background becomes one. And whether there is an owner. */
#include "cli/owner/engine_need.h"

#include "cli/owner/owner.h"
#include "cli/owner/owner_link.h"

#define TRIES 3 /* an owner may be leaving just now */

/* The others are led by whoever leads any, soon. */
static void note_leader(void *arg, const struct node_leader *leader)
{
    *(bool *)arg = *(bool *)arg || leader->leads;
}

bool engine_is_elsewhere(struct cli_session *s)
{
    struct ff_err err = {0};
    bool led = false;

    return !s->remote && node_is_leased(s->node) &&
           node_read_leaders(s->node, STORE_READER_CALLER, note_leader, &led, &err) ==
               FF_OK &&
           led;
}

/* A server leads what it has. */
bool engine_is_there(struct cli_session *s)
{
    MEM_AUTO char *socket = node_socket_path(s->node);
    struct ff_err err = {0};

    return s->remote ||
           owner_call(socket, "GET", "/api/v1/owner", NULL, NULL, &err) == FF_OK ||
           engine_is_elsewhere(s);
}

bool engine_wake(struct cli *c, struct cli_session *s)
{
    MEM_AUTO char *socket = node_socket_path(s->node);
    struct ff_err err = {0};

    if (s->remote)
        return true;
    if (!node_store_is_shared(s->node)) {
        cli_fail(CLI_UNAVAILABLE,
                 "what is in %s ends with this process: nobody else can "
                 "lead it",
                 node_settings(s->node)->store);
        return false;
    }
    for (int i = 0; i < TRIES; i++) {
        if (owner_call(socket, "POST", "/api/v1/wake", NULL, NULL, &err) == FF_OK)
            return true;
        if (engine_is_elsewhere(s))
            return true; /* what was committed has told it */
        const enum engine_answer answer = engine_spawn(c, s);
        if (answer != ENGINE_BUSY)
            return answer == ENGINE_LEADS;
    }
    return false;
}

void engine_warn(struct cli *c, struct cli_session *s)
{
    if (!c->quiet && node_has_schedules(s->node) && !engine_is_there(s))
        fprintf(stderr, "flowforge: no engine runs, so no schedule starts anything: "
                        "`flowforge engine` leads them\n");
}
