"""docs/cli.md as the table of commands says it: usage, options, summaries and exit
codes are written from `flowforge help -o json`; the rest is left as it is.

The meaning of an option begins with its help. What the page says beyond that follows
after a full stop, and is kept, as are links and code marks on words of the help."""

import re
from typing import Any

OPTIONS = "| option | meaning |"
COMMANDS = "| command | what it does |"
CODES = "| code | meaning |"
MARK = re.compile(r"\[([^\]]+)\]\([^)]+\)|`([^`]+)`")
USAGE = re.compile(r"\A(## .*\n\n)(?:(?:    .*\n)+(?:\n|\Z))?")


def marked(text: str, old: str) -> str:
    """With the marks of `old` on the words that are still there."""
    at = 0
    for mark in MARK.finditer(old):
        words = re.escape((mark[1] or mark[2]).strip("`"))
        coded = re.compile(f"`{words}`").search(text, at)
        found = coded or re.compile(rf"(?<![\w-]){words}(?![\w-])").search(text, at)
        if found:
            text = text[: found.start()] + mark[0] + text[found.end() :]
            at = found.start() + len(mark[0])
    return text


def row(option: dict[str, Any], old: str) -> str:
    help_text = option["help"].replace("|", "\\|")
    if ". " in help_text or help_text.endswith("."):
        raise ValueError(f"--{option['name']}: its help has a full stop")
    words = f"`--{option['name']}`"
    if "letter" in option:
        words += f" (`-{option['letter']}`)"
    if "value" in option:
        words += f" `{option['value']}`"
    first, stop, more = old.partition(". ")
    return f"| {words} | {marked(help_text, first)}{stop}{more} |"


def with_table(text: str, head: str, rows: list[str]) -> str:
    """With these rows in place of those below `head`; without any the table is gone."""
    table = "\n".join([head, "| --- | --- |", *rows]) + "\n" if rows else ""
    old = re.search(rf"^{re.escape(head)}\n(?:\|.*\n)*", text, re.M)
    if not old:
        return f"{text.rstrip()}\n\n{table}\n" if rows else text
    after = text[old.end() :]
    return text[: old.start()] + table + (after if rows else after.lstrip("\n"))


def with_options(text: str, options: list[dict[str, Any]]) -> str:
    table = text.partition(OPTIONS)[2]
    old = dict(re.findall(r"^\| `--([\w-]+)`.*? \| (.*) \|$", table, re.M))
    rows = [row(o, old.get(o["name"], "")) for o in options]
    return with_table(text, OPTIONS, rows)


def with_command(text: str, command: dict[str, Any]) -> str:
    words = f"flowforge {command['name']} {command['words']}".rstrip()
    usage = f"    {words} [OPTIONS]\n\n"
    text = USAGE.sub(lambda m: m[1] + usage, text)
    return with_options(text, command["options"])


def renew(page: str, table: dict[str, Any]) -> str:
    """The page as it should be. A command that it does not have gets a section after
    that of the command before it."""
    parts = re.split(r"^(?=## )", page.rstrip() + "\n\n", flags=re.M)
    sections = {part.partition("\n")[0]: part for part in parts}
    shown = [c for c in table["commands"] if not c["hidden"]]
    order = list(sections)
    for before, command in zip([None, *shown], shown, strict=False):
        title = f"## flowforge {command['name']}"
        if title not in sections:
            after = f"## flowforge {before['name']}" if before else order[-1]
            order.insert(order.index(after) + 1, title)
            summary = command["summary"][0].upper() + command["summary"][1:]
            sections[title] = f"{title}\n\n{summary}.\n\n"
        sections[title] = with_command(sections[title], command)
    title = "## Options of every command"
    sections[title] = with_options(sections[title], table["options"])
    links = [
        f"| [`{c['name']}`](#{'-'.join(['flowforge', *c['name'].split()])}) "
        f"| {c['summary']} |"
        for c in shown
    ]
    sections["## Commands"] = with_table(sections["## Commands"], COMMANDS, links)
    codes = [f"| {e['code']} | {e['meaning']} |" for e in table["exit_codes"]]
    sections["## Exit codes"] = with_table(sections["## Exit codes"], CODES, codes)
    return "".join(sections[title] for title in order).rstrip() + "\n"
