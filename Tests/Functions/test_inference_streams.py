"""Our inference function, when all goes well: events pass at once, whole, and secrets stay where they belong."""

import ast
import json
import ssl

import pytest

from conftest import TOKEN
from workers import FUNCTIONS, RUNNERS

EVENTS = [b'data: {"n":%d,"text":"\xc3\xa9"}\n\n' % index for index in range(20)]


def relay(node, server, worker, events=EVENTS) -> dict:
    """Each event must be at the node before the server makes the next."""
    call = node.accept()
    call.started()
    upstream = server.accept()
    upstream.request()
    upstream.begin_stream()
    assert call.frame() == ("H", {"status": 200, "contentType": "text/event-stream", "retryAfter": None})
    for event in events:
        upstream.chunk(event)
        assert call.frame() == ("D", event)
    upstream.end_stream()
    assert call.frame() == ("Z", {"bytes": sum(map(len, events))})
    assert call.frame() == ("", None)
    call.confirm()
    assert call.ended()
    return worker.result()


@pytest.mark.parametrize("runner", RUNNERS)
def test_each_event_passes_before_the_next_is_made(node, server, infer, python, runner):
    result = relay(node, server, infer(python=python, runner=runner))
    assert result == {"version": 1, "status": "streamed", "bytes": sum(map(len, EVENTS)), "http": 200}


@pytest.mark.parametrize("module", ["inference.py", "status.py"])
def test_the_source_is_that_of_python_3_9(module):
    tree = ast.parse((FUNCTIONS / module).read_text(), feature_version=(3, 9))
    kinds = [type(item) for item in tree.body]
    assert kinds == [ast.Expr, ast.FunctionDef], "all is within the one function, for workers below 3.3.0"


def test_what_the_server_is_sent(node, server, infer):
    infer(server_fields={"url": f"http://127.0.0.1:{server.port}/base/", "keyEnvironment": "SERVER_KEY"},
          request={"headers": {"X-Request-Id": "r1", "authorization": "Bearer of-the-user", "Host": "elsewhere",
                               "content-length": "1"}},
          environment={"SERVER_KEY": "sk-server\n"})
    node.accept().started()
    first, fields, body = server.accept().request()
    assert (first, body) == ("POST /base/v1/chat/completions HTTP/1.1", b'{"model":"m","stream":true}')
    assert fields == {"host": f"127.0.0.1:{server.port}", "content-type": "application/json", "accept": "text/event-stream",
                      "accept-encoding": "identity", "connection": "close", "content-length": str(len(body)),
                      "x-request-id": "r1", "authorization": "Bearer sk-server"}


def test_what_the_node_is_sent(node, server, infer):
    infer()
    fields = node.accept().started()
    assert fields["host"] == f"127.0.0.1:{node.port}"
    assert fields["authorization"] == f"Bearer {TOKEN}"


def test_a_request_without_a_body_is_a_get(node, server, infer):
    worker = infer(request={"path": "/health?deep=1", "body": None, "stream": False})
    call, upstream = node.accept(), server.accept()
    call.started()
    first, fields, _ = upstream.request()
    assert (first, fields["accept"]) == ("GET /health?deep=1 HTTP/1.1", "application/json")
    upstream.answer(200, b"{}", "Content-Type: application/json")
    assert call.rest() == (b"{}", [("H", {"status": 200, "contentType": "application/json", "retryAfter": None}),
                                   ("Z", {"bytes": 2})])
    call.confirm()
    assert worker.result()["status"] == "streamed"


def test_a_refusal_of_the_server_passes_with_its_status_and_body(node, server, infer):
    worker = infer()
    call, upstream = node.accept(), server.accept()
    upstream.request()
    body = json.dumps({"error": {"message": "context too long", "code": 400}}).encode()
    upstream.answer(429, body, "Content-Type: application/json", "Retry-After: 7")
    call.started()
    assert call.rest() == (body, [("H", {"status": 429, "contentType": "application/json", "retryAfter": "7"}),
                                  ("Z", {"bytes": len(body)})])
    call.confirm()
    assert worker.result() == {"version": 1, "status": "streamed", "bytes": len(body), "http": 429}


def test_a_large_answer_is_whole(node, server, infer):
    """11 MB, which no result of a task could hold."""
    body = bytes(range(256)) * 4 * 11 * 1024
    worker = infer()
    call, upstream = node.accept(), server.accept()
    call.started()
    upstream.request()
    upstream.socket.setblocking(False)
    sent, data, others = 0, b"", []
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    whole = head + body
    while sent < len(whole):  # Both ends by turns, since this is one thread and the function takes what the node takes.
        try:
            sent += upstream.socket.send(whole[sent:sent + 262144])
        except BlockingIOError:
            kind, payload = call.frame()
            data += payload if kind == "D" else b""
            others += [] if kind == "D" else [(kind, payload)]
    rest, ends = call.rest()
    assert data + rest == body
    assert [kind for kind, _ in others + ends] == ["H", "Z"]
    call.confirm()
    assert worker.result()["bytes"] == len(body)


@pytest.mark.parametrize("head", [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
def test_an_answer_that_ends_with_its_connection(node, server, infer, head):
    worker = infer()
    call, upstream = node.accept(), server.accept()
    call.started()
    upstream.request()
    upstream.send(head + b"one ")
    assert call.frame()[0] == "H"
    assert call.frame() == ("D", b"one ")
    upstream.send(b"two")
    assert call.frame() == ("D", b"two")
    upstream.close()
    assert call.rest() == (b"", [("Z", {"bytes": 7})])
    call.confirm()
    assert worker.result()["bytes"] == 7


def test_events_that_come_in_pieces_and_many_at_once(node, server, infer):
    worker = infer()
    call, upstream = node.accept(), server.accept()
    call.started()
    upstream.request()
    upstream.begin_stream()
    upstream.send(b"5;name=value\r\nab")
    assert call.frame()[0] == "H"
    assert call.frame() == ("D", b"ab")
    upstream.send(b"cde\r\n3\r\nfgh\r\n2\r")
    upstream.send(b"\nij\r\n0\r\nTrailer: x\r\n\r\n")
    assert call.rest() == (b"cdefghij", [("Z", {"bytes": 10})])
    call.confirm()
    assert worker.result()["bytes"] == 10


def test_a_unix_socket(node, listen, infer, tmp_path):
    server = listen(path=tmp_path / "vllm.sock")
    worker = infer(server_fields={"url": f"unix:{tmp_path}/vllm.sock"})
    assert relay(node, server, worker)["status"] == "streamed"


@pytest.mark.parametrize("way", ["ca", "caFile", "unverified"])
def test_a_server_with_tls(node, listen, infer, server_context, authority, way):
    server = listen(server_context)
    fields = {"ca": {"ca": authority.file.read_text()}, "caFile": {"caFile": str(authority.file)},
              "unverified": {"verify": False}}[way]
    worker = infer(server_fields={"url": f"https://localhost:{server.port}", **fields})
    assert relay(node, server, worker)["status"] == "streamed"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_tls(listen, server, infer, authority, version):
    identity = authority.issue("alpha", "two")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    context.minimum_version = context.maximum_version = version
    node = listen(context)
    url = f"https://localhost:{node.port}/resource_server/api/meshnode/answer/task-1"
    assert relay(node, server, infer(callback={"url": url}))["status"] == "streamed"


def test_a_node_without_tls(listen, server, infer):
    node = listen()
    url = f"http://127.0.0.1:{node.port}/resource_server/api/meshnode/answer/task-1"
    assert relay(node, server, infer(callback={"url": url, "ca": None}))["status"] == "streamed"


def test_a_continue_from_the_node_is_not_an_answer(node, server, infer):
    worker = infer()
    call, upstream = node.accept(), server.accept()
    call.started()
    upstream.request()
    call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    upstream.answer(200, b"{}")
    assert call.rest()[1][-1] == ("Z", {"bytes": 2})
    call.confirm()
    assert worker.result()["status"] == "streamed"


def test_the_probe(node, infer, work):
    assert set(work("inference.py", "meshnode_inference", {"version": 1, "probe": True}).result()) == {
        "version", "status", "host", "python", "function", "callback"}
    worker = infer(order={"probe": True})
    assert node.accept().ended()
    assert worker.result()["callback"] == "reachable"
