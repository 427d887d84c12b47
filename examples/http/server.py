#!/usr/bin/env python3
"""A shop of one file for http.yaml: http://127.0.0.1:PORT, and the port on one line."""

import http.server
import json
import sys

STOCK = {"lamp": 3, "chair": 0}


class Shop(http.server.BaseHTTPRequestHandler):
    orders = 0

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/old-stock":
            self.send_response(301)
            self.send_header("Location", "/stock?" + query)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/stock":
            self.answer(200, {"item": query[5:], "left": STOCK.get(query[5:], 0)})
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        Shop.orders += 1
        order = {"id": Shop.orders, "by": self.headers["X-Buyer"], **json.loads(body)}
        self.answer(201, order)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.answer(200, {"kept": body.decode()})

    def do_DELETE(self) -> None:
        self.answer(200, {"gone": self.path.rpartition("/")[2]})


if __name__ == "__main__":
    address = ("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8377)
    with http.server.ThreadingHTTPServer(address, Shop) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
