"""A stand-in for a FIRST gateway (argonne-lcf/FIRST, version 1) and for Globus Auth's token endpoint. It is not FIRST: it answers
what FIRST has been seen to answer, faults included, as far as a node behind it can tell.

A request's body steers it: `first_fault` names a fault below, `first_words` is how many words an answer has. Whoever wants
a state of a model puts it into `jobs`; `maintenance`, `site_maintenance` and `denied` are what an operator of FIRST would set.
"""

import base64
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLUSTER = "sophia"
FRAMEWORK = "vllm"
MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
COLD = "mistralai/Mixtral-8x22B-Instruct-v0.1"
SCOPE = "https://auth.globus.org/scopes/681c10cc-f684-4540-bcd7-0b4df3bc26ef/action_all"
CLIENT = ("11111111-2222-3333-4444-555555555555", "the-secret-of-the-service-account")
PREFIX = "/resource_server"

# What vLLM says to a prompt that is too long, with braces inside and beneath.
TOO_LONG = {"error": {
    "message": "This model's maximum context length is 8192 tokens {not 9000}. Please reduce the length of the messages.",
    "type": "BadRequestError", "param": "messages", "code": 400}}


def wrapped(status: int, text: str) -> dict:
    """What FIRST makes of an answer of the inference server that is not 200."""
    return failure("internal_endpoint_error",
                   f"Unexpected error of type Exception: API request failed with status code: {status}\n"
                   f"Response text: {text}\nResponse headers: {{'content-type': 'application/json'}}")


def failure(code: str, message: str) -> dict:
    return {"error": {"code": code, "message": message, "info": {}}}


# Fault: status and body of an answer without a stream.
REFUSALS = {
    "too_long": (500, wrapped(400, json.dumps(TOO_LONG))),
    "too_long_flat": (500, wrapped(400, json.dumps(
        {"object": "error", "message": "too long", "type": "BadRequestError", "param": None, "code": 400}))),
    "denied": (401, failure("unauthorized", "Permission denied due to Globus Group restrictions.")),
    "unknown_cluster": (404, failure("cluster_not_found", "The requested cluster 'sophia' does not exist.")),
    "missing_field": (422, {"detail": [{"type": "missing", "loc": ["body", "payload", "messages"], "msg": "Field required"}]}),
    "control_field": (422, {"error": {"code": "invalid_request", "message": "Invalid FIRST control fields.", "info": {
        "errors": [{"field": "messages", "message": "Field required", "type": "missing"}]}}}),
    "timeout": (408, failure("request_timeout", "TimeoutError while waiting for Globus Compute.")),
    "tokens_per_minute": (429, failure("too_many_requests", "Too many tokens.")),
    "nginx_rate": (429, {"error": "Rate limit exceeded", "message": "Too many requests", "retry_after": "1 second"}),
    "throttle": (429, {"detail": "Too many requests."}),
    "offline": (503, failure("internal_endpoint_error", "Endpoint sophia-vllm-m is offline.")),
    "broken": (500, {"error": {"code": "internal_error", "message": "Internal Server Error", "error_id": "0" * 32}}),
}


class FirstGateway:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests: list[dict] = []
        self.jobs: dict[str, list[dict]] = {"running": [job(MODEL)]}
        self.models = [MODEL, COLD]
        self.maintenance = False
        self.site_maintenance = False
        # A reason for refusing the account at every route, or nothing.
        self.denied = ""
        # Good tokens; None: whichever. `issued` are those of the token endpoint, each good until its end (monotonic seconds).
        self.tokens: set[str] | None = None
        self.issued: list[str] = []
        self.ends: dict[str, float] = {}
        self.life_seconds = 3600
        self.server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"gateway": self}))
        self.port = self.server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = self.origin + PREFIX
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def inferences(self) -> list[dict]:
        with self.lock:
            return [request for request in self.requests if "/v1/" in request["path"]]

    def tokens_seen(self) -> set[str]:
        with self.lock:
            return {request["token"] for request in self.requests if request["token"]}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def job(model: str, status: str = "running", **more: object) -> dict:
    return {"Models": model, "Framework": FRAMEWORK, "Cluster": CLUSTER, "Model Status": status, "Job ID": "1.sophia",
            "Job State": "R", "Host Name": "sophia-gpu-01", "Job Comments": "N/A", "Nodes Reserved": "1", **more}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: without this the second waits for the first to be acknowledged, up to 40 ms.
    disable_nagle_algorithm = True
    gateway: FirstGateway

    def log_message(self, *_):
        pass

    def answer(self, status: int, body: object) -> None:
        self.noted["status"] = status
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self, body: bytes = b"") -> str:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.gateway.lock:
            self.noted = {"path": self.path, "headers": dict(self.headers), "token": token, "body": body, "status": 200}
            self.gateway.requests.append(self.noted)
        return token

    def is_refused(self, token: str) -> bool:
        """Whether the request was answered already, because nobody may do what it wants."""
        if self.gateway.site_maintenance:
            self.answer(503, {"detail": "Service is temporarily down for maintenance."})
        elif not token:
            self.answer(401, {"detail": "Error: Missing ('Authorization': 'Bearer <your-access-token>') in request headers."})
        elif self.gateway.tokens is not None and (
                token not in self.gateway.tokens or time.monotonic() > self.gateway.ends.get(token, float("inf"))):
            self.answer(401, failure("unauthorized", "Token introspection: token is not active"))
        elif self.gateway.denied:
            self.answer(401, failure("unauthorized", self.gateway.denied))
        else:
            return False
        return True

    def do_GET(self):
        token = self.note()
        path = self.path.removeprefix(PREFIX)
        if path == "/status" and not self.gateway.site_maintenance:
            self.answer(200, {CLUSTER: not self.gateway.maintenance, "metis": True})
        elif self.is_refused(token):
            pass
        elif path == f"/{CLUSTER}/jobs":
            listed = {group: self.gateway.jobs.get(group, []) for group in ("running", "queued", "stopped", "others")}
            self.answer(200, {**listed, "private_batch_running": [], "private_batch_queued": [],
                              "cluster_status": {"free_nodes": 2}})
        elif path == "/list-endpoints":
            endpoints = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]
            self.answer(200, {"clusters": {CLUSTER: {"base_url": f"{PREFIX}/{CLUSTER}", "frameworks": {
                FRAMEWORK: {"models": self.gateway.models, "endpoints": endpoints}}}}})
        else:
            self.answer(404, failure("cluster_not_found", "The requested cluster does not exist."))

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.note(raw)
        if self.path == "/v2/oauth2/token":
            self.issue(raw)
        elif not self.is_refused(token):
            self.infer(json.loads(raw))

    def issue(self, raw: bytes) -> None:
        """Globus Auth's answer to client credentials."""
        form = dict(urllib.parse.parse_qsl(raw.decode()))
        basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ") or b"").decode()
        client = tuple(urllib.parse.unquote(part) for part in basic.split(":", 1)) if basic else (
            form.get("client_id"), form.get("client_secret"))
        if client != CLIENT or form.get("grant_type") != "client_credentials" or form.get("scope") != SCOPE:
            return self.answer(401, {"error": "invalid_client"})
        gateway = self.gateway
        with gateway.lock:
            token = f"issued-token-{len(gateway.issued)}"
            gateway.issued.append(token)
            gateway.tokens = (gateway.tokens or set()) | {token}
            gateway.ends[token] = time.monotonic() + gateway.life_seconds
        self.answer(200, {"access_token": token, "scope": SCOPE, "expires_in": gateway.life_seconds, "token_type": "Bearer",
                          "resource_server": "681c10cc-f684-4540-bcd7-0b4df3bc26ef", "other_tokens": []})

    def infer(self, body: dict) -> None:
        if not self.path.startswith(f"{PREFIX}/{CLUSTER}/{FRAMEWORK}/v1/"):
            return self.answer(404, failure("cluster_not_found", f"The requested cluster of {self.path} does not exist."))
        if self.gateway.maintenance:
            return self.answer(503, failure("cluster_under_maintenance", f"{CLUSTER} is under maintenance"))
        if body["model"] not in self.gateway.models:
            return self.answer(404, failure(
                "endpoint_not_found", f"The requested endpoint '{CLUSTER}-{FRAMEWORK}-{body['model']}' does not exist."))
        fault = body.get("first_fault")
        if body.get("stream"):
            return self.stream(body, fault)
        if fault in REFUSALS:
            return self.answer(*REFUSALS[fault])
        self.answer(200, {
            "id": "chatcmpl-first", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "from behind FIRST"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6},
            "response_time": 1.0, "throughput_tokens_per_second": 7.0})

    def stream(self, body: dict, fault: str | None) -> None:
        """FIRST answers 200 whatever comes, and ends with `[DONE]` whether or not the answer was whole."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        errors = {
            "error_first": {"message": "Endpoint sophia-vllm-m is offline.", "type": "service_unavailable", "code": 503},
            "too_long_first": {"message": wrapped(400, json.dumps(TOO_LONG))["error"]["message"], "type": "internal_error",
                               "code": 500},
            "error_later": {"message": "An error occurred during processing", "type": "internal_error", "code": 500},
        }
        error = errors.get(fault)
        words = body.get("first_words", 4)
        if fault not in ("error_first", "too_long_first"):
            cut = words // 2 if fault in ("error_later", "stall", "no_done") else words
            for index in range(cut):
                self.piece(body, {"content": f"w{index} "}, None)
                time.sleep(0.005)
            if cut == words:
                self.piece(body, {}, "stop")
        if error:
            self.event(json.dumps({"object": "error", "param": None, **error}))
        if fault != "no_done":
            self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def piece(self, body: dict, delta: dict, reason: str | None) -> None:
        self.event(json.dumps({
            "id": "chatcmpl-first", "object": "chat.completion.chunk", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}))

    def event(self, data: str) -> None:
        text = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
