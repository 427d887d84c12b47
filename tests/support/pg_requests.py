"""Stands between programs and a PostgreSQL server, and keeps what the programs ask for,
turn by turn: a turn is what is sent until a Sync, which is when they wait.
"""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

PIECE = 1 << 20
TLS_WANTED = 80877103  # in the place of a version, before the session begins


@dataclass
class Turn:
    """Of its statements those that have no name are told."""

    n_bytes: int = 0
    n_executed: int = 0
    texts: list[str] = field(default_factory=list)


@dataclass(order=True)
class Commit:
    """The turn that did all of it, and all that was said in the next one."""

    n_bytes: int
    n_executed: int
    then: str


class Reader:
    """What one program says, message by message."""

    def __init__(self) -> None:
        self.rest = b""
        self.began = False
        self.turns = [Turn()]

    def add(self, piece: bytes) -> None:
        self.rest += piece
        while self.take():
            pass

    def take(self) -> bool:
        """False: the message is not whole yet. The first ones have no type."""
        at = 1 if self.began else 0
        if len(self.rest) < at + 4:
            return False
        end = at + struct.unpack_from("!i", self.rest, at)[0]
        if len(self.rest) < end:
            return False
        message, self.rest = self.rest[:end], self.rest[end:]
        if self.began:
            self.keep(message[:1], message[5:], end)
        else:
            self.began = struct.unpack_from("!i", message, 4)[0] != TLS_WANTED
        return True

    def keep(self, kind: bytes, body: bytes, n_bytes: int) -> None:
        turn = self.turns[-1]
        turn.n_bytes += n_bytes
        turn.n_executed += kind == b"E"
        if kind == b"P" and body[:1] == b"\0":
            turn.texts.append(body[1 : body.index(b"\0", 1)].decode())
        if kind == b"S":
            self.turns.append(Turn())


class PgRequests:
    def __init__(self, port: int) -> None:
        self.behind = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.readers: list[Reader] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self) -> "PgRequests":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def commits(self) -> list[Commit]:
        """Of those who have hung up: transactions whose first turn does something."""
        return [
            Commit(turn.n_bytes, turn.n_executed, "; ".join(after.texts))
            for reader in self.readers
            for turn, after in zip(reader.turns, reader.turns[1:], strict=False)
            if turn.texts[:1] == ["BEGIN"] and turn.n_executed > 1
        ]

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        reader = Reader()
        self.readers.append(reader)
        with contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.behind))
            back = threading.Thread(target=self.answer, args=(server, client))
            back.start()
            while piece := client.recv(PIECE):
                reader.add(piece)
                server.sendall(piece)
            self.hang_up(server)
            back.join()
            server.close()
        client.close()

    def answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                client.sendall(piece)
        self.hang_up(client)

    @staticmethod
    def hang_up(side: socket.socket) -> None:
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
