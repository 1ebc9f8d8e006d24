"""What the API port does with requests that are not quite HTTP: refused, and the connection closed."""

import json
import re
import socket

import pytest

from harness import Mesh
from processes import wait_for
from rawhttp import chat_request, connect, exchange, read_until, status_of

POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
NEXT = GET + b"\r\n"

REFUSED = {
    "Content-Length and Transfer-Encoding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding and Content-Length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "a list of lengths": POST + b"Content-Length: 2, 3\r\n\r\n{}x",
    "negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "length beyond 64 bits": POST + b"Content-Length: 18446744073709551618\r\n\r\n{}",
    "unknown coding": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "coding in disguise": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
    "chunk longer than its size": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "bare LF in a chunk line": POST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
    "folded field": GET + b"A: b\r\n c\r\n\r\n",
    "space before the colon": GET + b"Content-Length : 0\r\n\r\n",
    "space in a name": GET + b"Con tent: 0\r\n\r\n",
    "empty name": GET + b": x\r\n\r\n",
    "no colon": GET + b"nothing\r\n\r\n",
    "NUL in a value": GET + b"A: b\0c\r\n\r\n",
    "bare CR in a value": GET + b"A: b\rc\r\n\r\n",
    "bare LF ends a line": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "bare LF ends a field": b"GET /healthz HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "other version": b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
    "two spaces": b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "control byte in the target": b"GET /health\x01z HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS hello": bytes.fromhex("16030100c8010000c40303") + b"\0" * 32 + b"\r\n\r\n",
    "129 fields": GET + b"A: b\r\n" * 129 + b"\r\n",
    "head over 64 KiB": GET + b"A: " + b"b" * 70_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_closed(mesh: Mesh, name: str):
    token = b"Authorization: Bearer " + mesh.tokens["user"].encode() + b"\r\n"
    # A second request behind it must never be answered: that would be request smuggling.
    answer = exchange(mesh.nodes[0].api, REFUSED[name].replace(POST, POST + token) + NEXT)
    assert status_of(answer) in (400, 411, 414, 431, 501, 505), answer
    assert len(re.findall(rb"HTTP/1\.1 \d{3}", answer)) == 1, answer
    assert b"connection: close" in answer.lower(), answer


@pytest.mark.parametrize("fields", [
    b"Content-Length: 33554433\r\n", b"Content-Length: 9999999999\r\nExpect: 100-continue\r\n"])
def test_too_large_is_said_before_it_is_sent(mesh: Mesh, fields: bytes):
    token = b"Authorization: Bearer " + mesh.tokens["user"].encode() + b"\r\n"
    answer = exchange(mesh.nodes[0].api, POST + token + fields + b"\r\n")
    assert status_of(answer) == 413
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert error["message"]


def test_too_large_in_chunks(mesh: Mesh):
    token = b"Authorization: Bearer " + mesh.tokens["user"].encode() + b"\r\n"
    with connect(mesh.nodes[0].api) as connection:
        connection.sendall(POST + token + b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(40):
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # closed while we were still sending: the answer may be lost with it (RFC 9112 §9.6)
        assert status_of(connection.recv(65536)) == 413


def test_expect_continue(mesh: Mesh):
    node = mesh.nodes[0]
    body = json.dumps({"model": "common", "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}).encode()
    request = chat_request("x", mesh.tokens["user"], body, b"Expect: 100-continue")
    with connect(node.api) as connection:
        connection.sendall(request[:-len(body)])
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(mesh: Mesh):
    close = GET + b"Connection: close\r\n\r\n"
    unknown = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchange(mesh.nodes[0].api, NEXT + unknown + close)
    # The bodies hold no status line, so the order of the status lines is the order of the answers.
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses[0] == statuses[2] == b"200"
    assert statuses[1] in (b"401", b"404")
    assert len(statuses) == 3


def test_a_head_in_single_bytes(mesh: Mesh):
    with connect(mesh.nodes[0].api) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in NEXT:
            connection.sendall(bytes([byte]))
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_old_version_is_answered_and_closed(mesh: Mesh):
    answer = exchange(mesh.nodes[0].api, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert status_of(answer) in (200, 505)


def test_half_a_request_harms_nobody(mesh: Mesh):
    waiting = [connect(mesh.nodes[0].api) for _ in range(50)]
    try:
        for connection in waiting:
            connection.sendall(POST)
        wait_for("other clients are served", lambda: mesh.get("/healthz", role=None).status_code == 200, 5)
    finally:
        for connection in waiting:
            connection.close()
