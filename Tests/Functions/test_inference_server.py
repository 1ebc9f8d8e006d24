"""Our inference function, when the inference server fails, or the order itself is wrong: said in words, and never with a secret."""

import ssl

import pytest

from certificates import Authority
from conftest import TOKEN
from exchanges import begin, closed_port, serve


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
