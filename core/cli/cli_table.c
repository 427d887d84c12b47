/* cli_table.c - every command with its options: what --help prints, what arguments are
 * read by, and what docs/cli.md is written from (FF_RENEW=1 ctest -R test_cli_help). */
#include "cli/cli_priv.h"

#include "cli/access/access.h"
#include "cli/admin/admin.h"
#include "cli/author/author.h"
#include "cli/catalog/catalog.h"
#include "cli/logs/logs.h"
#include "cli/remote/remote.h"
#include "cli/runs/runs.h"
#include "cli/serve/serve.h"

static const char *const stream_words[] = {"stdout", "stderr", "sdk", NULL};

/* Of `run` and of `submit`. */
#define RUN_OPTIONS                                                                    \
    {"input", "NAME=VALUE",                                                            \
     "one input, read as the type that the file declares; NAME=@FILE takes the text "  \
     "of a file, of a .json file its value; may be repeated",                          \
     NULL, 'i'},                                                                       \
        {"inputs", "FILE",                                                             \
         "a JSON file with an object of inputs, of at most 64 MiB; -i wins over it",   \
         NULL, 0},                                                                     \
        {"dir", "DIR",                                                                 \
         "where tasks run; else the folder of FILE, or the one it was applied from",   \
         NULL, 0},                                                                     \
        {"label", "NAME=VALUE",                                                        \
         "what the run can be found by with `list --label`; wins over `labels:` of "   \
         "the file; may be repeated",                                                  \
         NULL, 'l'},                                                                   \
        {"project", "NAME", "the project that it belongs to", NULL, 0},                \
        {"priority", "N",                                                              \
         "from -100 to 100 (0): runs with a higher one start their tasks first", NULL, \
         0},                                                                           \
    {                                                                                  \
        "no-cache", NULL,                                                              \
            "run tasks with `cache` too; what they give is kept for others", NULL, 0   \
    }

static const struct cli_option submit_options[] = {RUN_OPTIONS, {0}};
static const struct cli_option run_options[] = {
    RUN_OPTIONS,
    {"detach", NULL, "print the run's id and return once somebody leads it", NULL, 'd'},
    {0},
};

static const char *const report_words[] = {"text", "tap", "junit", NULL};

static const struct cli_option sim_options[] = {
    {"mocks", "FILE",
     "a YAML file: what tasks do, who decides and what happens outside", NULL, 'm'},
    {"input", "NAME=VALUE", "one input, as for `run`; may be repeated", NULL, 'i'},
    {"inputs", "FILE", "a JSON file with an object of inputs, as for `run`", NULL, 0},
    {"seed", "N", "of all that is drawn (1); the same seed gives the same output", NULL,
     0},
    {"until", "DURATION", "virtual time after which it is left (365d)", NULL, 0},
    {"start", "TIME", "virtual time at which it begins (2026-01-01T00:00:00Z)", NULL,
     0},
    {"slots", "N", "attempts that run at once (100)", NULL, 0},
    {0},
};

static const struct cli_option test_options[] = {
    {"format", "FORMAT", "text (the default), tap or junit", report_words, 0},
    {"case", "NAME", "only the cases of this name", NULL, 0},
    {0},
};

#define TENANT_OPTION                                                                  \
    {                                                                                  \
        "tenant", "NAME", "of this tenant, instead of the default one", NULL, 0        \
    }
#define PROJECT_OPTION                                                                 \
    {                                                                                  \
        "project", "NAME", "in this project only, instead of the whole tenant", NULL,  \
            0                                                                          \
    }
#define PLATFORM_OPTION                                                                \
    {                                                                                  \
        "platform", NULL, "of the whole installation, instead of a tenant", NULL, 0    \
    }

static const char *const role_words[] = {"viewer", "operator", "author", "admin", NULL};

static const struct cli_option tenant_create_options[] = {
    {"title", "TEXT", "a longer name, for people", NULL, 0},
    {0},
};

static const struct cli_option tenant_options[] = {TENANT_OPTION, {0}};
static const struct cli_option scope_options[] = {TENANT_OPTION, PLATFORM_OPTION, {0}};
static const struct cli_option member_options[] = {
    TENANT_OPTION, PROJECT_OPTION, PLATFORM_OPTION, {0}};

static const struct cli_option key_create_options[] = {
    {"role", "ROLE", "what it may do: viewer, operator, author or admin; must be given",
     role_words, 0},
    {"expires", "DURATION", "how long it is valid (90d), or never", NULL, 0},
    TENANT_OPTION,
    PROJECT_OPTION,
    PLATFORM_OPTION,
    {0},
};

static const struct cli_option audit_list_options[] = {
    {"limit", "N", "at most so many, the newest first (20)", NULL, 'n'},
    {"before", "ROW", "only those before this row, for the next page", NULL, 0},
    TENANT_OPTION,
    PLATFORM_OPTION,
    {0},
};

static const struct cli_option audit_verify_options[] = {
    {"seal", "NUMBER:HASH",
     "a seal that an earlier call printed: it must be there still", NULL, 0},
    TENANT_OPTION,
    PLATFORM_OPTION,
    {0},
};

static const struct cli_option list_options[] = {
    {"state", "STATE",
     "only runs in this state: pending, running, cancelling, succeeded, failed or "
     "cancelled",
     run_state_names, 's'},
    {"workflow", "NAME", "only runs of this workflow", NULL, 'w'},
    {"label", "NAME=VALUE",
     "only runs with this label; NAME alone: with any value; may be repeated, up to 16",
     NULL, 'l'},
    {"project", "NAME", "only runs of this project", NULL, 0},
    {"all", NULL,
     "also runs that are tasks of other runs (groups), which are left out otherwise",
     NULL, 'a'},
    {"limit", "N", "at most so many, the newest first (20)", NULL, 'n'},
    {"after", "RUN", "go on after this run, for the next page", NULL, 0},
    {0},
};

static const struct cli_option get_options[] = {
    {"items", NULL, "list every item of each foreach", NULL, 0},
    {0},
};

static const struct cli_option artifacts_options[] = {
    {"get", "NAME",
     "bring this one here, as a file or folder; where several tasks have one of that "
     "name, say whose",
     NULL, 0},
    {"to", "PATH",
     "where --get puts it, instead of NAME in the current folder; must not be there "
     "yet",
     NULL, 0},
    {0},
};

static const struct cli_option logs_options[] = {
    {"follow", NULL,
     "go on until the run has ended, or the task, item or attempt that was named", NULL,
     'f'},
    {"attempt", "N", "only this attempt; 0 is the last one", NULL, 0},
    {"stream", "STREAM", "only stdout, stderr or sdk", stream_words, 0},
    {"raw", NULL,
     "the bytes as they were written: no names, no remarks, no other streams' lines "
     "mixed in",
     NULL, 0},
    {"timestamps", NULL, "begin each line with its time", NULL, 't'},
    {0},
};

static const struct cli_option cancel_options[] = {
    {"kill", NULL, "tasks get SIGKILL at once, and no handlers run", NULL, 0},
    {"state", "STATE",
     "instead of RUN: all runs in this state, pending or running; at most 1,000, the "
     "newest first",
     run_state_names, 's'},
    {"workflow", "NAME", "of those only the runs of this workflow", NULL, 'w'},
    {"label", "NAME=VALUE",
     "of those only the runs with this label; NAME alone: with any value; may be "
     "repeated, up to 16",
     NULL, 'l'},
    {"wait", NULL, "return when the run has ended", NULL, 0},
    {0},
};

static const struct cli_option retry_options[] = {
    {"state", "STATE",
     "instead of RUN: all runs in this state, failed, cancelled or running; at most "
     "1,000, the newest first",
     run_state_names, 's'},
    {"workflow", "NAME", "of those only the runs of this workflow", NULL, 'w'},
    {"label", "NAME=VALUE",
     "of those only the runs with this label; NAME alone: with any value; may be "
     "repeated, up to 16",
     NULL, 'l'},
    {"detach", NULL, "print the ids and return; they go on in the background", NULL,
     'd'},
    {0},
};

static const char *const graph_formats[] = {"tree", "mermaid", "dot", "svg", NULL};
static const struct cli_option graph_options[] = {
    {"format", "FORMAT",
     "tree (the default), mermaid, dot (Graphviz), or svg: a picture", graph_formats,
     'f'},
    {0},
};

static const struct cli_option rerun_options[] = {
    {"state", "STATE",
     "instead of RUN: all runs in this state, succeeded, failed, cancelled or running; "
     "at most 1,000, the newest first",
     run_state_names, 's'},
    {"workflow", "NAME", "of those only the runs of this workflow", NULL, 'w'},
    {"label", "NAME=VALUE",
     "of those only the runs with this label; NAME alone: with any value; may be "
     "repeated, up to 16",
     NULL, 'l'},
    {"from", "TASK", "only this task and all behind it; the others keep their results",
     NULL, 0},
    {"new", NULL,
     "as a new run, with the same inputs; with --from it takes over what the old one "
     "did",
     NULL, 0},
    {"input", "NAME=VALUE",
     "one input that is to be another, as for `run`; a new run; may be repeated", NULL,
     'i'},
    {"inputs", "FILE", "a JSON file with inputs that are to be others; a new run", NULL,
     0},
    {"no-cache", NULL,
     "of a new run: as for `run`; one that begins again never uses the cache", NULL, 0},
    {"detach", NULL, "print the run's id and return; it goes on in the background",
     NULL, 'd'},
    {0},
};

static const struct cli_option migrate_options[] = {
    {"check", NULL,
     "change nothing; the exit code is 1 where there is something to do, or the tables "
     "are only for newer programs",
     NULL, 0},
    {0},
};

static const struct cli_option cache_options[] = {
    {"limit", "N", "at most so many, the newest first (20)", NULL, 'n'},
    {0},
};

static const struct cli_option approve_options[] = {
    {"input", "NAME=VALUE",
     "one input of the approval, as `run` takes them; may be repeated", NULL, 'i'},
    {"inputs", "FILE", "a JSON file with an object of inputs", NULL, 0},
    {"comment", "TEXT", "why; the output `comment` of the task", NULL, 'm'},
    {0},
};

static const struct cli_option pause_options[] = {
    {"queue", "NAME",
     "all tasks with this queue, in whichever run; then no RUN is named", NULL, 0},
    {0},
};

static const struct cli_option unpause_options[] = {
    {"queue", "NAME", "the queue, instead of a run", NULL, 0},
    {0},
};

static const struct cli_option reject_options[] = {
    {"reason", "TEXT", "why; it stands in the task's message", NULL, 'm'},
    {0},
};

static const struct cli_option top_options[] = {
    {"once", NULL, "print it once and end; so it is where there is no terminal", NULL,
     '1'},
    {0},
};

static const struct cli_option events_options[] = {
    {"follow", NULL, "go on: tell what happens from now on", NULL, 'f'},
    {"run", "RUN", "only of this run, from its beginning", NULL, 'r'},
    {0},
};

static const struct cli_option history_options[] = {
    {"canonical", NULL,
     "one JSON object a line, sorted, without times and ids: equal for equal "
     "histories, whatever the drivers",
     NULL, 0},
    {0},
};

static const struct cli_option check_options[] = {
    {"option", "KEY=VALUE",
     "an option of the driver; {dir} is a directory, {unique} a word, new for each "
     "check; may be repeated",
     NULL, 'o'},
    {"over", "FILE",
     "of a filter: the driver that it stands in front of, a path or a name; options "
     "with that driver's name in front are its own: -o store-memory.name={unique}",
     NULL, 0},
    {"only", "PATTERN",
     "checks whose name has this in it, or, with *, ? or [, is matched by it; may be "
     "repeated",
     NULL, 0},
    {"accept", "CREDENTIAL",
     "for auth drivers: a credential that is let in with these options; may be "
     "repeated",
     NULL, 0},
    {"deny", "CREDENTIAL",
     "for auth drivers: a credential that is not let in, such as one that was revoked; "
     "may be repeated",
     NULL, 0},
    {"list", NULL,
     "print the names of the driver's checks with their rules, and check nothing", NULL,
     0},
    {"seed", "N", "the random choices of another run; each failure prints its seed",
     NULL, 0},
    {"deadline", "SECONDS",
     "a check that takes longer has failed (30; those that need more have their own)",
     NULL, 0},
    {"json", NULL, "one JSON document instead of TAP (also by --output json)", NULL, 0},
    {"keep", NULL, "leave the directories of the checks behind", NULL, 0},
    {0},
};

static const struct cli_option new_options[] = {
    {"dir", "DIR", "where to write it, instead of ./KIND-NAME; must not be there yet",
     NULL, 0},
    {0},
};

static const struct cli_option config_options[] = {
    {"sources", NULL,
     "also where each value comes from: default, file with its line, variable, command "
     "line",
     NULL, 0},
    {0},
};

static const struct cli_option backup_options[] = {
    {"logs", NULL, "also copy what tasks wrote; without it logs are not contained",
     NULL, 0},
    {0},
};

static const struct cli_option fmt_options[] = {
    {"check", NULL,
     "print the names of files that are written differently, and change nothing; exit "
     "code 3 if any",
     NULL, 0},
    {"diff", NULL,
     "print what would change, as a unified diff; exit code 3 when something would",
     NULL, 'd'},
    {"write", NULL, "write the files back, and print the names of those that changed",
     NULL, 'w'},
    {0},
};

static const struct cli_option apply_options[] = {
    {"dir", "DIR",
     "where its runs work, and where script: {file: ...} stands; else the folder of "
     "FILE",
     NULL, 0},
    {"project", "NAME", "the project that a new name belongs to, with its schedules",
     NULL, 0},
    {0},
};

static const struct cli_option workflow_list_options[] = {
    {"project", "NAME", "only those of this project", NULL, 0},
    {0},
};

#define APPLY_ABOUT                                                                    \
    "Stores the text by its hash and makes it the newest version of its name, "        \
    "unless\n"                                                                         \
    "it is that already. `version:` in the file labels it: NAME@LABEL. All files "     \
    "are\n"                                                                            \
    "checked before the first one is applied."

static const struct cli_option import_options[] = {
    {"to", "FILE", "write the workflow there instead of printing it", NULL, 0},
    {0},
};

static const char *const lint_words[] = {"text", "json", "sarif", NULL};

static const struct cli_option lint_options[] = {
    {"fix", NULL,
     "mend what can surely be mended, and write the file in its canonical form", NULL,
     0},
    {"rules", NULL, "print every rule instead; no FILE is named then", NULL, 0},
    {"output", "FORMAT",
     "text (the default), json, or sarif (2.1.0) for services that show code review",
     lint_words, 'o'},
    {0},
};

static const struct cli_option schedule_list_options[] = {
    {"workflow", "NAME", "only those of this workflow", NULL, 'w'},
    {"project", "NAME", "only those of this project", NULL, 0},
    {0},
};

static const struct cli_option schedule_get_options[] = {
    {"limit", "N", "at most so many times, the newest first (20)", NULL, 'n'},
    {0},
};

static const struct cli_option backfill_options[] = {
    {"from", "TIME",
     "the first time: 2026-11-21 (midnight in UTC) or 2026-11-21T06:30:00Z", NULL, 0},
    {"to", "TIME", "the end of the range; this time itself is not in it", NULL, 0},
    {"max-parallel", "N", "so many runs at once (1), at most 100", NULL, 0},
    {"dry-run", NULL, "only say how many times there are", NULL, 0},
    {"stop", NULL,
     "start no further time of the backfills that go on; runs that have begun go on, "
     "too",
     NULL, 0},
    {0},
};

static const struct cli_option context_options[] = {
    {"ca", "FILE", "trust these certificates (PEM) instead of the system's", NULL, 0},
    {"project", "NAME",
     "the project of runs that `run` and `submit` make there, unless they name one; "
     "\"\": none",
     NULL, 0},
    {0},
};

static const struct cli_option login_options[] = {
    {"oidc", NULL, "log in by the server's provider, in a browser of this machine",
     NULL, 0},
    {"device", NULL, "the same, in a browser of another machine", NULL, 0},
    {"ca", "FILE", "trust these certificates (PEM) instead of the system's", NULL, 0},
    {0},
};

static const struct cli_option token_options[] = {
    {"ttl", "DURATION", "make a session that lives so long (15m), and print that", NULL,
     0},
    {0},
};

static const struct cli_option engine_options[] = {
    {"stay", NULL, "go on when nothing is left to lead, until SIGTERM or SIGINT", NULL,
     0},
    {0},
};

static const struct cli_option event_options[] = {
    {"key", "TEXT", "which of the events of this name, for tasks that wait for a key",
     NULL, 'k'},
    {"data", "JSON",
     "what `event` is where it is told, at most 64 KiB; @FILE takes it from a file of "
     "JSON",
     NULL, 0},
    {0},
};

#define SCHEDULE_WORD                                                                  \
    "NAME is WORKFLOW.TRIGGER, or WORKFLOW for all schedules of that workflow."

#define NO_OPTIONS NULL

const struct cli_command cli_commands[] = {
    {"run", "FILE", "run a workflow and follow it to its end",
     "FILE is a workflow file or, where no file is called so, a workflow that was\n"
     "applied: NAME, NAME@LABEL or NAME@sha256:HASH.\n"
     "Ctrl-C cancels the run, a second one kills its tasks, a third one leaves and "
     "lets\n"
     "it be. When the program ends in any other way the run stays open: `flowforge\n"
     "resume` goes on with it.",
     run_options, cmd_run, 1, 1, false},
    {"submit", "FILE", "start a workflow and leave it to the background: run --detach",
     "FILE is as for `run`. Prints the run's id and returns once somebody leads it;\n"
     "`flowforge resume ID` follows it.",
     submit_options, cmd_submit, 1, 1, false},
    {"sim", "FILE", "rehearse a workflow in virtual time, without running anything",
     "Tasks do what their mocks say; without one they succeed after a second, with\n"
     "outputs of the declared kind. Sleeps, retries and timeouts take no time. The\n"
     "same file, inputs, mocks and seed print the same: docs/testing-workflows.md.",
     sim_options, cmd_sim, 1, 1, false},
    {"test", "[FILE|DIR]...", "test workflows by the NAME.test.yaml beside them",
     "Each case is rehearsed as by `sim`, and held against what it expects.",
     test_options, cmd_test, 0, -1, false},
    {"validate", "FILE...", "check workflow files, all mistakes at once", NULL,
     NO_OPTIONS, cmd_validate, 1, -1, false},
    {"graph", "FILE|RUN", "draw a workflow, or a run with the states of its tasks",
     "A tree by default. Groups are drawn with what is in them.", graph_options,
     cmd_graph, 1, 1, false},
    {"fmt", "FILE...", "write workflow files in their canonical form",
     "Comments, order and meaning stay. Without an option the result is printed.\n"
     "--check, --diff and --write exclude each other.",
     fmt_options, cmd_fmt, 1, -1, false},
    {"lint", "FILE...", "give advice about workflow files",
     "Exit code 3 when there is an error or a warning. A comment\n"
     "`# flowforge: ignore FF210` at a key silences a rule for what stands under it.",
     lint_options, cmd_lint, 0, -1, false},
    {"import", "SYSTEM FILE", "make a workflow of another system one of FlowForge",
     "SYSTEM is argo, actions, dagu or conductor. The workflow is printed; what was\n"
     "approximated or refused is told on standard error, with its line.",
     import_options, cmd_import, 2, 2, false},
    {"schema", "", "print the JSON Schema of the workflow file", NULL, NO_OPTIONS,
     cmd_schema, 0, 0, false},
    {"apply", "FILE...", "make workflow files known by their names", APPLY_ABOUT,
     apply_options, cmd_apply, 1, -1, false},
    {"workflow apply", "FILE...", "make workflow files known by their names",
     APPLY_ABOUT, apply_options, cmd_apply, 1, -1, false},
    {"workflow list", "", "list the workflows that are known by name", NULL,
     workflow_list_options, cmd_workflow_list, 0, 0, false},
    {"workflow get", "NAME[@LABEL]", "print the text of a workflow", NULL, NO_OPTIONS,
     cmd_workflow_get, 1, 1, false},
    {"workflow versions", "NAME", "list the versions of a workflow, the newest first",
     NULL, NO_OPTIONS, cmd_workflow_versions, 1, 1, false},
    {"workflow label", "NAME LABEL HASH", "label a version, or move a label to it",
     "HASH is the beginning of a version's hash, 6 digits or more.", NO_OPTIONS,
     cmd_workflow_label, 3, 3, false},
    {"workflow delete", "NAME", "forget a workflow with all its versions",
     "Runs of it go on and are kept.", NO_OPTIONS, cmd_workflow_delete, 1, 1, false},
    {"schedule list", "", "list the schedules, with their next times", NULL,
     schedule_list_options, cmd_schedule_list, 0, 0, false},
    {"schedule get", "NAME", "show a schedule and what became of its times", NULL,
     schedule_get_options, cmd_schedule_get, 1, 1, false},
    {"schedule pause", "NAME", "let a schedule start nothing for a while",
     SCHEDULE_WORD, NO_OPTIONS, cmd_schedule_pause, 1, 1, false},
    {"schedule resume", "NAME", "let a schedule start runs again",
     SCHEDULE_WORD "\nTimes that came while it was paused are not made up for.",
     NO_OPTIONS, cmd_schedule_resume, 1, 1, false},
    {"schedule pin", "NAME", "keep a schedule at the version it has", SCHEDULE_WORD,
     NO_OPTIONS, cmd_schedule_pin, 1, 1, false},
    {"schedule unpin", "NAME", "let a schedule follow the version that is applied",
     SCHEDULE_WORD, NO_OPTIONS, cmd_schedule_unpin, 1, 1, false},
    {"schedule delete", "NAME", "delete a schedule; its runs stay",
     SCHEDULE_WORD "\nApplying the file again makes it anew.", NO_OPTIONS,
     cmd_schedule_delete, 1, 1, false},
    {"schedule trigger", "NAME", "start a run of a schedule now and print its id", NULL,
     NO_OPTIONS, cmd_schedule_trigger, 1, 1, false},
    {"event", "NAME", "say that something has happened",
     "Schedules with an event trigger of this name start their runs, and tasks with\n"
     "wait_event that wait for it go on. It is kept for nobody else.",
     event_options, cmd_event, 1, 1, false},
    {"schedule backfill", "NAME", "run the times of a range in the past",
     "--from and --to must be given, unless --stop is.", backfill_options,
     cmd_schedule_backfill, 1, 1, false},
    {"diff", "A B", "show what differs in meaning between two workflows",
     "A and B are files, NAME, NAME@LABEL, NAME@sha256:HASH, or runs. The exit code "
     "is\n"
     "1 when they differ.",
     NO_OPTIONS, cmd_diff, 2, 2, false},
    {"list", "", "list runs, the newest first", NULL, list_options, cmd_list, 0, 0,
     false},
    {"get", "RUN [TASK]", "show a run with its tasks, or one task with its items",
     "RUN is an id, its beginning (8 characters or more), or `last`. Of a run inside\n"
     "another: GROUP/TASK, or GROUP/ for all of it.",
     get_options, cmd_get, 1, 2, false},
    {"why", "RUN[/TASK[.ITEM]]",
     "say why a run or task does not run, or did not succeed",
     "One word out of a list that does not change, and a sentence; below it the tasks\n"
     "where that begins. RUN TASK is the same as RUN/TASK. Of a run inside another:\n"
     "RUN/GROUP/TASK, or RUN/GROUP/ for all of it.",
     NO_OPTIONS, cmd_why, 1, 2, false},
    {"logs", "RUN [TASK[.ITEM]]", "print what tasks wrote, in the order of time",
     "Of a run inside another: GROUP/TASK, or GROUP/ for all of it.", logs_options,
     cmd_logs, 1, 2, false},
    {"artifacts", "RUN [TASK[.ITEM]]",
     "list the files and folders that tasks have handed on",
     "RUN is an id, its beginning (8 characters or more), or `last`. Of a run inside\n"
     "another: GROUP/TASK, or GROUP/ for all of it.",
     artifacts_options, cmd_artifacts, 1, 2, false},
    {"retry", "[RUN...]", "try again what failed in runs",
     "Failed and cancelled tasks begin again, and all behind them; the others keep "
     "their\n"
     "results. The run is the same one, and attempts go on being counted. At most "
     "1,000\n"
     "runs at once, the newest first.",
     retry_options, cmd_retry, 0, -1, false},
    {"rerun", "[RUN...]", "run a run again, or a part of it",
     "Without --from the same run begins again with all its tasks. What runs of them "
     "is\n"
     "stopped first.",
     rerun_options, cmd_rerun, 0, -1, false},
    {"cancel", "[RUN]", "stop a run: its tasks get SIGTERM, then its handlers run",
     "Works without a running owner too: then this program leads the run to its end.",
     cancel_options, cmd_cancel, 0, 1, false},
    {"approve", "RUN TASK[.ITEM]", "decide for a task that waits for approval",
     "The run goes on when a process leads it: at once, or with the next `resume`. "
     "Of a\n"
     "run inside another: GROUP/TASK, GROUP.2/TASK.0.",
     approve_options, cmd_approve, 2, 2, false},
    {"reject", "RUN TASK[.ITEM]", "decide against: the task fails",
     "Of a run inside another: GROUP/TASK, GROUP.2/TASK.0.", reject_options, cmd_reject,
     2, 2, false},
    {"pause", "[RUN [TASK]]",
     "let a run, one task of it, or a queue start nothing for a while",
     "What runs goes on. The timeout of the run goes on counting; sleeps and retries "
     "that\n"
     "become due wait. A cancel ends the pause of a run, not that of a queue. Of a "
     "run\n"
     "inside another: GROUP/TASK, or GROUP/ for all of it.",
     pause_options, cmd_pause, 0, 2, false},
    {"unpause", "[RUN [TASK]]", "let a run, one task of it, or a queue start again",
     NULL, unpause_options, cmd_unpause, 0, 2, false},
    {"signal", "RUN NAME", "tell a run that something has happened",
     "The first task with wait_event that waits for it takes it; until there is one "
     "it\n"
     "is kept.",
     event_options, cmd_signal, 2, 2, false},
    {"resume", "[RUN]", "go on with all open runs, or wait for one of them", NULL,
     NO_OPTIONS, cmd_resume, 0, 1, false},
    {"history", "RUN", "print the events of a run", NULL, history_options, cmd_history,
     1, 1, false},
    {"events", "", "tell what happens in runs, as it happens",
     "Of all runs, those inside others too: what happens from now on; of one run all "
     "of\n"
     "it, and with --follow until it ends. Whoever leads may change meanwhile.",
     events_options, cmd_events, 0, 0, false},
    {"top", "", "show what runs now, and what waits, again each second",
     "Who leads, the queues, the limits, and attempts that run, the longest first.\n"
     "Ctrl-C ends it.",
     top_options, cmd_top, 0, 0, false},
    {"secret set", "NAME", "store a value for tasks, encrypted",
     "The value is read from standard input, or asked for on a terminal: never from\n"
     "an argument. One line end at its end is left out.",
     NO_OPTIONS, cmd_secret_set, 1, 1, false},
    {"secret list", "", "list the names of secrets, never their values", NULL,
     NO_OPTIONS, cmd_secret_list, 0, 0, false},
    {"secret delete", "NAME", "delete a secret", NULL, NO_OPTIONS, cmd_secret_delete, 1,
     1, false},
    {"secret rotate", "", "encrypt all secrets anew, with a new key",
     "Where keys are given by auth.encryption_key, with the first of them.", NO_OPTIONS,
     cmd_secret_rotate, 0, 0, false},
    {"tenant create", "NAME", "make a tenant, which shares nothing with others",
     "There is a default one: who works alone needs no other.", tenant_create_options,
     cmd_tenant_create, 1, 1, false},
    {"tenant list", "", "list the tenants and their quotas", NULL, NO_OPTIONS,
     cmd_tenant_list, 0, 0, false},
    {"tenant disable", "NAME", "let no key and no token of a tenant in", NULL,
     NO_OPTIONS, cmd_tenant_disable, 1, 1, false},
    {"tenant enable", "NAME", "let them in again", NULL, NO_OPTIONS, cmd_tenant_enable,
     1, 1, false},
    {"tenant limit", "NAME QUOTA N|usual",
     "say how many of something a tenant may have",
     "QUOTA is max_projects, max_members, max_keys, max_open_runs, weight or\n"
     "max_running. What there is stays.",
     NO_OPTIONS, cmd_tenant_limit, 3, 3, false},
    {"project create", "NAME", "make a project, a part of a tenant", NULL,
     tenant_options, cmd_project_create, 1, 1, false},
    {"project weight", "NAME N|usual",
     "say what a project gets of the slots of its tenant",
     "A project with 3 starts three tasks where one with 1 starts one, while both "
     "have\n"
     "tasks that wait. The default project weighs 1.",
     tenant_options, cmd_project_weight, 2, 2, false},
    {"project list", "", "list the projects of a tenant", NULL, tenant_options,
     cmd_project_list, 0, 0, false},
    {"member set", "SUBJECT ROLE", "give a role to whom tokens call SUBJECT",
     "ROLE is viewer, operator, author or admin; in place of the one he has there.",
     member_options, cmd_member_set, 2, 2, false},
    {"member remove", "SUBJECT", "take the role away", NULL, member_options,
     cmd_member_remove, 1, 1, false},
    {"member list", "", "list who has which role", NULL, scope_options, cmd_member_list,
     0, 0, false},
    {"key create", "NAME", "make an API key, and print it this once", NULL,
     key_create_options, cmd_key_create, 1, 1, false},
    {"key list", "", "list API keys, never what they are shown by", NULL, scope_options,
     cmd_key_list, 0, 0, false},
    {"key revoke", "ID", "let an API key in no more", NULL, scope_options,
     cmd_key_revoke, 1, 1, false},
    {"key check", "", "say whose API key this is, if it is valid",
     "The key is read from standard input: never from an argument.", NO_OPTIONS,
     cmd_key_check, 0, 0, false},
    {"audit list", "", "list who did what", NULL, audit_list_options, cmd_audit_list, 0,
     0, false},
    {"audit verify", "", "check that nothing in the audit log was changed",
     "The exit code is 1 when something was, and the first row or seal is named.",
     audit_verify_options, cmd_audit_verify, 0, 0, false},
    {"doctor", "[CHECK...]",
     "check whether everything is as it should be, and say what to do",
     "All checks, or those named. They change nothing.", NO_OPTIONS, cmd_doctor, 0, -1,
     false},
    {"limit set", "NAME PLACES", "say how many places a semaphore has",
     "0 lets nothing new begin. Attempts that hold a place keep it.", NO_OPTIONS,
     cmd_limit_set, 2, 2, false},
    {"limit list", "", "list limits across runs, and who holds them", NULL, NO_OPTIONS,
     cmd_limit_list, 0, 0, false},
    {"limit delete", "NAME", "forget what `limit set` said", NULL, NO_OPTIONS,
     cmd_limit_delete, 1, 1, false},
    {"executor list", "", "list the executors that run attempts for a server", NULL,
     NO_OPTIONS, cmd_executor_list, 0, 0, false},
    {"cache list", "", "list what tasks with `cache` gave and may be used", NULL,
     cache_options, cmd_cache_list, 0, 0, false},
    {"cache clear", "[WORKFLOW [TASK]]", "forget what tasks with `cache` gave",
     "All of it, or that of one workflow or one of its tasks.", NO_OPTIONS,
     cmd_cache_clear, 0, 2, false},
    {"db stats", "", "show what the database takes, record by record",
     "Rows, bytes, indexes and what of these is unused. Reads the whole database\n"
     "where that has no account of its own (SQLite).",
     NO_OPTIONS, cmd_db_stats, 0, 0, false},
    {"migrate", "", "bring the tables of the database up to this version",
     "Every process does so when it opens the database; this does nothing else, so "
     "that\n"
     "it can be done once, before new replicas start, by a user who may. What is "
     "there\n"
     "stays as it is: processes of the version before go on beside it.",
     migrate_options, cmd_migrate, 0, 0, false},
    {"driver list", "", "list the drivers that can be loaded", NULL, NO_OPTIONS,
     cmd_driver_list, 0, 0, false},
    {"driver show", "NAME", "show a driver with its options", NULL, NO_OPTIONS,
     cmd_driver_show, 1, 1, false},
    {"driver check", "FILE", "judge a driver by the rules of its contract",
     "FILE is the path of a .so or a name of the driver directory. Prints TAP; the "
     "exit\n"
     "code is 1 when a check failed.",
     check_options, cmd_driver_check, 1, 1, false},
    {"driver new", "KIND NAME", "write the beginning of a driver of your own",
     "KIND is store, queue, runtime or auth. It builds against the installed headers\n"
     "and says what is left to do.",
     new_options, cmd_driver_new, 2, 2, false},
    {"config show", "", "print every setting that is known, with its value", NULL,
     config_options, cmd_config_show, 0, 0, false},
    {"backup", "FILE", "write a consistent copy of the store while it is in use",
     "Values of more than 64 KiB and kept files are files of their own: they go to\n"
     "FILE.d, by hard links where possible.",
     backup_options, cmd_backup, 1, 1, false},
    {"version", "", "print the version", NULL, NO_OPTIONS, cmd_version, 0, 0, false},
    {"help", "[COMMAND]", "explain a command", NULL, NO_OPTIONS, cmd_help, 0, 2, false},
    {"completion", "bash|zsh|fish", "print a script that completes what is typed",
     "For bash: `source <(flowforge completion bash)` in ~/.bashrc; zsh: the same in\n"
     "~/.zshrc, after compinit; fish: into ~/.config/fish/completions/flowforge.fish.",
     NO_OPTIONS, cmd_completion, 1, 1, false},
    {"man", "DIR", "write the manual pages into a folder",
     "flowforge.1 and one for each command; `man -l FILE` shows a page.", NO_OPTIONS,
     cmd_man, 1, 1, false},
    {"context list", "", "list the servers that you know, by their contexts", NULL,
     NO_OPTIONS, cmd_context_list, 0, 0, false},
    {"context set", "NAME", "name a server, or change one: --server says which",
     "A credential is taken by `flowforge login`. With another server the one that "
     "was\n"
     "kept is forgotten.",
     context_options, cmd_context_set, 1, 1, false},
    {"context use", "NAME", "let commands ask this server from now on",
     "NAME is a context, or `local`: the data directory of this machine.", NO_OPTIONS,
     cmd_context_use, 1, 1, false},
    {"context delete", "NAME", "forget a server and its credential", NULL, NO_OPTIONS,
     cmd_context_delete, 1, 1, false},
    {"login", "", "give a credential for a server, and use it from now on",
     "An API key or token is read from standard input, or $FLOWFORGE_TOKEN, tried, "
     "and\n"
     "kept in the context that --context names, else in the current one; with\n"
     "--server in `default`. With --oidc the server is asked for its provider, whose\n"
     "page is printed, and opened by $BROWSER if that is set; what is kept is a short\n"
     "session.",
     login_options, cmd_login, 0, 0, false},
    {"logout", "", "forget the credential for a server, and end a session there", NULL,
     NO_OPTIONS, cmd_logout, 0, 0, false},
    {"token", "", "print the credential for the server that is in use",
     "For other programs: curl -H \"Authorization: Bearer $(flowforge token)\".",
     token_options, cmd_token, 0, 0, false},
    {"engine", "", "lead runs and schedules without a terminal",
     "It ends when no run is open and no schedule wants it, unless --stay is given.",
     engine_options, cmd_engine, 0, 0, false},
    {"server", "", "serve the HTTP API, and lead runs and schedules",
     "It prints where it listens. Who comes over the network shows an API key\n"
     "(`flowforge key create`) or a token; who may open the data directory comes by\n"
     "its api.sock. SIGTERM lets requests come to their end; SIGHUP reads again the\n"
     "log's level, the certificate, keys for tokens and executors' credential.",
     serve_options, cmd_server, 0, 0, false},
    {0},
};
