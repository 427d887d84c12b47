"""The workflows of the harness: every task writes its start and its end into the
ledger, and its end on its output as well."""

BEGIN = 'echo "start $FF_TASK_ID $FF_ATTEMPT" >> ledger'
END = 'echo "out $FF_TASK_ID $FF_ATTEMPT"\necho "end $FF_TASK_ID $FF_ATTEMPT" >> ledger'


def task(name: str, body: str, more: str = "") -> str:
    text = (BEGIN, *body.splitlines(), *END.splitlines())
    lines = "".join(f"      {line}\n" for line in text)
    return f"  {name}:\n{more}    run: |\n{lines}"


def flow(*tasks: str) -> str:
    retry = "defaults: {retry: {max_attempts: 40, delay: 0ms, on: [lost]}}\n"
    return "flowforge: 1\nname: crash\n" + retry + "tasks:\n" + "".join(tasks)


SHORT = flow(task("one", "true"))
CHAIN = flow(task("one", "true"), task("two", "true", "    needs: [one]\n"))
FOREACH = flow(
    task(
        "each",
        'echo "$FF_INDEX" > "$FF_OUT/no"',
        "    foreach: ${{ [1, 2, 3, 4] }}\n    max_parallel: 2\n"
        "    outputs: {no: json}\n",
    ),
    task("last", "true", "    needs: [each]\n"),
)
RETRY = flow(
    task(
        "flaky",
        "[ $FF_ATTEMPT -ge 3 ]",
        "    retry: {max_attempts: 40, delay: 10ms, on: [failed, lost]}\n",
    )
)
LARGE = flow(
    task(
        "large",
        "{ printf '\"'; head -c 100000 /dev/zero | tr '\\0' x; printf '\"'; }"
        ' > "$FF_OUT/text"',
        "    outputs: {text: json}\n",
    ),
    "  twice:\n    needs: [large]\n"
    '    transform: {text: "${{ tasks.large.outputs.text + tasks.large.outputs.text'
    ' }}"}\n',
)
GIVEN = flow(task("one", "true")).replace("tasks:", "inputs: {text: string}\ntasks:", 1)
KEPT = flow(
    task(
        "kept",
        'echo "attempt $FF_ATTEMPT" > "$FF_OUT/report.txt"',
        "    outputs: {report: {as: file, ending: txt}}\n",
    )
)
HANDED = flow(
    task(
        "hand",
        'echo "report" > "$FF_ARTIFACTS/report"',
        "    artifacts: {out: {report: report}}\n",
    ),
    task(
        "take",
        'grep -q report "$FF_ARTIFACTS/given"',
        "    needs: [hand]\n    artifacts: {in: {given: "
        '"${{ tasks.hand.artifacts.report }}"}}\n',
    ),
)
FILES = flow(
    task(
        "kept",
        'echo "attempt $FF_ATTEMPT" > "$FF_OUT/report.txt"',
        "    outputs: {report: {as: file, ending: txt}}\n",
    ),
    task(
        "hand",
        'echo "report" > "$FF_ARTIFACTS/report"',
        "    artifacts: {out: {report: report}}\n",
    ),
    task(
        "large",
        "{ printf '\"'; head -c 100000 /dev/zero | tr '\\0' x; printf '\"'; }"
        ' > "$FF_OUT/text"',
        "    outputs: {text: json}\n",
    ),
)
CACHED = flow(task("asked", "true", "    cache: {key: crash, ttl: 1h}\n"))
TOLD = flow(
    "  told: {wait_event: {name: paid}}\n",
    task("after", "true", "    needs: [told]\n"),
)
APPROVED = flow(
    "  asked: {approve: {message: go on?}}\n",
    task("after", "true", "    needs: [asked]\n"),
)
INSIDE = flow(
    "  city:\n    foreach: [1, 2]\n    tasks:\n"
    + "".join(
        f"    {line}\n"
        for line in task("street", "true", "    mutex: street\n").splitlines()
    ),
    task("after", "true", "    needs: [city]\n"),
)
NIGHTLY = SHORT.replace("tasks:", 'triggers: {cron: {expr: "0 3 1 1 *"}}\ntasks:', 1)
LATER = flow(task("good", "true"), task("bad", "[ -e go ]", "    needs: [good]\n"))
WAITING = flow(
    task("wait", "while [ ! -e go ]; do sleep 0.01; done", "    grace: 1s\n"),
    task("after", "true", "    needs: [wait]\n"),
)
