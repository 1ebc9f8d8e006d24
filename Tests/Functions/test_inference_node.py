"""Our inference function, when the node cannot be reached or leaves: nothing is lost that can be kept, nothing runs on that nobody
waits for."""

import ssl
import warnings

import pytest

from certificates import Authority
from exchanges import ANSWER, begin, closed_port, serve

RETURNED = {"version": 1, "status": "returned", "http": 200, "contentType": "application/json", "retryAfter": None,
            "body": ANSWER.decode()}


def aborted(worker, sent: int) -> str:
    result = worker.result()
    assert (result["version"], result["status"], result["sent"]) == (1, "aborted", sent)
    return result["why"]


# The node is not reached.


def test_without_a_callback_the_answer_is_returned(server, infer):
    worker = infer(callback=None)
    serve(server)
    assert worker.result() == {**RETURNED, "why": None}


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
