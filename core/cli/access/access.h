/* cli/access/access.h - the commands about who may what: tenants, projects, members,
 * keys, and the log of who did. */
#ifndef CLI_ACCESS_ACCESS_H
#define CLI_ACCESS_ACCESS_H

struct cli;

int cmd_audit_list(struct cli *c);
int cmd_audit_verify(struct cli *c);
int cmd_key_check(struct cli *c);
int cmd_key_create(struct cli *c);
int cmd_key_list(struct cli *c);
int cmd_key_revoke(struct cli *c);
int cmd_member_list(struct cli *c);
int cmd_member_remove(struct cli *c);
int cmd_member_set(struct cli *c);
int cmd_project_create(struct cli *c);
int cmd_project_list(struct cli *c);
int cmd_project_weight(struct cli *c);
int cmd_tenant_create(struct cli *c);
int cmd_tenant_disable(struct cli *c);
int cmd_tenant_enable(struct cli *c);
int cmd_tenant_limit(struct cli *c);
int cmd_tenant_list(struct cli *c);

#endif
