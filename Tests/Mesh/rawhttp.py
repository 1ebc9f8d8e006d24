"""HTTP as bytes on a socket, for what no client library would send or show."""

import socket
import urllib.parse

SECONDS = 15


def connect(url: str) -> socket.socket:
    parts = urllib.parse.urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=SECONDS)


def read_to_end(connection: socket.socket) -> bytes:
    """All bytes until the other side closes; a reset after an answer counts as closed."""
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def exchange(url: str, request: bytes) -> bytes:
    """Sends bytes, keeps the sending side open, and returns all that comes until the server closes."""
    with connect(url) as connection:
        connection.sendall(request)
        return read_to_end(connection)


def read_until(connection: socket.socket, marker: bytes) -> bytes:
    data = b""
    while marker not in data:
        part = connection.recv(65536)
        assert part, f"closed before {marker!r}: {data!r}"
        data += part
    return data


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer[9:12])


def chat_request(host: str, token: str, body: bytes, *fields: bytes) -> bytes:
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"Host: " + host.encode(), b"Authorization: Bearer " + token.encode(),
             b"Content-Type: application/json", b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
