"""Stands between a program and a PostgreSQL server, and cuts the connection where told.

What the program sends comes in pieces: whatever it had to say before it waits. A cut is
made once, at the n-th piece that has a text in it.
"""

import contextlib
import socket
import threading
from dataclasses import dataclass

PIECE = 1 << 20


@dataclass
class Cut:
    """`after` the server has answered the piece, or before it has seen it. `hold`: the
    connection stays, and nobody says anything any more."""

    text: bytes
    number: int
    after: bool
    hold: bool = False


class CuttingProxy:
    def __init__(self, port: int) -> None:
        self.behind = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.mutex = threading.Lock()
        self.cut: Cut | None = None
        self.n_seen = 0
        self.n_cuts = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def arm(
        self, text: str, number: int, *, after: bool = False, hold: bool = False
    ) -> None:
        with self.mutex:
            self.cut = Cut(text.encode() + b"\0", number, after, hold)
            self.n_seen = 0
            self.n_cuts = 0

    def count(self, text: str) -> None:
        """Cuts nothing, and counts the pieces with this text."""
        self.arm(text, 0, after=False)

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def judge(self, piece: bytes) -> Cut | None:
        with self.mutex:
            if self.cut is None or self.cut.text not in piece:
                return None
            self.n_seen += 1
            if self.n_seen != self.cut.number:
                return None
            self.n_cuts += 1
            return self.cut

    def talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.behind))
            gate = threading.Event()  # set: answers are not passed on any more
            back = threading.Thread(target=self.answer, args=(server, client, gate))
            back.start()
            while piece := client.recv(PIECE):
                cut = self.judge(piece)
                while cut and cut.hold and client.recv(PIECE):
                    pass
                if cut and not cut.after:
                    break
                if cut:
                    gate.set()
                server.sendall(piece)
                if cut:
                    back.join()
                    break
            self.hang_up(client)
            self.hang_up(server)
            back.join()
            client.close()
            server.close()

    def answer(
        self, server: socket.socket, client: socket.socket, gate: threading.Event
    ) -> None:
        """Ends with the first answer that is not to be passed on."""
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                if gate.is_set():
                    return
                client.sendall(piece)
        self.hang_up(client)

    @staticmethod
    def hang_up(side: socket.socket) -> None:
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
