"""Autobahn's test suite against a server that sends back what it is sent: the cases are
the suite's own, and Autobahn's WebSocket client, as it is today, carries them out.

    .venv-autobahn/bin/python autobahn_client.py URL CASE...

says one line of JSON for each case. The suite itself runs on Python 2 alone, with a
version of Autobahn from 2015. Its cases are small classes that call a few functions of
the client, so they are taken as they are: in Python 2 a text is bytes, which here are
characters of Latin-1 wherever a case sees them."""

import importlib.machinery
import importlib.util
import json
import re
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import (  # type: ignore[import]
    WebSocketClientFactory,
    WebSocketClientProtocol,
    connectWS,
)
from autobahn.websocket.utf8validator import Utf8Validator  # type: ignore[import]
from twisted.internet import reactor  # type: ignore[import]

# Cases wait for what must not happen: so many of them wait at the same time.
AT_A_TIME = 24
# What a case grants the server, of whole seconds at most, is meant for a machine of its
# own. Only pauses between frames are as long as it says.
PATIENCE_S = 60
CLOSE_AFTER_S = 3

PYTHON_3 = (
    (r"(?m)^( *)print .*$", r"\1pass"),
    (r"(?m)^(from|import) (autobahn|binascii|array)\b.*$", ""),
    (r"\bbinascii\.b2a_hex\(", "hex_of("),
    (r"\bxrange\(", "range("),
    (r"\(object, Case, \)", "(Case, )"),
    (r"len\(self\.payload\) / ", "len(self.payload) // "),
    # What needs compression, which is not offered, and a case that the suite has not.
    (r"(?m)^.*(case9_9|case12|Case12_|Case13_).*$", ""),
)


def native(value: str | bytes) -> bytes:
    return value.encode("latin-1") if isinstance(value, str) else value


class NativeValidator(Utf8Validator):  # type: ignore[misc]
    def validate(self, text: str) -> tuple[bool, bool, int, int]:
        found: tuple[bool, bool, int, int] = super().validate(native(text))
        return found


class CaseLoader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> types.CodeType:
        text = Path(self.path).read_bytes().decode("latin-1")
        for pattern, now in PYTHON_3:
            text = re.sub(pattern, now, text)
        code: types.CodeType = compile(text, self.path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__.update(
            hex_of=lambda text: native(text).hex(),
            Utf8Validator=NativeValidator,
            WebSocketProtocol=WebSocketClientProtocol,
        )
        super().exec_module(module)


class CaseFinder:
    """The suite's modules import each other as if they were no package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        file = self.folder / f"{'__init__' if name == 'cases' else name}.py"
        if not name.startswith("case") or not file.exists():
            return None
        loader = CaseLoader(name, str(file))
        return importlib.util.spec_from_file_location(name, file, loader=loader)


def read_cases() -> dict[str, Any]:
    """By number, "7.7.3"."""
    suite = importlib.util.find_spec("autobahntestsuite")
    assert suite
    assert suite.origin
    sys.meta_path.append(CaseFinder(Path(suite.origin).parent / "case"))
    cases = importlib.import_module("cases").Cases
    return {case.__name__[4:].replace("_", "."): case for case in cases}


class Peer(WebSocketClientProtocol):  # type: ignore[misc]
    """What a case sees as self.p."""

    def __init__(self, number: str, case: Any) -> None:
        super().__init__()
        self.number = number
        self.connectionWasOpen = False
        self.createWirelog = False
        self.txFrameStats: dict[int, int] = {}
        self.run_case = case(self)
        if hasattr(self.run_case, "WAITSECS"):
            self.run_case.WAITSECS = PATIENCE_S

    # --- asked by cases ---

    def enableWirelog(self, _enable: bool) -> None:
        pass

    def later(self, delay: float, do: Callable[[], None]) -> None:
        def unless_closed() -> None:
            if self.state != self.STATE_CLOSED:
                do()

        reactor.callLater(delay, unless_closed)

    def continueLater(
        self, delay: float, do: Callable[[], None], _tag: object = None
    ) -> None:
        self.later(delay, do)

    def killAfter(self, _delay: float) -> None:
        self.later(PATIENCE_S, self._fail_connection)

    def closeAfter(self, delay: float) -> None:
        expected = list(self.run_case.expected.values())
        # One thing that must come, and then the case closes by itself.
        comes = len(expected) == 1 and expected[0]
        least = PATIENCE_S if comes else CLOSE_AFTER_S
        self.later(max(delay, least), self.sendClose)

    def sendFrame(self, opcode: int, payload: str | bytes = b"", **more: Any) -> None:
        self.txFrameStats[opcode] = self.txFrameStats.get(opcode, 0) + 1
        if not payload:
            more["payload_len"] = None  # of nothing there is nothing to repeat
        super().sendFrame(opcode, native(payload), **more)

    def sendMessage(
        self, payload: str | bytes, isBinary: bool = False, **more: Any
    ) -> None:
        super().sendMessage(native(payload), isBinary, **more)

    def sendMessageFrameData(self, payload: str | bytes, sync: bool = False) -> None:
        super().sendMessageFrameData(native(payload), sync)

    def beginMessage(self, opcode: int = 1, isBinary: bool = False) -> None:
        super().beginMessage(isBinary or opcode == self.MESSAGE_TYPE_BINARY)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: str | bytes | None = None,
        isReply: bool = False,
    ) -> None:
        reason = None if reasonUtf8 is None else native(reasonUtf8)
        super().sendCloseFrame(code, reason, isReply)

    # --- told to cases ---

    def onOpen(self) -> None:
        self.connectionWasOpen = True
        self.run_case.onOpen()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.run_case.onMessage(payload.decode("latin-1"), isBinary)

    def onPong(self, payload: bytes) -> None:
        self.run_case.onPong(payload.decode("latin-1"))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.run_case.onClose(wasClean, code, reason)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        self.run_case.onConnectionLost(self.failedByMe)
        self.factory.ended()


class OneCase(WebSocketClientFactory):  # type: ignore[misc]
    def __init__(self, url: str, peer: Peer, ended: Callable[[], None]) -> None:
        super().__init__(url)
        self.setProtocolOptions(
            failByDrop=False,  # as the suite has it
            openHandshakeTimeout=PATIENCE_S,
            closeHandshakeTimeout=PATIENCE_S,
            serverConnectionDropTimeout=PATIENCE_S,
        )
        self.peer = peer
        self.then = ended

    def buildProtocol(self, _address: object) -> Peer:
        self.peer.factory = self
        return self.peer

    def tell(self, behavior: str, close: str, why: str) -> None:
        said = {
            "case": self.peer.number,
            "behavior": behavior,
            "close": close,
            "code": self.peer.remoteCloseCode,
            "why": why,
        }
        print(json.dumps(said), flush=True)
        self.then()

    def ended(self) -> None:
        case = self.peer.run_case
        why = f"{case.result} {case.resultClose}"
        self.tell(case.behavior, case.behaviorClose, why)

    def clientConnectionFailed(self, _connector: object, reason: Any) -> None:
        self.tell("FAILED", "FAILED", reason.getErrorMessage())


class Run:
    """All of them, so many at a time."""

    def __init__(self, url: str, cases: dict[str, Any]) -> None:
        self.url = url
        self.left = iter(cases.items())
        self.n_open = 0
        for _ in range(AT_A_TIME):
            self.open_next()

    def open_next(self) -> None:
        one = next(self.left, None)
        if one:
            self.n_open += 1
            connectWS(OneCase(self.url, Peer(*one), self.ended))
        elif self.n_open == 0:
            reactor.callLater(0, reactor.stop)

    def ended(self) -> None:
        self.n_open -= 1
        self.open_next()


def main() -> None:
    url, *wanted = sys.argv[1:]
    chosen = tuple(f"{prefix}." for prefix in wanted)
    cases = read_cases()
    Run(url, {n: case for n, case in cases.items() if f"{n}.".startswith(chosen)})
    reactor.run()


if __name__ == "__main__":
    main()
