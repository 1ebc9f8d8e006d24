"""What the backend sees of a client that leaves: the work stops at once, so that no tokens are burnt."""

import socket

import pytest

from harness import Mesh, gauge
from processes import wait_for
from rawhttp import chat_request, connect, read_until
from stub import CHAT_MODEL, Stub

STOPPED_SECONDS = 5


def body(model: str, **fields: str) -> bytes:
    extra = "".join(f',"{name}":{value}' for name, value in fields.items())
    return f'{{"model":"{model}","messages":[{{"role":"user","content":"Hello."}}]{extra}}}'.encode()


@pytest.mark.parametrize("pipelined", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["alone", "pipelined"])
def test_gone_during_a_stream(mesh: Mesh, site: str, pipelined: bytes):
    """Also when bytes of a next request lie unread in the connection."""
    _, url = mesh.backend("solo")
    wait_for("nothing runs", lambda: gauge(url, "vllm:num_requests_running") == 0, STOPPED_SECONDS)
    with connect(mesh.node(site).api) as connection:
        # Without the client's leaving this would run for 200 s.
        request = chat_request("x", mesh.tokens["user"], body("solo", stream="true", max_tokens="4000"))
        connection.sendall(request + pipelined)
        read_until(connection, b"data: ")
        assert gauge(url, "vllm:num_requests_running") == 1
    wait_for("the answer is given up", lambda: gauge(url, "vllm:num_requests_running") == 0, STOPPED_SECONDS)


@pytest.mark.parametrize("fields", [{"stub_pause_seconds": "100"}, {"stub_pause_seconds": "100", "stream": "true"}],
                         ids=["whole", "streamed"])
def test_gone_before_the_first_byte(mesh: Mesh, site: str, stub: Stub, fields: dict):
    before = stub.abandoned
    wait_for("nothing runs", lambda: stub.running == 0, STOPPED_SECONDS)
    with connect(mesh.node(site).api) as connection:
        connection.sendall(chat_request("x", mesh.tokens["user"], body(CHAT_MODEL, **fields)))
        wait_for("the stub has the request", lambda: stub.running == 1, STOPPED_SECONDS)
    wait_for("the stub is left alone", lambda: stub.abandoned == before + 1 and stub.running == 0, STOPPED_SECONDS)


def test_a_client_that_does_not_read_stops_its_stream_only(mesh: Mesh, stub: Stub):
    """Back-pressure: the stream waits for its reader, and everyone else is served."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = mesh.node("alpha").api.removeprefix("http://").split(":")
    connection.connect((host, int(port)))
    try:
        request = chat_request("x", mesh.tokens["user"], body(CHAT_MODEL, stream="true", stub_events="400000"))
        connection.sendall(request)
        wait_for("the stream has begun", lambda: stub.running == 1, STOPPED_SECONDS)
        for node in mesh.nodes:
            assert mesh.chat(node, "common").status_code == 200
            assert mesh.chat(node, CHAT_MODEL).status_code == 200
        # An answer reaches us before the stub's thread has counted it as ended.
        wait_for("the quick answers are counted as ended", lambda: stub.running <= 1, STOPPED_SECONDS)
        assert stub.running == 1, "the stub could write 60 MB to a client that does not read"
    finally:
        connection.close()
    wait_for("the stub is left alone", lambda: stub.running == 0, 10)
