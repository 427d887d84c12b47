/* cli/admin/admin.h - the commands about this installation: its engine, drivers,
 * settings, limits, secrets, caches and backups, and whether it is well. */
#ifndef CLI_ADMIN_ADMIN_H
#define CLI_ADMIN_ADMIN_H

struct cli;

int cmd_backup(struct cli *c);
int cmd_cache_clear(struct cli *c);
int cmd_cache_list(struct cli *c);
int cmd_config_show(struct cli *c);
int cmd_db_stats(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_driver_check(struct cli *c);
int cmd_driver_list(struct cli *c);
int cmd_driver_new(struct cli *c);
int cmd_driver_show(struct cli *c);
int cmd_engine(struct cli *c);
int cmd_executor_list(struct cli *c);
int cmd_limit_delete(struct cli *c);
int cmd_limit_list(struct cli *c);
int cmd_limit_set(struct cli *c);
int cmd_migrate(struct cli *c);
int cmd_secret_delete(struct cli *c);
int cmd_secret_list(struct cli *c);
int cmd_secret_rotate(struct cli *c);
int cmd_secret_set(struct cli *c);
int cmd_server(struct cli *c);

#endif
