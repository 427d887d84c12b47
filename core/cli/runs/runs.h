/* cli/runs/runs.h - the commands that start runs, look at them and act on them. */
#ifndef CLI_RUNS_RUNS_H
#define CLI_RUNS_RUNS_H

struct cli;

int cmd_approve(struct cli *c);
int cmd_artifacts(struct cli *c);
int cmd_cancel(struct cli *c);
int cmd_event(struct cli *c);
int cmd_events(struct cli *c);
int cmd_get(struct cli *c);
int cmd_history(struct cli *c);
int cmd_list(struct cli *c);
int cmd_pause(struct cli *c);
int cmd_reject(struct cli *c);
int cmd_rerun(struct cli *c);
int cmd_resume(struct cli *c);
int cmd_retry(struct cli *c);
int cmd_run(struct cli *c);
int cmd_submit(struct cli *c);
int cmd_signal(struct cli *c);
int cmd_unpause(struct cli *c);
int cmd_top(struct cli *c);
int cmd_why(struct cli *c);

#endif
