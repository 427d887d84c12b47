"""Outside FlowForge: every call prints what it would have sent."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from . import _notice
from ._values import Line


class Console:
    def log(self, lines: List[Line]) -> None:
        for line in lines:
            level = "" if line.level == "info" else f"{line.level}: "
            _notice.write(f"{level}{line.text}")

    def output(self, name: str, value: str) -> None:
        _notice.write(f"output {name} = {value}")

    def status(self, body: Dict[str, Any]) -> None:
        progress = f" {body['progress']:g}%" if "progress" in body else ""
        message = f": {body['message']}" if "message" in body else ""
        _notice.write(f"status {body['status']}{progress}{message}")

    def beat(self, auto: Optional[bool] = None) -> None:
        pass

    def start(self) -> None:
        pass

    def flush(self, timeout: float) -> bool:
        return True

    def close(self) -> None:
        pass

    def before_fork(self) -> None:
        pass

    def after_fork_in_parent(self) -> None:
        pass

    def after_fork_in_child(self) -> None:
        pass
