"""What tests of trust share: streams under way, and what nodes say of the federation."""

import json
import pathlib
import threading

import httpx

from harness import Mesh, Node, run
from processes import wait_for

SEEN_SECONDS = 10


def federation(mesh: Mesh, node: Node) -> dict:
    answer = mesh.get("/mesh/federation", node=node)
    assert answer.status_code == 200, answer.text
    return answer.json()


def member(mesh: Mesh, seen_by: Node, site: str) -> dict | None:
    return next((entry for entry in federation(mesh, seen_by)["members"] if entry["site"] == site), None)


def operate(mesh: Mesh, *arguments: object, node: Node | None = None, seconds: float = 60):
    """A command with the operator's token, asking a node."""
    return run("federation", *arguments, "--node", (node or mesh.nodes[0]).api, token=mesh.tokens["operator"],
               seconds=seconds)


def folder(mesh: Mesh) -> pathlib.Path:
    """The federation's own folder."""
    return mesh.state


class Stream(threading.Thread):
    """A streamed answer under way; `began` once its first token is there."""

    def __init__(self, mesh: Mesh, entry: Node, model: str, tokens: int = 100):
        super().__init__(daemon=True)
        self.url, self.model, self.tokens = entry.api, model, tokens
        self.headers = mesh.headers("user")
        self.received = 0
        self.done = False
        self.is_left = False
        self.error: dict | None = None
        self.failure: BaseException | None = None
        self.start()
        wait_for(f"a stream of {model} began", lambda: self.received > 0 or not self.is_alive(), SEEN_SECONDS)

    def run(self) -> None:
        body = {"model": self.model, "stream": True, "max_tokens": self.tokens,
                "messages": [{"role": "user", "content": "Hello."}]}
        try:
            with httpx.stream("POST", f"{self.url}/v1/chat/completions", headers=self.headers, json=body,
                              timeout=60) as answer:
                assert answer.status_code == 200, answer.read()
                for line in answer.iter_lines():
                    if self.is_left:
                        return
                    if line == "data: [DONE]":
                        self.done = True
                    elif line.startswith("data: "):
                        event = json.loads(line[6:])
                        if "error" in event:
                            self.error = event["error"]
                        else:
                            self.received += 1
        except BaseException as problem:  # noqa: BLE001 - shown by whoever asks how it went
            self.failure = problem

    def ended(self, seconds: float = 60) -> "Stream":
        self.join(seconds)
        assert not self.is_alive(), "the stream did not end"
        return self

    def leave(self) -> None:
        """Hangs up, whatever is still to come."""
        self.is_left = True
        self.ended()
