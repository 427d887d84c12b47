/* cli/admin/driver_dir.h - where the drivers of this installation are. */
#ifndef CLI_ADMIN_DRIVER_DIR_H
#define CLI_ADMIN_DRIVER_DIR_H

struct cli;

/* Where drivers are looked for; mem_free it. Exit code in *code. */
char *cli_driver_dir(struct cli *c, int *code);

#endif
