/* cli/serve/notify.h - tells the service manager what the process is at. */
#ifndef CLI_SERVE_NOTIFY_H
#define CLI_SERVE_NOTIFY_H

/* Lines of sd_notify(3), such as "READY=1". Does nothing where nobody waits for them
 * (NOTIFY_SOCKET is not set); never waits, and a message that cannot be sent is lost.
 */
void notify_manager(const char *lines);

#endif
