"""A network between clients and one server, which can be cut and mended: while it is
cut nothing gets through, and nobody is told so. It can be told to cut itself just
before a request, to let requests through and no answers, to be slow, and to reset what
is connected.
"""

import contextlib
import re
import socket
import struct
import threading
import time

PIECE = 1 << 16
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() says so instead of good-bye
REQUEST = re.compile(rb"(GET|PUT|POST) /[^\r\n]* HTTP/1.1\r\n")


class Network:
    def __init__(self, port: int) -> None:
        self.behind = port
        self.whole = threading.Event()
        self.whole.set()
        self.answers = threading.Event()
        self.answers.set()
        self.slow_s = 0.0  # each way, for each piece
        self.mutex = threading.Lock()
        self.sides: list[socket.socket] = []
        self.request, self.n_left = b"", 0
        self.held = threading.Event()
        self.requests: list[bytes] | None = None
        self.n_to_refuse = 0
        self.refused = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def cut(self) -> None:
        self.whole.clear()

    def cut_answers(self) -> None:
        """Requests arrive, and what is said to them does not."""
        self.answers.clear()

    def resume(self) -> None:
        """What was on its way comes late, as when it is sent again."""
        self.answers.set()
        self.whole.set()

    def hold(self, request: bytes, n: int) -> None:
        """It is cut before the n-th request that begins so. Before mend()."""
        self.held.clear()
        self.request, self.n_left = request, n

    def keep_requests(self) -> None:
        """Their first lines from now on: of HTTP, where one waits for its answer."""
        self.requests = []

    def look(self, piece: bytes) -> None:
        with self.mutex:
            if self.requests is not None and REQUEST.match(piece):
                self.requests.append(piece.partition(b"\r\n")[0])
            if not self.request or self.request not in piece:
                return
            self.n_left -= 1
            if self.n_left > 0:
                return
            self.request = b""
        self.cut()
        self.held.set()

    def mend(self) -> None:
        """What was on its way is lost, as when connections have timed out."""
        self.n_to_refuse = 0
        self.lose()
        self.resume()

    def lose(self) -> None:
        with self.mutex:
            for side in self.sides:
                self.hang_up(side)
            self.sides.clear()

    def reset(self) -> None:
        """Who is connected is told that nobody knows of it; what was on its way is
        lost."""
        with self.mutex:
            for side in self.sides:
                with contextlib.suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.hang_up(side)
            self.sides.clear()

    def refuse(self, n: int) -> None:
        """Connections break, and n that come: who tries again at once fails, too. What
        else comes until mend() waits."""
        self.refused.clear()
        self.n_to_refuse = n
        self.lose()

    def is_refused(self, client: socket.socket) -> bool:
        if self.n_to_refuse == 0:
            return False
        client.close()
        self.n_to_refuse -= 1
        if self.n_to_refuse == 0:
            self.refused.set()
        return True

    def close(self) -> None:
        self.listener.close()
        self.mend()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.is_refused(client):
                    continue
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.behind))
            with self.mutex:
                self.sides += [client, server]
            back = threading.Thread(
                target=self.pass_on, args=(server, client, self.answers), daemon=True
            )
            back.start()
            self.pass_on(client, server, self.whole)
            back.join()
            server.close()
        client.close()

    def pass_on(
        self, source: socket.socket, to: socket.socket, gate: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                self.look(piece)
                self.whole.wait()
                gate.wait()
                time.sleep(self.slow_s)
                to.sendall(piece)
        self.hang_up(to)

    @staticmethod
    def hang_up(side: socket.socket) -> None:
        """One that is to be reset is only kept from reading: close() does the rest."""
        with contextlib.suppress(OSError):
            linger = side.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET))
            side.shutdown(socket.SHUT_RD if linger == RESET else socket.SHUT_RDWR)
