"""A network between clients and one server, which can be cut and mended: while it is
cut nothing gets through, and nobody is told so. It can be told to cut itself just
before a request.
"""

import contextlib
import re
import socket
import threading

PIECE = 1 << 16
REQUEST = re.compile(rb"(GET|PUT|POST) /[^\r\n]* HTTP/1.1\r\n")


class Network:
    def __init__(self, port: int) -> None:
        self.behind = port
        self.whole = threading.Event()
        self.whole.set()
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
        self.whole.set()

    def lose(self) -> None:
        with self.mutex:
            for side in self.sides:
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
                target=self.pass_on, args=(server, client), daemon=True
            )
            back.start()
            self.pass_on(client, server)
            back.join()
            server.close()
        client.close()

    def pass_on(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                self.look(piece)
                self.whole.wait()
                to.sendall(piece)
        self.hang_up(to)

    @staticmethod
    def hang_up(side: socket.socket) -> None:
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
