"""python -m flowforge: the SDK for tasks that are shell commands.

python -m flowforge log "halfway there" --level warn
python -m flowforge status RUNNING --progress 50 --message "loading"
python -m flowforge output rows 1200
some-command | python -m flowforge output report -
python -m flowforge heartbeat
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import List, Optional

from . import __version__, client


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flowforge",
        description="Tells FlowForge about the task that runs this command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True

    log = commands.add_parser("log", help="add lines to the task's log")
    log.add_argument("text", help="the text; - reads standard input line by line")
    log.add_argument("--level", default="info", help="debug, info, warn or error")

    status = commands.add_parser("status", help="say how far the task is")
    status.add_argument("state", help="a word like RUNNING")
    status.add_argument("--progress", type=float, help="percent, 0 to 100")
    status.add_argument("--message", help="one sentence")

    output = commands.add_parser("output", help="give an output its value")
    output.add_argument("name", help="of the form [a-z_][a-z0-9_]*")
    output.add_argument("value", help="JSON, or else text; - reads standard input")
    output.add_argument("--text", action="store_true", help="never read it as JSON")

    commands.add_parser("heartbeat", help="tell the engine that the task is alive")
    return parser


def _value_of(text: str, as_text: bool) -> object:
    if as_text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _run(arguments: argparse.Namespace) -> None:
    if arguments.command == "log" and arguments.text == "-":
        for line in sys.stdin:
            client.log(line.rstrip("\n"), arguments.level)
    elif arguments.command == "log":
        client.log(arguments.text, arguments.level)
    elif arguments.command == "heartbeat":
        client.heartbeat()
    elif arguments.command == "status":
        client.status(arguments.state, arguments.progress, arguments.message)
    else:
        text = arguments.value
        if text == "-":
            text = sys.stdin.read()
            text = text[:-1] if text.endswith("\n") else text
        client.output(arguments.name, _value_of(text, arguments.text))


def main(argv: Optional[List[str]] = None) -> int:
    """0 also when the engine is away: what was said is kept then."""
    arguments = _parser().parse_args(argv)
    try:
        _run(arguments)
    except (TypeError, ValueError) as error:
        print(f"python -m flowforge: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
