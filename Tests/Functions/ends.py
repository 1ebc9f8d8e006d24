"""The two ends of our inference function, as sockets that a test moves step by step: nothing happens by itself."""

import json
import pathlib
import socket
import ssl
import struct

SECONDS = 20  # Only a failsafe: no test waits for it.


class Listener:
    """Listens on loopback, or on a unix socket."""

    def __init__(self, context: ssl.SSLContext | None = None, path: pathlib.Path | None = None,
                 host: str = "127.0.0.1"):
        self.context = context
        if path is None:
            self.socket = socket.create_server((host, 0))
            self.port = self.socket.getsockname()[1]
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.bind(str(path))
            self.socket.listen()
        self.socket.settimeout(SECONDS)
        self.connections: list[Connection] = []

    def accept(self) -> "Connection":
        connection, _ = self.socket.accept()
        connection.settimeout(SECONDS)
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(Connection(connection))
        return self.connections[-1]

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        self.socket.close()


class Connection:
    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.buffer = b""

    def more(self) -> bool:
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def line(self) -> str:
        while b"\r\n" not in self.buffer:
            assert self.more(), f"closed within a line: {self.buffer!r}"
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode()

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            assert self.more(), f"closed after {len(self.buffer)} of {count} bytes"
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def head(self) -> tuple[str, dict[str, str]]:
        """The first line, and the fields by their names in lower case."""
        first = self.line()
        fields = {}
        while line := self.line():
            name, _, value = line.partition(":")
            assert name.lower() not in fields, f"{name} twice"
            fields[name.lower()] = value.strip()
        return first, fields

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ended(self) -> bool:
        """Waits until the other side has closed; a reset is an end too. False if it sends instead."""
        try:
            return not self.buffer and not self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            return True

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.socket.close()

    # As an inference server.

    def request(self) -> tuple[str, dict[str, str], bytes]:
        first, fields = self.head()
        return first, fields, self.take(int(fields.get("content-length", 0)))

    def answer(self, status: int, body: bytes, *fields: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *fields]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def begin_stream(self) -> None:
        self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.send(b"0\r\n\r\n")

    # As a node.

    def frame(self) -> tuple[str, object]:
        """The next frame, which must be one chunk; JSON is decoded, data is bytes. ("", None) is the last chunk."""
        size = int(self.line(), 16)
        chunk = self.take(size)
        assert self.take(2) == b"\r\n"
        if size == 0:
            return "", None
        kind, length = struct.unpack(">cI", chunk[:5])
        assert length == size - 5, "a chunk is one frame"
        return kind.decode(), chunk[5:] if kind == b"D" else json.loads(chunk[5:])

    def started(self) -> dict[str, str]:
        """Reads the head and the first frame; returns the head's fields."""
        first, fields = self.head()
        assert first.startswith("POST /resource_server/api/meshnode/answer/") and first.endswith(" HTTP/1.1"), first
        assert fields["transfer-encoding"] == "chunked" and "content-length" not in fields
        assert fields["content-type"] == "application/vnd.meshnode.answer"
        kind, start = self.frame()
        assert kind == "S" and set(start) == {"host", "python", "function"}, (kind, start)
        return fields

    def rest(self) -> tuple[bytes, list[tuple[str, object]]]:
        """All frames until the last chunk: the data joined, and the others."""
        data, others = b"", []
        while True:
            kind, payload = self.frame()
            if kind == "D":
                data += payload
            elif kind == "":
                return data, others
            else:
                others.append((kind, payload))

    def confirm(self) -> None:
        self.answer(200, b'{"status":"ok"}', "Content-Type: application/json")
