/* cli/owner/engine_need.h - who wants something led that this process will not lead. */
#ifndef CLI_OWNER_ENGINE_NEED_H
#define CLI_OWNER_ENGINE_NEED_H

#include "cli/frame/frame.h"

bool engine_is_there(struct cli_session *s);
/* Another process has the lease, where hosts share the store. */
bool engine_is_elsewhere(struct cli_session *s);
/* Wakes the owner, or starts an engine in the background. False: nobody leads, and it
 * has been printed why. */
bool engine_wake(struct cli *c, struct cli_session *s);
/* Says so where schedules want an engine and there is none. */
void engine_warn(struct cli *c, struct cli_session *s);

#endif
