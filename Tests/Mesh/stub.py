"""An inference server that the tests command: it keeps what it was sent, and misbehaves when asked to.

A request's body steers it by fields that no real server has, which the mesh must pass on untouched:
`stub_status` answers with that status, `stub_events` streams that many events, `stub_cut_after` breaks the connection
after that many, `stub_prompt_tokens` is refused where it is over the context, `stub_pause_seconds` waits before each event or the answer, `stub_piece_bytes` writes in small pieces.
"""

import base64
import json
import select
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHAT_MODEL = "stub-chat"
EMBEDDING_MODEL = "stub-embeddings"
VECTOR = [0.25, -0.5, 1.0]
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


class Stub:
    def __init__(self, context: int = 4096):
        self.context = context
        self.requests: list[dict] = []
        self.abandoned = 0
        self.running = 0
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"stub": self}))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def request_with(self, marker: str) -> dict:
        """The one request whose body contains a marker."""
        found = [request for request in self.requests if marker.encode() in request["body"]]
        assert len(found) == 1, f"{len(found)} requests with {marker}"
        return found[0]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: without this the second waits for the first to be acknowledged, up to 40 ms.
    disable_nagle_algorithm = True
    stub: Stub

    def log_message(self, *_):
        pass

    def answer(self, status: int, body: object, content_type: str = "application/json") -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [
                {"id": name, "object": "model", "created": 0, "owned_by": "tests", "max_model_len": self.stub.context}
                for name in (CHAT_MODEL, EMBEDDING_MODEL)]})
        elif self.path == "/metrics":
            lines = [f'vllm:num_requests_{kind}{{model_name="{CHAT_MODEL}"}} {count}'
                     for kind, count in (("running", self.stub.running), ("waiting", 0))]
            self.answer(200, "\n".join(lines) + "\n", "text/plain; version=0.0.4")
        else:
            self.answer(404, {"error": {"message": "no such path", "type": "not_found", "param": None, "code": None}})

    def do_POST(self):
        raw = self.read_body()
        body = json.loads(raw)
        with self.stub.lock:
            self.stub.requests.append({"path": self.path, "headers": dict(self.headers.items()), "body": raw})
            self.stub.running += 1
        try:
            self.infer(body)
        except (BrokenPipeError, ConnectionResetError):
            self.stub.abandoned += 1
            self.close_connection = True
        finally:
            with self.stub.lock:
                self.stub.running -= 1

    def read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        return b"".join(parts)

    def pause(self, seconds: float) -> None:
        """Waits, but notices at once when the other side has gone."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable:
            raise ConnectionResetError("the client has gone")

    def infer(self, body: dict) -> None:
        if status := body.get("stub_status"):
            self.answer(status, {"error": {"message": f"stub says {status}", "type": "stub_error", "param": "stub_status",
                                           "code": "stub_code"}})
        elif body.get("stub_prompt_tokens", 0) > self.stub.context:
            # As vLLM says it.
            self.answer(400, {"error": {
                "message": f"This model's maximum context length is {self.stub.context} tokens. However, your request has "
                           f"{body['stub_prompt_tokens']} input tokens. Please reduce the length of the input messages.",
                "type": "BadRequestError", "param": "input_tokens", "code": 400}})
        elif self.path == "/v1/embeddings":
            packed = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
            vector = packed if body.get("encoding_format") == "base64" else VECTOR
            self.answer(200, {"object": "list", "model": body["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1},
                              "data": [{"object": "embedding", "index": 0, "embedding": vector}]})
        elif body.get("stream"):
            self.stream(body)
        else:
            self.pause(body.get("stub_pause_seconds", 0))
            message = {"role": "assistant", "content": "from the stub"}
            self.answer(200, {"id": "chatcmpl-stub", "object": "chat.completion", "created": int(time.time()),
                              "model": body["model"], "usage": USAGE,
                              "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def stream(self, body: dict) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        base = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
        count = body.get("stub_events", 5)
        for index in range(count):
            if index == body.get("stub_cut_after", -1):
                self.close_connection = True
                return
            self.pause(body.get("stub_pause_seconds", 0))
            reason = "stop" if index == count - 1 else None
            choice = {"index": 0, "delta": {"content": f"é{index} "}, "finish_reason": reason}
            self.event(body, json.dumps({**base, "choices": [choice]}, ensure_ascii=False))
        if (body.get("stream_options") or {}).get("include_usage"):
            self.event(body, json.dumps({**base, "choices": [], "usage": USAGE}))
        self.event(body, "[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, body: dict, data: str) -> None:
        text = f"data: {data}\n\n".encode()
        piece = body.get("stub_piece_bytes", len(text))
        for start in range(0, len(text), piece):
            part = text[start:start + piece]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
