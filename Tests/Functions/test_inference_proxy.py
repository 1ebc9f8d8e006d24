"""Our inference function, when a proxy is between it and the node."""

import select
import socket
import ssl
import threading

import pytest

from conftest import TOKEN
from exchanges import ANSWER, serve


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
