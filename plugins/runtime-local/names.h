/* names.h - how an attempt's private directories are called. Used by the driver,
 * which reads outputs, and by the supervisor, which makes them. */
#ifndef RUNTIME_LOCAL_NAMES_H
#define RUNTIME_LOCAL_NAMES_H

#include <stdbool.h>

#define RL_NAME_SIZE 256

/* Printable, no spaces, 1..255 bytes. */
bool rl_id_valid(const char *attempt_id);

/* One path component that is safe unquoted in a shell. Different ids give
 * different names. */
void rl_dir_name(const char *attempt_id, char name[RL_NAME_SIZE]);

/* The way back. False when the name does not tell, or is none of ours. */
bool rl_dir_id(const char *name, char attempt_id[RL_NAME_SIZE]);

#endif
