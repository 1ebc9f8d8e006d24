"""Inference servers that go on with an assistant's text as vLLM does, and break off where a test says so.

All servers of one `Script` write the same text. The faults of the script come to its requests one after another, at whichever server:
`(kind, events)` breaks after so many events with text. Kinds: `lost` closes the connection, `clean` ends the answer as if it were
whole, `done` says `[DONE]` before the end, `error` tells of an error as vLLM does in a stream, `stall` says nothing more, `mute` does
not answer at all, `head` sends its head alone, `empty` no event, `slow` answers after seconds, `late` answers 500 after seconds,
`refuse` answers 400, `finished` breaks behind the `finish_reason`, `reasoning` writes something else than text.
"""

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODELS = ("twin", "odd")
# Tokens that begin with space, that are nothing but space, that end with it, and that JSON has to escape.
TOKENS = ["The", " quick", "\n\n", "brown", " \"fox\" ", "é", "漢", "\\", "n", "\n", "\t", "jumps", " over", " 😀", ".", "\n"] + [
    f" word{number}" for number in range(24)]
TEXT = "".join(TOKENS)
PROMPT_TOKENS = 10


class Script:
    def __init__(self, servers: int = 2):
        self.faults: list[tuple[str, int]] = []
        self.bodies: list[dict] = []
        self.raw: list[bytes] = []
        self.lock = threading.Lock()
        self.number = itertools.count(1)
        self.servers = [Server(("127.0.0.1", 0), type("Bound", (Handler,), {"script": self})) for _ in range(servers)]
        self.ports = [server.server_address[1] for server in self.servers]
        self.ended = threading.Event()
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def play(self, *faults: tuple[str, int]) -> None:
        """Forgets what was and breaks the next requests so."""
        with self.lock:
            self.faults = list(faults)
            self.bodies.clear()
            self.raw.clear()

    def close(self) -> None:
        self.ended.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    script: Script

    def log_message(self, *_):
        pass

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [
                {"id": name, "object": "model", "created": 0, "owned_by": "vllm", "max_model_len": 4096} for name in MODELS]})
        elif self.path in ("/health", "/version"):
            self.answer(200, {"version": "0.0.0-tests"})
        else:
            self.answer(404, {})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        with self.script.lock:
            self.script.bodies.append(body)
            self.script.raw.append(raw)
            fault, after = self.script.faults.pop(0) if self.script.faults else ("", len(TOKENS))
        try:
            self.infer(body, fault, after)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def infer(self, body: dict, fault: str, after: int) -> None:
        if fault == "mute":
            self.script.ended.wait()
        if fault == "slow":
            self.script.ended.wait(after)
            fault, after = "", len(TOKENS)
        if fault == "late":
            self.script.ended.wait(after)
            return self.answer(500, {"error": {"message": "died", "type": "InternalServerError", "param": None, "code": 500}})
        if fault == "refuse":
            return self.answer(400, {"error": {"message": "not here", "type": "BadRequestError", "param": None, "code": 400}})
        begin = self.begin(body)
        asked = body.get("max_completion_tokens") or body.get("max_tokens") or len(TOKENS)
        tokens = TOKENS[begin:begin + asked]
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(tokens)}
            return self.answer(200, {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                                     "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if fault == "head":
            self.script.ended.wait()
        if fault == "empty":
            return self.wfile.write(b"0\r\n\r\n")
        number = next(self.script.number)
        base = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": number, "model": body["model"]}

        def choice(delta: dict, reason: str | None = None) -> str:
            return json.dumps({**base, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]},
                              ensure_ascii=number % 2 == 0)

        self.event(choice({"role": "assistant", "content": ""}))
        for token in tokens[:after]:
            self.event(choice({"content": token}))
        if fault and fault != "finished":
            return self.break_off(fault, base)
        self.event(choice({}, "length" if begin + asked < len(TOKENS) else "stop"))
        if fault == "finished":
            return self.break_off("lost", base)
        if (body.get("stream_options") or {}).get("include_usage"):
            prompt = PROMPT_TOKENS + begin
            self.event(json.dumps({**base, "choices": [], "usage": {
                "prompt_tokens": prompt, "completion_tokens": len(tokens), "total_tokens": prompt + len(tokens)}}))
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def begin(self, body: dict) -> int:
        """The token that comes next. Space at the end of what was written is stripped, as many chat templates do."""
        if not body.get("continue_final_message"):
            assert "assistant" not in [message["role"] for message in body["messages"]]
            return 0
        assert body["add_generation_prompt"] is False, "vLLM refuses both"
        written = body["messages"][-1]["content"].rstrip()
        assert body["messages"][-1]["role"] == "assistant" and TEXT.startswith(written)
        ends = [len("".join(TOKENS[:count]).rstrip()) for count in range(len(TOKENS) + 1)]
        return ends.index(len(written))

    def break_off(self, fault: str, base: dict) -> None:
        if fault == "stall":
            self.script.ended.wait()
        elif fault == "error":
            self.event(json.dumps({"error": {"message": "EngineCore died", "type": "InternalServerError", "param": None,
                                             "code": 500}}))
            self.event("[DONE]")
            self.wfile.write(b"0\r\n\r\n")
        elif fault == "done":
            self.event("[DONE]")
            self.wfile.write(b"0\r\n\r\n")
        elif fault == "clean":
            self.wfile.write(b"0\r\n\r\n")
        elif fault == "reasoning":
            delta = {"reasoning_content": "Let me see."}
            self.event(json.dumps({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
        self.close_connection = True

    def event(self, data: str) -> None:
        text = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
