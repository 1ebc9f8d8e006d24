"""The inference server that Benchmarks/globus puts behind a node: it answers at a set pace, and keeps the times."""

import contextlib
import json
import pathlib
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN_SECONDS = 0.02


class Handler(BaseHTTPRequestHandler):
    """Notes when a request came and when its first event went out, by the clock `time.monotonic`.

    A request's only message is `NAME TOKENS STALL`: the name that its times are kept under, its tokens, and seconds of
    pause in mid-stream."""

    protocol_version = "HTTP/1.1"
    received: dict[str, float] = {}
    answered: dict[str, float] = {}

    def log_message(self, *_):
        pass

    def answer(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer({"object": "list", "data": [{"id": "bench", "object": "model", "created": 1, "owned_by": "bench"}]})

    def do_POST(self):
        now = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, tokens, stall = body["messages"][0]["content"].split()
        self.received[name] = now
        base = {"id": "chatcmpl-bench", "created": 1, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "word"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            self.answer({**base, "object": "chat.completion", "usage": usage,
                         "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # By the clock, so that a busy machine does not make the server itself slower.
        due = time.monotonic()
        for index in range(int(tokens)):
            due += TOKEN_SECONDS + (float(stall) if index == int(tokens) // 2 else 0)
            time.sleep(max(0, due - time.monotonic()))
            choice = {"index": 0, "delta": {"content": f"t{index} "}, "finish_reason": None}
            self.answered.setdefault(name, time.monotonic())
            self.event(json.dumps({**base, "object": "chat.completion.chunk", "choices": [choice]}))
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, data: str) -> None:
        text = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no news."""


@contextlib.contextmanager
def inference_server(folder: pathlib.Path | None = None) -> Iterator[str]:
    """The server's URL; with a folder it speaks TLS, its certificate made there."""
    server = Server(("127.0.0.1", 0), Handler)
    if folder:
        certificate, key = folder / "server.pem", folder / "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake is left to the connection's own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if folder else ''}://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
