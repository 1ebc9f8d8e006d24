"""What a client has of a streamed chat completion."""

import dataclasses
import json
from collections.abc import Callable

import httpx

from harness import REQUEST_SECONDS, Mesh

QUESTION = [{"role": "user", "content": "Hello."}]


@dataclasses.dataclass
class Streamed:
    """One stream, read to its end."""
    status: int
    headers: httpx.Headers
    raw: str

    @property
    def events(self) -> list[str]:
        whole = self.raw.split("\n\n")
        assert whole[-1] == "", "the last event is not whole"
        return [event for event in whole[:-1] if not event.startswith(":")]

    @property
    def comments(self) -> list[str]:
        return [event for event in self.raw.split("\n\n") if event.startswith(":")]

    @property
    def chunks(self) -> list[dict]:
        data = [event.removeprefix("data: ") for event in self.events]
        assert "[DONE]" not in data[:-1], "something comes behind the end"
        return [json.loads(one) for one in data if one != "[DONE]"]

    @property
    def is_done(self) -> bool:
        return self.events[-1:] == ["data: [DONE]"]

    @property
    def deltas(self) -> list[dict]:
        return [choice["delta"] for chunk in self.chunks if "error" not in chunk for choice in chunk["choices"]]

    @property
    def contents(self) -> list[str]:
        return [delta["content"] for delta in self.deltas if delta.get("content")]

    @property
    def text(self) -> str:
        return "".join(self.contents)

    @property
    def reasons(self) -> list[str]:
        return [choice["finish_reason"] for chunk in self.chunks if "error" not in chunk for choice in chunk["choices"]
                if choice["finish_reason"]]

    @property
    def usage(self) -> list[dict]:
        kept = ("prompt_tokens", "completion_tokens", "total_tokens")
        return [{key: chunk["usage"][key] for key in kept} for chunk in self.chunks if chunk.get("usage")]

    @property
    def error(self) -> dict:
        return self.chunks[-1]["error"]

    def identities(self) -> set[tuple]:
        return {(chunk["id"], chunk["created"], chunk["model"]) for chunk in self.chunks if "error" not in chunk}


def stream(mesh: Mesh, model: str, at: str = "alpha", resume: bool = True, headers: dict | None = None,
           when: dict[int, Callable[[str], None]] | None = None, **fields: object) -> Streamed:
    """Asks for a stream; calls `when[n]` with the serving site once n events with text have come."""
    body = {"model": model, "messages": QUESTION, "stream": True, "temperature": 0, **fields}
    headers = {**mesh.headers("user"), **({"Mesh-Resume": "continue"} if resume else {}), **(headers or {})}
    due = dict(when or {})
    raw = b""
    with httpx.stream("POST", f"{mesh.node(at).api}/v1/chat/completions", json=body, headers=headers,
                      timeout=REQUEST_SECONDS) as answer:
        # httpx raises if the chunked body does not end as it should.
        for part in answer.iter_raw():
            raw += part
            count = raw.count(b'"content":"') - raw.count(b'"content":""')
            for number in [number for number in due if count >= number]:
                site = answer.headers["x-mesh-site"]
                for line in raw.split(b"\n\n"):
                    if line.startswith(b": continued at site "):
                        site = line.removeprefix(b": continued at site ").decode()
                due.pop(number)(site)
    assert not due, "the answer ended before it could be broken"
    return Streamed(answer.status_code, answer.headers, raw.decode())
