/* cli/catalog/catalog.h - the commands about what is known by name: workflows and
 * schedules. */
#ifndef CLI_CATALOG_CATALOG_H
#define CLI_CATALOG_CATALOG_H

struct cli;

int cmd_apply(struct cli *c);
int cmd_schedule_backfill(struct cli *c);
int cmd_schedule_delete(struct cli *c);
int cmd_schedule_get(struct cli *c);
int cmd_schedule_list(struct cli *c);
int cmd_schedule_pause(struct cli *c);
int cmd_schedule_pin(struct cli *c);
int cmd_schedule_resume(struct cli *c);
int cmd_schedule_trigger(struct cli *c);
int cmd_schedule_unpin(struct cli *c);
int cmd_workflow_delete(struct cli *c);
int cmd_workflow_get(struct cli *c);
int cmd_workflow_label(struct cli *c);
int cmd_workflow_list(struct cli *c);
int cmd_workflow_versions(struct cli *c);

#endif
