"""What the tests of the inference function's failures have in common: its two ends in the usual moments."""

import socket

ANSWER = '{"é":1}'.encode()


def serve(server, status: int = 200, body: bytes = ANSWER) -> None:
    upstream = server.accept()
    upstream.request()
    upstream.answer(status, body, "Content-Type: application/json")


def begin(node, server):
    """A call in the middle of a stream."""
    call, upstream = node.accept(), server.accept()
    call.started()
    upstream.request()
    upstream.begin_stream()
    upstream.chunk(b"data: 1\n\n")
    assert call.frame()[0] == "H"
    assert call.frame() == ("D", b"data: 1\n\n")
    return call, upstream


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return unused.getsockname()[1]
