"""A client of HTTP/2 that does what it is told, right or wrong: python3-h2 for what is
right, frames by hand for what that would not send."""

import socket
import struct
from collections.abc import Iterable

import h2.config  # type: ignore[import]
import h2.connection  # type: ignore[import]
import h2.events  # type: ignore[import]
import h2.settings  # type: ignore[import]
import hpack  # type: ignore[import]
from ff_http import PATIENCE_S, Site

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PING = 0, 1, 2, 3, 4, 6
GOAWAY, WINDOW_UPDATE, CONTINUATION = 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CALM = 0, 1, 7, 11


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return (
        struct.pack(">I", len(payload))[1:]
        + bytes([kind, flags])
        + struct.pack(">I", stream)
        + payload
    )


def head(
    method: str = "GET", path: str = "/echo", host: str = "localhost"
) -> list[tuple[str, str]]:
    return [
        (":method", method),
        (":path", path),
        (":scheme", "http"),
        (":authority", host),
    ]


def block(fields: Iterable[tuple[str, str]]) -> bytes:
    """Header fields, without use of the dynamic table."""
    out: bytes = hpack.Encoder().encode(
        [hpack.NeverIndexedHeaderTuple(k, v) for k, v in fields], huffman=False
    )
    return out


class Answer:
    """What came for one stream."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.interim: list[str] = []
        self.body = b""
        self.ended = False
        self.reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", "0"))


class Client:
    """One connection. `pump` reads until something is true."""

    def __init__(self, site: Site, *, window: int = 65535) -> None:
        self.sock = site.connect(["h2"])
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8")
        )
        self.h2.initiate_connection()
        if window != 65535:
            self.h2.update_settings(
                {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
            )
        self.pending = b""
        self.answers: dict[int, Answer] = {}
        self.goaways: list[int] = []
        self.closed = False
        self.auto_credit = True
        self.flush()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.raw(data)

    def raw(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError:
            self.closed = True

    def ask(
        self,
        method: str = "GET",
        path: str = "/echo",
        more: Iterable[tuple[str, str]] = (),
        end: bool = True,
    ) -> int:
        stream: int = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, head(method, path) + list(more), end_stream=end)
        self.answers[stream] = Answer()
        self.flush()
        return stream

    def send(self, stream: int, data: bytes, end: bool = True) -> None:
        """All of it, waiting for windows."""
        while data:
            self.pump(lambda: self.h2.local_flow_control_window(stream) > 0)
            if self.closed or stream not in self.answers:
                return
            size = min(
                self.h2.local_flow_control_window(stream),
                self.h2.max_outbound_frame_size,
                len(data),
            )
            if size == 0:
                return
            self.h2.send_data(stream, data[:size])
            data = data[size:]
            self.flush()
        if end:
            self.h2.end_stream(stream)
            self.flush()

    def _note(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append(int(event.error_code))
            # The library would end here, though what is under way goes on.
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
            return
        answer = self.answers.get(getattr(event, "stream_id", 0) or 0)
        if not answer:
            return
        if isinstance(event, h2.events.ResponseReceived):
            answer.headers = dict(event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            answer.interim.append(dict(event.headers)[":status"])
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            if self.auto_credit and event.flow_controlled_length:
                self.h2.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id
                )
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = int(event.error_code)

    def read(self) -> None:
        """Once, whatever is there; blocks until something is."""
        self.sock.settimeout(PATIENCE_S)
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, socket.timeout):
            data = b""
        if not data:
            self.closed = True
            return
        self.pending += data
        while len(self.pending) >= 9:
            size = 9 + int.from_bytes(self.pending[:3], "big")
            if len(self.pending) < size:
                break
            for event in self.h2.receive_data(self.pending[:size]):
                self._note(event)
            self.pending = self.pending[size:]
            # At once: the library forgets what is unsent when it reads GOAWAY, and
            # credit that never comes back ends the connection.
            self.flush()

    def pump(self, until: "object") -> None:
        """Reads until `until()` or the end of the connection."""
        assert callable(until)
        while not until() and not self.closed:
            self.read()

    def wait(self, stream: int) -> Answer:
        answer = self.answers[stream]
        self.pump(lambda: answer.ended or answer.reset is not None)
        return answer

    def get(self, path: str = "/echo", more: Iterable[tuple[str, str]] = ()) -> Answer:
        return self.wait(self.ask("GET", path, more))


class Raw:
    """Frames by hand; what comes back is read as frames."""

    def __init__(self, site: Site) -> None:
        self.sock = site.connect(["h2"])
        self.sock.settimeout(PATIENCE_S)
        self.pending = b""
        self.send(PREFACE + frame(SETTINGS, 0, 0))

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> bool:
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def _fill(self, n: int) -> bool:
        while len(self.pending) < n:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return False
            if not data:
                return False
            self.pending += data
        return True

    def next(self) -> tuple[int, int, int, bytes] | None:
        """Kind, flags, stream, payload; None at the end."""
        if not self._fill(9):
            return None
        size = int.from_bytes(self.pending[:3], "big")
        kind, flags = self.pending[3], self.pending[4]
        stream = int.from_bytes(self.pending[5:9], "big")
        if not self._fill(9 + size):
            return None
        payload = self.pending[9 : 9 + size]
        self.pending = self.pending[9 + size :]
        return kind, flags, stream, payload

    def until(self, kind: int, stream: int | None = None) -> bytes | None:
        """The payload of the next frame of this kind; None: there is none."""
        while got := self.next():
            if got[0] == kind and stream in (None, got[2]):
                return got[3]
        return None

    def goaway(self) -> int | None:
        """The error code of the connection's end; None: there was none."""
        payload = self.until(GOAWAY)
        return int.from_bytes(payload[4:8], "big") if payload else None

    def reset_of(self, stream: int) -> int | None:
        payload = self.until(RST, stream)
        return int.from_bytes(payload, "big") if payload else None
