"""A syslog server: it keeps the lines that it is told over TCP."""

import socket
import socketserver
import threading
from typing import Any


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        server.connections.append(self.connection)
        for line in self.rfile:
            server.lines.append(line)


class Receiver(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.lines: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def told(self) -> list[str]:
        """What was done, without the frames of the lines."""
        return [line.decode().partition("]: action:")[2].rstrip("\n") for line in self.lines]

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side was first
                continue
        self.server_close()
        self._thread.join()
