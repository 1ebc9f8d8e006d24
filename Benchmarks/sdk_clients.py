"""Clients with the OpenAI SDK that ask without a pause, and what each of their requests came to."""

import dataclasses
import itertools
import json
import threading
import time

import httpx
import openai

MODEL = "smollm2-135m-instruct"
# Longer than any deadline: a client that gives up by itself would hide that a node hangs.
CLIENT_SECONDS = 300
# What an answer may come after its deadline: the clients share two processors with all else.
GRACE_SECONDS = 1.0
TLS = httpx.create_ssl_context()


@dataclasses.dataclass
class Request:
    """One request, from being sent to its end."""

    number: int
    streamed: bool
    deadline: float
    began: float
    phase: str
    site: str | None = None
    events: int = 0
    raw: bytearray = dataclasses.field(default_factory=bytearray)
    took: float = 0.0
    status: int = 0
    request_id: str | None = None
    # answered, refused, error (typed), failed (before the first byte), cut
    outcome: str = ""
    fault: str = ""
    continued: int = 0

    @property
    def is_hurried(self) -> bool:
        return self.deadline < 30

    @property
    def is_late(self) -> bool:
        return self.took > self.deadline + GRACE_SECONDS

    def has_come(self, part: bytes) -> None:
        """Where it is being served, as the bytes tell that have come."""
        self.raw += part
        self.events = self.raw.count(b'"content":"')
        last = self.raw.rfind(b": continued at site ")
        end = self.raw.find(b"\n", last)
        if last >= 0 and end >= 0:
            self.site = self.raw[last + len(b": continued at site "):end].decode()
            self.continued = self.raw.count(b": continued at site ")


class Tee(httpx.SyncByteStream):
    """Keeps what passes by: the SDK neither shows comments nor whether `[DONE]` came."""

    def __init__(self, stream: httpx.SyncByteStream, request: Request):
        self.stream, self.request = stream, request

    def __iter__(self):
        for part in self.stream:
            self.request.has_come(part)
            yield part

    def close(self) -> None:
        self.stream.close()


class Wire(httpx.BaseTransport):
    def __init__(self, client: "Client"):
        self.client, self.inner = client, httpx.HTTPTransport(verify=TLS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.inner.handle_request(request)
        current = self.client.current
        current.status, current.request_id = answer.status_code, answer.headers.get("x-request-id")
        current.site = answer.headers.get("x-mesh-site")
        answer.stream = Tee(answer.stream, current)
        return answer

    def close(self) -> None:
        self.inner.close()


class Client(threading.Thread):
    """One who asks again as soon as there is an answer."""

    def __init__(self, crowd: "Crowd", number: int, api: str, token: str):
        super().__init__(daemon=True)
        self.crowd, self.number = crowd, number
        self.current: Request | None = None
        self.sdk = openai.OpenAI(
            base_url=f"{api}/v1", api_key=token, max_retries=0, timeout=CLIENT_SECONDS,
            http_client=httpx.Client(transport=Wire(self), timeout=CLIENT_SECONDS))

    def run(self) -> None:
        is_first = True
        while is_first or not self.crowd.is_ending:
            is_first = False
            self.current = request = self.crowd.next()
            try:
                self.ask(request)
            except openai.APIStatusError as problem:
                request.outcome, request.fault = "failed", f"{problem.status_code} {problem.message}"[:300]
                if request.is_hurried and problem.status_code in (503, 504):
                    request.outcome = "refused"
            except openai.APIConnectionError as problem:
                request.outcome, request.fault = "cut" if request.events else "failed", f"{problem!r} {problem.__cause__!r}"
            except openai.APIError as problem:
                self.told(request, problem)
            except httpx.HTTPError as problem:
                request.outcome, request.fault = "cut" if request.raw else "failed", repr(problem)
            request.took = time.monotonic() - request.began
            self.crowd.done(request)
            if request.outcome == "failed":
                time.sleep(0.2)

    def ask(self, request: Request) -> None:
        answer = self.sdk.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": f"Tell me about the number {request.number}."}],
            max_tokens=self.crowd.tokens, stream=request.streamed, user=f"client-{self.number}",
            extra_headers={"Mesh-Resume": "continue", "Mesh-Deadline": f"{request.deadline:g}"},
            **({"stream_options": {"include_usage": True}} if request.streamed else {}))
        if not request.streamed:
            self.judge(request, [answer.choices[0].finish_reason], [answer.usage], is_done=True, text=1)
            return
        reasons, usages, text = [], [], 0
        for chunk in answer:
            reasons += [choice.finish_reason for choice in chunk.choices if choice.finish_reason]
            usages += [chunk.usage] if chunk.usage else []
            text += sum(bool(choice.delta.content) for choice in chunk.choices)
        self.judge(request, reasons, usages, request.raw.endswith(b"data: [DONE]\n\n"), text)

    def judge(self, request: Request, reasons: list, usages: list, is_done: bool, text: int) -> None:
        """An answer is whole if it has its end, one reason for it, and its usage once, within what was asked for."""
        faults = []
        if not is_done:
            faults.append("no [DONE]")
        if len(reasons) != 1:
            faults.append(f"{len(reasons)} finish reasons")
        if len(usages) != 1:
            faults.append(f"{len(usages)} usages")
        elif not 0 < usages[0].completion_tokens <= self.crowd.tokens:
            faults.append(f"{usages[0].completion_tokens} tokens counted")
        if text > self.crowd.tokens:
            faults.append(f"{text} pieces of text")
        request.outcome, request.fault = ("cut", ", ".join(faults)) if faults else ("answered", "")

    def told(self, request: Request, problem: openai.APIError) -> None:
        """The stream had an error event: typed, or not as it is promised."""
        data = bytes(request.raw).rstrip().rpartition(b"data: ")[2]
        try:
            error = json.loads(data)["error"]
            is_typed = error["type"] == "mesh_stream_interrupted" and error["code"] and error["tokensDelivered"] >= 0
        except (ValueError, KeyError, TypeError):
            error, is_typed = {"code": None}, False
        request.outcome = "error" if is_typed else "cut"
        request.fault = f"{error.get('code')}: {problem.message}"
        if is_typed and request.is_hurried and error["code"] == "deadline_exceeded":
            request.outcome = "refused"


class Crowd:
    """All clients, and all that they asked."""

    def __init__(self, apis: list[str], token: str, clients: int, tokens: int, deadline: float, hurry: float):
        self.tokens, self.deadline, self.hurry = tokens, deadline, hurry
        self.phase, self.is_ending = "all well", False
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.clients = [Client(self, number, apis[number % len(apis)], token) for number in range(clients)]

    def start(self) -> None:
        for client in self.clients:
            client.start()

    def next(self) -> Request:
        """Every fourth is not streamed; every tenth is in a hurry."""
        with self.lock:
            number = next(self.numbers)
        return Request(
            number, streamed=number % 4 != 0, deadline=self.hurry if number % 10 == 5 else self.deadline,
            began=time.monotonic(), phase=self.phase)

    def done(self, request: Request) -> None:
        with self.lock:
            self.requests.append(request)

    def under_way(self, site: str) -> int:
        """Streams of which a site has written a part."""
        current = [client.current for client in self.clients]
        return sum(1 for one in current if one and one.streamed and not one.outcome and one.site == site and one.events > 0)

    def answered_by(self, site: str, since: float) -> int:
        with self.lock:
            return sum(one.site == site and one.outcome == "answered" and one.began > since for one in self.requests)

    def end(self, seconds: float) -> list[Request]:
        """Lets all finish what they have under way: those that did not."""
        self.is_ending = True
        limit = time.monotonic() + seconds
        for client in self.clients:
            client.join(max(limit - time.monotonic(), 0))
        return [client.current for client in self.clients if client.is_alive() and client.current]
