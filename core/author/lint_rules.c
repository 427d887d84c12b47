/* Every rule, in the order of their numbers: to add one, add a row here and a function
 * to one of the tables of visits. The examples are files without their first two lines;
 * a test finds each rule in its bad one and not in its good one, and compares all of it
 * with docs/lint.md. */
#include "author/author.h"

#define ERROR   AUTHOR_ERROR
#define WARNING AUTHOR_WARNING
#define NOTE    AUTHOR_NOTE

/* clang-format off */
const struct author_rule author_rules[] = {
    {200, WARNING, "unquoted-variable",
     "A variable that may hold anything is not quoted in shell text",
     ("The shell splits an unquoted value at blanks and expands * and ? in "
     "it. A value of an expression may hold all of them. Write \"$NAME\"."),
     ("inputs: {who: string}\n"
     "tasks:\n"
     "  greet:\n"
     "    env: {WHO: \"${{ inputs.who }}\"}\n"
     "    run: echo $WHO"),
     ("inputs: {who: string}\n"
     "tasks:\n"
     "  greet:\n"
     "    env: {WHO: \"${{ inputs.who }}\"}\n"
     "    run: echo \"$WHO\""),
     false},
    {201, WARNING, "bash-in-sh",
     "A word of bash stands in text for /bin/sh",
     ("run: is carried out by /bin/sh -eu, which is dash on Debian and "
     "busybox in small images. Use what every shell has, or script: with "
     "interpreter: bash."),
     ("tasks:\n"
     "  check:\n"
     "    run: \"[[ -f x ]] && echo there\""),
     ("tasks:\n"
     "  check:\n"
     "    run: \"[ -f x ] && echo there\""),
     false},
    {202, WARNING, "lost-status",
     "The end of a command is lost in a pipe",
     ("A pipe ends with the status of its last command, and /bin/sh has no "
     "pipefail everywhere. What is printed is in the logs anyway; else "
     "write to a file first."),
     ("tasks:\n"
     "  test:\n"
     "    run: ./test | tee test.log"),
     ("tasks:\n"
     "  test:\n"
     "    run: ./test"),
     false},
    {203, WARNING, "download-to-shell",
     "A download is run as it arrives",
     ("Half a download is run too, and nobody knows afterwards what was run. "
     "Download to a file, check its sum, run it then."),
     ("tasks:\n"
     "  setup:\n"
     "    run: curl -fsS https://example.org/setup | sh"),
     ("tasks:\n"
     "  setup:\n"
     "    run: |\n"
     "      curl -fsSo setup https://example.org/setup\n"
     "      sha256sum -c setup.sum\n"
     "      sh setup"),
     false},
    {204, WARNING, "mixed-streams",
     "Standard error is mixed into an output",
     ("The output is all that the task prints. With 2>&1 a warning of any "
     "program changes it. Leave standard error alone: it is in the logs too."),
     ("tasks:\n"
     "  version:\n"
     "    run: ./tool --version 2>&1\n"
     "    outputs: {version: stdout}\n"
     "  show: {needs: [version], env: {V: \"${{ "
     "tasks.version.outputs.version }}\"}, run: echo \"$V\"}"),
     ("tasks:\n"
     "  version:\n"
     "    run: ./tool --version\n"
     "    outputs: {version: stdout}\n"
     "  show: {needs: [version], env: {V: \"${{ "
     "tasks.version.outputs.version }}\"}, run: echo \"$V\"}"),
     false},
    {205, WARNING, "undeclared-output",
     "A file of $FF_OUT is written that is no output",
     ("Only outputs that are declared are kept. Declare it, or write "
     "elsewhere."),
     ("tasks:\n"
     "  count:\n"
     "    run: wc -l <data >\"$FF_OUT/lines\""),
     ("tasks:\n"
     "  count:\n"
     "    run: wc -l <data >\"$FF_OUT/lines\"\n"
     "    outputs: {lines: json}\n"
     "outputs: {lines: \"${{ tasks.count.outputs.lines }}\"}"),
     false},
    {206, NOTE, "long-sleep",
     "A long sleep holds a place to run",
     ("While it sleeps no other task has its place, and it starts again when "
     "the machine does. Let FlowForge wait, by a task sleep: or the delay "
     "of a retry, for whatever is waited for."),
     ("tasks:\n"
     "  wait:\n"
     "    run: sleep 600"),
     ("tasks:\n"
     "  poll:\n"
     "    run: ./is-ready\n"
     "    retry: {max_attempts: 60, delay: 10s, backoff: constant}"),
     false},
    {210, NOTE, "no-timeout",
     "A task may run for ever",
     ("A program that hangs holds its place and its run until somebody "
     "looks. Give the task, defaults: or the workflow a timeout, well above "
     "what it needs."),
     ("tasks:\n"
     "  fetch:\n"
     "    run: ./fetch"),
     ("tasks:\n"
     "  fetch:\n"
     "    timeout: 10m\n"
     "    run: ./fetch"),
     false},
    {211, WARNING, "no-jitter",
     "Items that fail together are tried again together",
     ("When a service fails under load, all items fail at once and come back "
     "at once. jitter spreads them."),
     ("tasks:\n"
     "  fetch:\n"
     "    foreach: [a, b, c]\n"
     "    retry: {max_attempts: 4}\n"
     "    run: ./fetch"),
     ("tasks:\n"
     "  fetch:\n"
     "    foreach: [a, b, c]\n"
     "    retry: {max_attempts: 4, jitter: 0.2}\n"
     "    run: ./fetch"),
     false},
    {212, WARNING, "hasty-retry",
     "Many attempts follow each other within moments",
     ("Attempts help when something has time to recover between them. Let "
     "the wait grow: backoff: exponential."),
     ("tasks:\n"
     "  fetch:\n"
     "    retry: {max_attempts: 10, delay: 100ms, backoff: constant}\n"
     "    run: ./fetch"),
     ("tasks:\n"
     "  fetch:\n"
     "    retry: {max_attempts: 10, delay: 100ms, backoff: exponential}\n"
     "    run: ./fetch"),
     false},
    {213, WARNING, "idle-exit-codes",
     "exit_codes are given and never asked",
     ("Only an attempt that ended by itself has an exit code, and that is "
     "the reason `failed`. Add it to on, or remove exit_codes."),
     ("tasks:\n"
     "  fetch:\n"
     "    retry: {on: [timeout], exit_codes: [75]}\n"
     "    run: ./fetch"),
     ("tasks:\n"
     "  fetch:\n"
     "    retry: {on: [timeout, failed], exit_codes: [75]}\n"
     "    run: ./fetch"),
     false},
    {214, WARNING, "idle-timeout",
     "A task may take longer than the whole run",
     ("The timeout of the run comes first. One of the two is not what was "
     "meant."),
     ("timeout: 10m\n"
     "tasks:\n"
     "  fetch:\n"
     "    timeout: 1h\n"
     "    run: ./fetch"),
     ("timeout: 2h\n"
     "tasks:\n"
     "  fetch:\n"
     "    timeout: 1h\n"
     "    run: ./fetch"),
     false},
    {215, WARNING, "long-waits",
     "The waits between attempts are longer than the run may take",
     ("The last attempts never come. Lower max_attempts, delay or max_delay, "
     "or give the run more time."),
     ("timeout: 1h\n"
     "tasks:\n"
     "  fetch:\n"
     "    retry: {max_attempts: 20, delay: 10s}\n"
     "    run: ./fetch"),
     ("timeout: 1h\n"
     "tasks:\n"
     "  fetch:\n"
     "    retry: {max_attempts: 20, delay: 10s, max_delay: 1m}\n"
     "    run: ./fetch"),
     false},
    {216, NOTE, "implied-need",
     "A need is implied by another",
     ("It changes nothing and hides what the order really depends on. It is "
     "only said where no condition lies between."),
     ("tasks:\n"
     "  a: {run: ./a}\n"
     "  b: {needs: [a], run: ./b}\n"
     "  c: {needs: [a, b], run: ./c}"),
     ("tasks:\n"
     "  a: {run: ./a}\n"
     "  b: {needs: [a], run: ./b}\n"
     "  c: {needs: [b], run: ./c}"),
     true},
    {217, WARNING, "constant-condition",
     "A condition is always the same",
     ("A task that is always skipped, or never, needs no if. To switch a "
     "task off for a while, use an input."),
     ("tasks:\n"
     "  a:\n"
     "    if: 'true'\n"
     "    run: ./a"),
     ("inputs: {all: {type: boolean, default: true}}\n"
     "tasks:\n"
     "  a:\n"
     "    if: inputs.all\n"
     "    run: ./a"),
     true},
    {218, WARNING, "unbounded-fan-out",
     "Nothing bounds how many items run at once",
     ("The list is made by data. A longer one than expected takes all places "
     "of the machine and whatever service the items use. Add max_parallel, "
     "or parallelism for the whole run."),
     ("inputs: {files: list}\n"
     "tasks:\n"
     "  load:\n"
     "    foreach: ${{ inputs.files }}\n"
     "    run: ./load"),
     ("inputs: {files: list}\n"
     "tasks:\n"
     "  load:\n"
     "    foreach: ${{ inputs.files }}\n"
     "    max_parallel: 8\n"
     "    run: ./load"),
     false},
    {219, WARNING, "undecided-fan-out",
     "A large fan-out does not say what its first failure means",
     ("By default the first item that fails cancels all others. With more "
     "than 1,000 of them that is much work thrown away, or much work wasted "
     "if not: say fail_fast, either way."),
     ("tasks:\n"
     "  load:\n"
     "    foreach: ${{ range(5000) }}\n"
     "    max_parallel: 8\n"
     "    run: ./load"),
     ("tasks:\n"
     "  load:\n"
     "    foreach: ${{ range(5000) }}\n"
     "    max_parallel: 8\n"
     "    fail_fast: false\n"
     "    run: ./load"),
     false},
    {220, NOTE, "absolute-folder",
     "working_dir is a path of one machine",
     ("A path relative to the workflow's folder goes with it to other "
     "machines."),
     ("tasks:\n"
     "  build:\n"
     "    working_dir: /home/me/project\n"
     "    run: make"),
     ("tasks:\n"
     "  build:\n"
     "    working_dir: project\n"
     "    run: make"),
     false},
    {221, WARNING, "wrong-language",
     "The ending of a script says another language than lang",
     ("lang is sh when it is not said, and the shell makes strange errors of "
     "Python."),
     ("tasks:\n"
     "  report:\n"
     "    script: {file: report.py}"),
     ("tasks:\n"
     "  report:\n"
     "    script: {file: report.py, lang: python}"),
     true},
    {222, NOTE, "same-work",
     "Two tasks do the same",
     ("What is mended in one is forgotten in the other. One task with "
     "foreach, or a script beside the file, says it once."),
     ("tasks:\n"
     "  first:\n"
     "    run: ./load --table customers --into warehouse --verify\n"
     "  second:\n"
     "    run: ./load --table customers --into warehouse --verify"),
     ("tasks:\n"
     "  load:\n"
     "    foreach: [1, 2]\n"
     "    run: ./load --table customers --into warehouse --verify"),
     false},
    {223, NOTE, "long-name",
     "A name has more than 40 characters",
     ("It is cut in tables and pictures, where only its beginning tells it "
     "apart. description has room."),
     ("tasks:\n"
     "  load_all_customers_of_the_northern_region_again:\n"
     "    run: ./load"),
     ("tasks:\n"
     "  reload_north:\n"
     "    description: load all customers of the northern region again\n"
     "    run: ./load"),
     false},
    {224, WARNING, "idle-handler",
     "A handler asks for a status that its part excludes",
     ("on_success runs when the run has succeeded, on_failure when it has "
     "failed, on_cancel when it was cancelled. The condition is never true."),
     ("tasks:\n"
     "  a: {run: ./a}\n"
     "on_failure:\n"
     "  tell: {if: run.status == 'succeeded', run: ./tell}"),
     ("tasks:\n"
     "  a: {run: ./a}\n"
     "on_success:\n"
     "  tell: {run: ./tell}"),
     false},
    {230, NOTE, "unused-output",
     "An output is declared and never used",
     ("A declared output that is missing fails the task, so each costs "
     "something. Files that are kept for people (as: file) are not meant."),
     ("tasks:\n"
     "  count:\n"
     "    run: wc -l <data\n"
     "    outputs: {lines: stdout}"),
     ("tasks:\n"
     "  count:\n"
     "    run: wc -l <data\n"
     "    outputs: {lines: stdout}\n"
     "outputs: {lines: \"${{ tasks.count.outputs.lines }}\"}"),
     false},
    {231, WARNING, "unused-input",
     "An input is declared and never used",
     "Whoever starts the run thinks that it has an effect.",
     ("inputs: {day: string}\n"
     "tasks:\n"
     "  load:\n"
     "    run: ./load"),
     ("inputs: {day: string}\n"
     "tasks:\n"
     "  load:\n"
     "    env: {DAY: \"${{ inputs.day }}\"}\n"
     "    run: ./load \"$DAY\""),
     false},
    {232, WARNING, "unused-variable",
     "A constant of vars is never used",
     "Remove it, or use it as vars.NAME.",
     ("vars: {region: north}\n"
     "tasks:\n"
     "  load:\n"
     "    run: ./load"),
     ("vars: {region: north}\n"
     "tasks:\n"
     "  load:\n"
     "    env: {REGION: \"${{ vars.region }}\"}\n"
     "    run: ./load \"$REGION\""),
     false},
    {233, WARNING, "maybe-null",
     "Data of a task that may be skipped is used as if it were there",
     ("The outputs of a skipped task are null, and become empty text in env. "
     "Say what holds then: or_value(tasks.X.outputs.Y, ...), or a condition."),
     ("inputs: {ask: boolean}\n"
     "tasks:\n"
     "  ask:\n"
     "    if: inputs.ask\n"
     "    run: ./ask\n"
     "    outputs: {answer: stdout}\n"
     "  use:\n"
     "    needs: [ask]\n"
     "    env: {ANSWER: \"${{ tasks.ask.outputs.answer }}\"}\n"
     "    run: ./use \"$ANSWER\""),
     ("inputs: {ask: boolean}\n"
     "tasks:\n"
     "  ask:\n"
     "    if: inputs.ask\n"
     "    run: ./ask\n"
     "    outputs: {answer: stdout}\n"
     "  use:\n"
     "    needs: [ask]\n"
     "    env: {ANSWER: \"${{ or_value(tasks.ask.outputs.answer, 'no') "
     "}}\"}\n"
     "    run: ./use \"$ANSWER\""),
     false},
    {234, ERROR, "text-as-map",
     "A field is taken from an output that is text",
     ("The expression fails when it is evaluated. Declare the output as: "
     "json."),
     ("tasks:\n"
     "  plan:\n"
     "    run: ./plan\n"
     "    outputs: {plan: stdout}\n"
     "  use:\n"
     "    needs: [plan]\n"
     "    env: {SIZE: \"${{ tasks.plan.outputs.plan.size }}\"}\n"
     "    run: ./use \"$SIZE\""),
     ("tasks:\n"
     "  plan:\n"
     "    run: ./plan\n"
     "    outputs: {plan: {from: stdout, as: json}}\n"
     "  use:\n"
     "    needs: [plan]\n"
     "    env: {SIZE: \"${{ tasks.plan.outputs.plan.size }}\"}\n"
     "    run: ./use \"$SIZE\""),
     false},
    {235, ERROR, "text-as-list",
     "foreach goes over an output that is text",
     ("A list is wanted, and the task fails when it starts. Declare the "
     "output as: json, and let the task write a JSON list."),
     ("tasks:\n"
     "  list:\n"
     "    run: ./list\n"
     "    outputs: {files: file}\n"
     "  load:\n"
     "    needs: [list]\n"
     "    foreach: ${{ tasks.list.outputs.files }}\n"
     "    max_parallel: 4\n"
     "    run: ./load"),
     ("tasks:\n"
     "  list:\n"
     "    run: ./list\n"
     "    outputs: {files: json}\n"
     "  load:\n"
     "    needs: [list]\n"
     "    foreach: ${{ tasks.list.outputs.files }}\n"
     "    max_parallel: 4\n"
     "    run: ./load"),
     false},
    {236, WARNING, "plain-secret",
     "Something like a secret stands in the file",
     ("The file is kept with every run and read by everyone who may see the "
     "run. Give it to the process from outside, or as secrets.NAME. It is "
     "told by the name (PASSWORD, TOKEN, ...), by how known keys begin, or "
     "by looking random."),
     ("tasks:\n"
     "  load:\n"
     "    env: {DB_PASSWORD: hunter2secret}\n"
     "    run: ./load"),
     ("tasks:\n"
     "  load:\n"
     "    env: {DB_PASSWORD_FILE: /run/secrets/db}\n"
     "    run: ./load"),
     false},
    {237, NOTE, "undescribed-input",
     "An input does not say what it is for",
     "Its description is shown wherever a run is started.",
     ("inputs: {day: string}\n"
     "tasks:\n"
     "  load: {env: {DAY: \"${{ inputs.day }}\"}, run: ./load \"$DAY\"}"),
     ("inputs: {day: {description: the day to load}}\n"
     "tasks:\n"
     "  load: {env: {DAY: \"${{ inputs.day }}\"}, run: ./load \"$DAY\"}"),
     false},
    {238, NOTE, "undescribed-workflow",
     "The workflow does not say what it is for",
     "One sentence for whoever finds it failed at night.",
     ("tasks:\n"
     "  load: {run: ./load}"),
     ("description: loads the orders of the day before\n"
     "tasks:\n"
     "  load: {run: ./load}"),
     false},
    {240, WARNING, "moving-image",
     "An image has no fixed version",
     ("The same file runs something else tomorrow, and two attempts of one "
     "task may differ. Name a version, or better a digest."),
     ("tasks:\n"
     "  load:\n"
     "    image: postgres:latest\n"
     "    run: ./load"),
     ("tasks:\n"
     "  load:\n"
     "    image: postgres:16.4\n"
     "    run: ./load"),
     false},
    {241, WARNING, "endless-wait",
     "A wait for a person or an event has no end",
     ("The run stays open until somebody remembers it. Add timeout, and "
     "on_timeout where the default is not right."),
     ("tasks:\n"
     "  ask:\n"
     "    approve: {message: Deploy?}"),
     ("tasks:\n"
     "  ask:\n"
     "    approve: {message: Deploy?, timeout: 24h}"),
     false},
    {242, WARNING, "plain-http",
     "A request goes over the network unencrypted",
     ("Write https://. Addresses of this machine and of private networks are "
     "not meant."),
     ("tasks:\n"
     "  ping:\n"
     "    http: {url: http://example.org/ping}"),
     ("tasks:\n"
     "  ping:\n"
     "    http: {url: https://example.org/ping}"),
     false},
    {243, WARNING, "repeated-request",
     "A retry may send a request twice that changes something",
     ("When the answer is lost, nobody knows whether the request arrived. "
     "Send a header Idempotency-Key that the service understands."),
     ("tasks:\n"
     "  pay:\n"
     "    retry: {max_attempts: 3}\n"
     "    http: {url: https://example.org/pay, method: POST}"),
     ("tasks:\n"
     "  pay:\n"
     "    retry: {max_attempts: 3}\n"
     "    http:\n"
     "      url: https://example.org/pay\n"
     "      method: POST\n"
     "      headers: {Idempotency-Key: \"${{ run.id }}\"}"),
     false},
    {244, NOTE, "no-time-zone",
     "A schedule does not say its time zone",
     "It is UTC then, which few people who read 08:00 expect.",
     ("triggers: {cron: [{expr: '0 8 * * *'}]}\n"
     "tasks:\n"
     "  load: {run: ./load}"),
     ("triggers: {cron: [{expr: '0 8 * * *', timezone: Europe/Berlin}]}\n"
     "tasks:\n"
     "  load: {run: ./load}"),
     false},
    {245, NOTE, "idle-ignore",
     "A comment ignores what is not there",
     ("Remove it, so that the rule speaks again when there is something to "
     "say."),
     ("# flowforge: ignore FF201\n"
     "tasks:\n"
     "  load: {run: ./load}"),
     ("tasks:\n"
     "  load: {run: ./load}"),
     false},
    {246, WARNING, "busy-loop",
     "A loop turns without a pause",
     ("A condition that is not true yet is asked again at once, and each "
     "turn is an attempt. Add delay."),
     ("tasks:\n"
     "  poll:\n"
     "    run: ./poll\n"
     "    repeat: {until: \"iteration > 3\", max: 10}"),
     ("tasks:\n"
     "  poll:\n"
     "    run: ./poll\n"
     "    repeat: {until: \"iteration > 3\", max: 10, delay: 30s}"),
     false},
    {247, WARNING, "idle-heartbeat",
     "Silence is waited for longer than the task may run",
     ("The timeout comes first, so nobody ever misses a sign of life. Let "
     "heartbeat_timeout be a small part of timeout."),
     ("tasks:\n"
     "  train:\n"
     "    timeout: 10m\n"
     "    heartbeat_timeout: 1h\n"
     "    run: ./train"),
     ("tasks:\n"
     "  train:\n"
     "    timeout: 1h\n"
     "    heartbeat_timeout: 1m\n"
     "    run: ./train"),
     false},
    {248, WARNING, "one-attempt-only",
     "All attempts together have no more time than one",
     ("total_timeout comes first, so timeout never ends an attempt, and none is "
     "tried again after it. Let timeout be a small part of total_timeout."),
     ("tasks:\n"
     "  fetch:\n"
     "    timeout: 10m\n"
     "    total_timeout: 5m\n"
     "    run: ./fetch"),
     ("tasks:\n"
     "  fetch:\n"
     "    timeout: 1m\n"
     "    total_timeout: 5m\n"
     "    run: ./fetch"),
     false},
    {0, NOTE, NULL, NULL, NULL, NULL, NULL, false},
};
/* clang-format on */
