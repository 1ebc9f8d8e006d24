"""Our inference function, when something fails: nothing is lost that can be kept, nothing runs on that nobody waits for."""

import select
import socket
import ssl
import threading
import warnings

import pytest

from certificates import Authority
from conftest import TOKEN

ANSWER = '{"é":1}'.encode()
RETURNED = {"version": 1, "status": "returned", "http": 200, "contentType": "application/json", "retryAfter": None,
            "body": ANSWER.decode()}


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


def aborted(worker, sent: int) -> str:
    result = worker.result()
    assert (result["version"], result["status"], result["sent"]) == (1, "aborted", sent)
    return result["why"]


# The node is not reached.


def test_without_a_callback_the_answer_is_returned(server, infer):
    worker = infer(callback=None)
    serve(server)
    assert worker.result() == {**RETURNED, "why": None}


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return unused.getsockname()[1]


@pytest.mark.parametrize("callback, why", [
    ({"url": "https://127.0.0.1:PORT/answer"}, "Connection refused"),
    ({"url": "https://no-such-host.invalid/answer"}, "no address was found for no-such-host.invalid"),
    ({"url": "ftp://127.0.0.1/answer"}, "the URL is not one of https or http"),
    ({"ca": "not PEM"}, ""),
    ({"proxy": "http://127.0.0.1:PORT"}, "Connection refused"),
])
def test_a_node_that_cannot_be_reached_loses_nothing(server, infer, callback, why):
    callback = {name: value.replace("PORT", str(closed_port())) for name, value in callback.items()}
    worker = infer(callback=callback)
    serve(server)
    result = worker.result()
    assert result.pop("why").startswith("could not reach the node: " + why)
    assert result == RETURNED


def test_a_refusal_is_returned_with_its_status(server, infer):
    worker = infer(callback=None)
    serve(server, 400, b'{"error":{"message":"too long"}}')
    result = worker.result()
    assert (result["status"], result["http"], result["body"]) == ("returned", 400, '{"error":{"message":"too long"}}')


def test_an_answer_that_is_not_text_is_returned_as_base64(server, infer):
    worker = infer(callback=None)
    serve(server, body=b"\xff\x00")
    result = worker.result()
    assert result["bodyBase64"] == "/wA=" and "body" not in result


def test_a_certificate_of_another_authority(node, server, infer, tmp_path):
    worker = infer(callback={"ca": Authority("others", tmp_path / "ca").file.read_text()})
    with pytest.raises(ssl.SSLError):
        node.accept()
    serve(server)
    result = worker.result()
    assert "CERTIFICATE_VERIFY_FAILED" in result.pop("why")
    assert result == RETURNED


def test_a_certificate_that_the_system_does_not_know(node, server, infer):
    worker = infer(callback={"ca": None})
    with pytest.raises(ssl.SSLError):
        node.accept()
    serve(server)
    assert "CERTIFICATE_VERIFY_FAILED" in worker.result()["why"]


def test_a_certificate_for_another_host(listen, server_context, server, infer):
    node = listen(server_context, host="127.0.0.2")
    worker = infer(callback={"url": f"https://127.0.0.2:{node.port}/answer"})
    with pytest.raises(ssl.SSLError):
        node.accept()
    serve(server)
    assert "certificate is not valid for '127.0.0.2'" in worker.result()["why"]


@pytest.mark.parametrize("talk", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_node_that_does_not_answer_with_tls(listen, server, infer, talk):
    node = listen()
    worker = infer(callback={"url": f"https://127.0.0.1:{node.port}/answer", "connectSeconds": 0.3})
    node.accept().send(talk)
    serve(server)
    result = worker.result()
    assert ("timed out" if talk == b"" else "SSL") in result["why"]
    assert result["status"] == "returned"


def test_an_old_version_of_tls_is_refused(listen, server, infer, authority):
    identity = authority.issue("alpha", "old")
    warnings.simplefilter("ignore", DeprecationWarning)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    node = listen(context)
    worker = infer(callback={"url": f"https://127.0.0.1:{node.port}/answer"})
    with pytest.raises(ssl.SSLError):
        node.accept()
    serve(server)
    assert worker.result()["status"] == "returned"


@pytest.mark.parametrize("body, limit", [(b"x" * 11_000_000, 8388608), (b"x" * 101, 100), (b"\x01" * 2_000_000, 8388608)])
def test_an_answer_too_large_for_a_result(server, infer, body, limit):
    """The last would fit by its bytes, but not once JSON has escaped it."""
    worker = infer(callback=None, order={"resultBytes": limit})
    upstream = server.accept()
    upstream.request()
    try:
        upstream.answer(200, body)
    except ConnectionError:
        pass  # The function leaves as soon as it knows.
    result = worker.result()
    assert (result["status"], result["code"]) == ("failed", "too_large")


# The node leaves.


@pytest.mark.parametrize("leave, why", [
    (lambda call: call.close(), "the "),
    (lambda call: call.answer(401, b""), "the node answered 401"),
    (lambda call: call.answer(500, b""), "the node answered 500"),
    (lambda call: call.answer(200, b""), "the node answered 200"),
    (lambda call: call.reset(), ""),
])
@pytest.mark.parametrize("moment", ["before the first byte", "in mid-stream"])
def test_a_node_that_leaves_ends_the_inference(node, server, infer, leave, why, moment):
    worker = infer()
    if moment == "in mid-stream":
        call, upstream = begin(node, server)
    else:
        call, upstream = node.accept(), server.accept()
        call.started()
        upstream.request()
    leave(call)
    assert upstream.ended(), "the inference server must see it at once, without sending anything more"
    assert aborted(worker, 9 if moment == "in mid-stream" else 0).startswith(why)


@pytest.mark.parametrize("answer, why", [(b"", "the node took no data for 0.5 s"),
                                         (b"HTTP/1.1 413 Too Large\r\n\r\n", "the node answered 413")])
def test_a_node_that_takes_no_more(node, server, infer, answer, why):
    worker = infer(timeouts={"stallSeconds": 0.5 if not answer else 20})
    call, upstream = begin(node, server)
    upstream.socket.setblocking(False)
    block = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    answered = False
    with pytest.raises(ConnectionError):
        sent = 0
        while True:  # Fills all buffers on the way until the function leaves.
            try:
                sent += upstream.socket.send(block[sent % len(block):])
            except BlockingIOError:
                if answer and not answered and sent > 4 * len(block):
                    call.send(answer)
                    answered = True
    result = worker.result()
    assert result["status"] == "aborted" and result["why"].startswith(why)


def test_a_clean_close_by_the_node_is_named(node, server, infer):
    worker = infer()
    call, upstream = begin(node, server)
    call.socket.settimeout(0)
    with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
        call.socket.unwrap()
    assert upstream.ended()
    assert aborted(worker, 9) == "the node closed the connection"


@pytest.mark.parametrize("end, why", [(lambda call: call.answer(409, b""), "the node answered 409"),
                                      (lambda call: call.close(), "")])
def test_an_end_that_the_node_does_not_confirm(node, server, infer, end, why):
    worker = infer()
    call, upstream = begin(node, server)
    upstream.end_stream()
    call.rest()
    end(call)
    assert aborted(worker, 9).startswith(why)


# Over a proxy.


def through(proxy, node) -> tuple[str, dict[str, str], "socket.socket"]:
    """Takes the CONNECT and hands its connection on to the node's listener."""
    connection = proxy.accept()
    first, fields = connection.head()
    connection.send(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
    connection.socket = node.context.wrap_socket(connection.socket, server_side=True)
    return first, fields, connection


@pytest.mark.parametrize("environment, expected", [
    ({}, None),
    ({"MESHNODE_PROXY_CREDENTIALS": "user:pass-word-1"}, "Basic dXNlcjpwYXNzLXdvcmQtMQ=="),
    ({"https_proxy": "http://user:pass%2Dword%2D1@127.0.0.1:PORT"}, "Basic dXNlcjpwYXNzLXdvcmQtMQ=="),
    ({"https_proxy": "http://user:pass@127.0.0.2:3128"}, None),
])
def test_a_proxy_with_credentials_from_the_environment_only(node, server, listen, infer, environment, expected):
    proxy = listen()
    environment = {name: value.replace("PORT", str(proxy.port)) for name, value in environment.items()}
    worker = infer(callback={"proxy": f"http://127.0.0.1:{proxy.port}"}, environment=environment)
    first, fields, call = through(proxy, node)
    assert first == f"CONNECT 127.0.0.1:{node.port} HTTP/1.1"
    assert fields.get("proxy-authorization") == expected
    assert "authorization" not in fields
    assert call.started()["authorization"] == f"Bearer {TOKEN}"
    serve(server)
    assert call.rest() == (ANSWER, [("H", {"status": 200, "contentType": "application/json", "retryAfter": None}),
                                    ("Z", {"bytes": len(ANSWER)})])
    call.confirm()
    assert worker.result()["status"] == "streamed"


def test_the_proxy_of_the_environment(node, server, listen, infer):
    proxy = listen()
    infer(callback={"proxy": "environment"}, environment={"https_proxy": f"http://127.0.0.1:{proxy.port}"})
    _, _, call = through(proxy, node)
    call.started()


def test_a_proxy_that_speaks_tls_itself(node, server, listen, infer, server_context, authority):
    """TLS within TLS; the proxy's certificate is checked against the system's authorities."""
    proxy = listen(server_context)
    worker = infer(callback={"proxy": f"https://127.0.0.1:{proxy.port}"}, environment={"SSL_CERT_FILE": str(authority.file)})
    connection = proxy.accept()
    connection.head()
    connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
    to_node = socket.create_connection(("127.0.0.1", node.port))
    copy(connection.socket, to_node)
    call = node.accept()
    call.started()
    serve(server)
    assert call.rest()[0] == ANSWER
    call.confirm()
    assert worker.result()["status"] == "streamed"
    to_node.close()


def copy(secured: ssl.SSLSocket, plain: socket.socket) -> None:
    """Passes bytes on between a proxy's two sides, by one thread, since a TLS connection is not for two."""
    def run() -> None:
        secured.settimeout(0)
        while True:
            select.select([secured, plain], [], [], 20)
            for source, sink in ((secured, plain), (plain, secured)):
                try:
                    source.settimeout(0)
                    data = source.recv(65536)
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                except OSError:
                    return
                if not data:
                    return
                sink.settimeout(20)
                sink.sendall(data)

    threading.Thread(target=run, daemon=True).start()


@pytest.mark.parametrize("answer, why", [
    (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407"),
    (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy answered 403"),
    (b"SSH-2.0-x\r\n\r\n", "the proxy answered in another protocol"),
    (b"HTTP/1.1 200", "the proxy closed the connection"),
])
def test_a_proxy_that_refuses(server, listen, infer, answer, why):
    proxy = listen()
    worker = infer(callback={"proxy": f"http://127.0.0.1:{proxy.port}"},
                   environment={"MESHNODE_PROXY_CREDENTIALS": "user:pass-word-1"})
    connection = proxy.accept()
    connection.head()
    connection.send(answer)
    connection.close()
    serve(server)
    output = worker.output()
    assert "could not reach the node: " + why in output
    assert "pass-word-1" not in output and "dXNlcjpw" not in output


# The inference server fails.


def broken(node, server, infer, misbehave, **named):
    """The error frame, after what came before it, and the result."""
    worker = infer(**named)
    call, upstream = node.accept(), server.accept()
    call.started()
    upstream.request()
    misbehave(upstream)
    data, others = call.rest()
    call.confirm()
    assert others[-1][0] == "E" and "Z" not in [kind for kind, _ in others]
    error, result = others[-1][1], worker.result()
    assert result == {"version": 1, "status": "failed", **error, "sent": len(data)}
    return data, error["code"], error["message"]


def cut_stream(upstream):
    upstream.begin_stream()
    upstream.chunk(b"data: 1\n\n")
    upstream.close()


def stall(upstream):
    upstream.begin_stream()
    upstream.chunk(b"data: 1\n\n")


def say(data: bytes):
    def misbehave(upstream):
        upstream.send(data)
        upstream.close()
    return misbehave


@pytest.mark.parametrize("misbehave, data, code", [
    (cut_stream, b"data: 1\n\n", "upstream_broken"),
    (say(b""), b"", "upstream_broken"),
    (say(b"HTTP/1.1 200 OK\r\nContent-Len"), b"", "upstream_broken"),
    (say(b"SMTP ready\r\n\r\n"), b"", "upstream_broken"),
    (say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), b"half", "upstream_broken"),
    (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"), b"ok", "upstream_broken"),
    (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"), b"ok", "upstream_broken"),
    (say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nxx"), b"", "upstream_broken"),
    (lambda upstream: upstream.reset(), b"", "upstream_broken"),
])
def test_an_inference_server_that_breaks_off(node, server, infer, misbehave, data, code, python):
    assert broken(node, server, infer, misbehave, python=python)[:2] == (data, code)


@pytest.mark.parametrize("misbehave, timeouts, message", [
    (lambda upstream: None, {"firstByteSeconds": 0.3}, "the inference server sent nothing for 0.3 s"),
    (stall, {"stallSeconds": 0.3}, "the inference server sent nothing for 0.3 s"),
    (stall, {"totalSeconds": 0.8}, "the inference server took too long in all"),
])
def test_an_inference_server_that_is_silent(node, server, infer, misbehave, timeouts, message):
    def abandoned(upstream):
        misbehave(upstream)
        assert upstream.ended(), "it is left before the node has confirmed"

    assert broken(node, server, infer, abandoned, timeouts=timeouts)[1:] == ("upstream_timeout", message)


def test_a_pause_is_not_an_end(node, server, infer):
    """FIRST takes five seconds of silence for the end (FIRST.md 1.7); here it is the gate of the test."""
    worker = infer(timeouts={"firstByteSeconds": 0.5, "stallSeconds": 20})
    call, upstream = begin(node, server)
    call.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        call.socket.recv(1)
    call.socket.settimeout(20)
    upstream.chunk(b"data: 2\n\n")
    assert call.frame() == ("D", b"data: 2\n\n")
    upstream.end_stream()
    assert call.rest() == (b"", [("Z", {"bytes": 18})])
    call.confirm()
    assert worker.result()["status"] == "streamed"


@pytest.mark.parametrize("fields, code, message", [
    ({"url": "http://127.0.0.1:PORT"}, "upstream_unreachable", "Connection refused"),
    ({"url": "unix:/nowhere/vllm.sock"}, "upstream_unreachable", "No such file"),
    ({"url": "unix:/" + "long" * 40}, "upstream_unreachable", "too long"),
    ({"url": "file:///etc/passwd"}, "upstream_unreachable", "the URL is not one of"),
    ({"url": "http://127.0.0.1:PORT", "keyEnvironment": "NOT_SET_HERE"}, "upstream_unreachable", "refused"),
])
def test_an_inference_server_that_cannot_be_reached(node, infer, fields, code, message):
    worker = infer(server_fields={**fields, "url": fields["url"].replace("PORT", str(closed_port()))})
    call = node.accept()
    call.started()
    data, [(kind, error)] = call.rest()
    assert (data, kind, error["code"]) == (b"", "E", code)
    assert message in error["message"]
    call.confirm()
    assert worker.result() == {"version": 1, "status": "failed", **error, "sent": 0}


def test_a_server_whose_certificate_is_of_another_authority(node, listen, infer, server_context, tmp_path):
    server = listen(server_context)
    ca = Authority("others", tmp_path / "ca").file.read_text()
    worker = infer(server_fields={"url": f"https://localhost:{server.port}", "ca": ca}, callback=None)
    with pytest.raises(ssl.SSLError):
        server.accept()
    result = worker.result()
    assert result["code"] == "upstream_unreachable" and "CERTIFICATE_VERIFY_FAILED" in result["message"]


@pytest.mark.parametrize("key", [None, "", "two\nlines"])
def test_a_key_that_is_not_there(server, infer, key):
    worker = infer(callback=None, server_fields={"keyEnvironment": "SERVER_KEY"},
                   environment={} if key is None else {"SERVER_KEY": key})
    result = worker.result()
    assert (result["status"], result["code"]) == ("failed", "missing_key")
    assert result["message"] == "the environment variable SERVER_KEY holds no key"


@pytest.mark.parametrize("named", [
    {"callback": {"url": "https://127.0.0.1:1/answer"}},
    {"callback": {"url": "https://[broken/answer"}},
    {"server_fields": {"url": 5, "keyEnvironment": "SERVER_KEY"}, "callback": None},
    {"request": {"headers": {"X-Bad": "a\r\nb"}}, "callback": None},
    {"request": {"body": 5}, "callback": None},
    {"request": {"path": "/a b"}, "callback": None},
    {"callback": {"url": "https://127.0.0.1:1/answer", "token": TOKEN + "é"}},
])
def test_no_secret_is_in_any_result(server, infer, named):
    """Each of these fails in another place."""
    named = {"server_fields": {"keyEnvironment": "SERVER_KEY"}, **named}
    worker = infer(environment={"SERVER_KEY": "sk-server-secret", "MESHNODE_PROXY_CREDENTIALS": "user:pass-word-1"}, **named)
    server.socket.settimeout(1)
    try:
        serve(server, 200, b"{}")
    except (TimeoutError, AssertionError):
        pass  # Some never call the server.
    output = worker.output()
    assert not [secret for secret in (TOKEN, "sk-server-secret", "pass-word-1") if secret in output], output


def test_a_key_that_the_server_says_back_is_not_repeated(server, infer):
    worker = infer(callback=None, server_fields={"keyEnvironment": "SERVER_KEY"}, environment={"SERVER_KEY": "sk-server-secret"})
    upstream = server.accept()
    upstream.request()
    upstream.send(b"no HTTP for sk-server-secret\r\n\r\n")
    upstream.close()
    assert worker.result()["message"] == "the inference server gave no answer: no HTTP for ***"


@pytest.mark.parametrize("order", [
    {}, {"version": 2}, None, [], "text",
    {"version": 1},
    {"version": 1, "server": {"url": "http://127.0.0.1:1"}},
    {"version": 1, "request": {"path": "/v1"}, "server": {}},
    {"version": 1, "request": {"path": "/v1"}, "server": {"url": "http://127.0.0.1:1"}, "timeouts": {"stallSeconds": "x"}},
    {"version": 1, "request": {"path": "/v1"}, "server": {"url": "http://127.0.0.1:1"}, "timeouts": {"totalSeconds": -1}},
    {"version": 1, "callback": {}},
    {"version": 1, "callback": {"token": 5}},
])
def test_an_order_that_is_none_is_refused_in_words(work, order):
    result = work("inference.py", "meshnode_inference", order).result()
    assert set(result) == {"version", "status", "code", "message"}
    assert result["status"] == "failed" and result["code"] in ("bad_order", "internal") and result["message"]
