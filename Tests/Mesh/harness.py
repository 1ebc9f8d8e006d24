"""Starts federations of real `meshnode` processes and talks to them."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess

import httpx
import openai

from processes import descendants, is_running, listening_ports, wait_for, wait_until_gone

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("MESHNODE", ROOT / ".build/release/meshnode"))
TOPOLOGIES = pathlib.Path(__file__).parent / "topologies"
READY_SECONDS = 70  # `up` gives up by itself after 60
STOP_SECONDS = 20
REQUEST_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Node:
    site: str
    node: str
    api: str
    mesh: str
    pid: int
    state: str


def write_topology(name: str, folder: pathlib.Path, **values: object) -> pathlib.Path:
    """Copies a topology, each `@NAME@` in it replaced by the value of that name."""
    text = (TOPOLOGIES / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    assert not re.search("@[A-Z_]+@", text), f"{name}: a placeholder was not filled in"
    path = folder / name
    path.write_text(text)
    return path


def run(*arguments: object, seconds: float = 30, token: str | None = None,
        environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Runs a `meshnode` command to its end; `environment` is added to ours."""
    environment = {**os.environ, **(environment or {}), **({"MESHNODE_TOKEN": token} if token else {})}
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=seconds, env=environment)


class Mesh:
    """A running `meshnode up`. Use as a context manager: the end checks that no process is left."""

    def __init__(self, topology: pathlib.Path, folder: pathlib.Path, environment: dict[str, str] | None = None):
        self.topology = topology
        self.state = folder / "state"
        self.log = folder / "up.log"
        self.ready_file = folder / "ready.json"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "up", topology, "--state", self.state, "--ready-file", self.ready_file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
        self._seen: set[int] = set()
        self._is_closed = False
        try:
            wait_for(f"{topology.name} is ready", self._is_ready_or_ended, READY_SECONDS)
            assert self.process.poll() is None, f"`up` ended with {self.process.returncode}"
            ready = json.loads(self.ready_file.read_text())
        except BaseException as problem:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{problem}\n{self.log_text()[-4000:]}") from None
        self.ready = ready
        self.federation = ready["federation"]
        self.tokens = ready["tokens"]
        self.nodes = [Node(**{field.name: entry[field.name] for field in dataclasses.fields(Node)})
                      for entry in ready["nodes"]]
        self._seen = descendants(self.process.pid)

    def _is_ready_or_ended(self) -> bool:
        return self.ready_file.exists() or self.process.poll() is not None

    def __enter__(self) -> "Mesh":
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._seen |= descendants(self.process.pid)
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                self.process.wait(STOP_SECONDS)
            wait_until_gone(self._seen, STOP_SECONDS)
        finally:
            for pid in {self.process.pid} | self._seen:
                if is_running(pid):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def log_text(self) -> str:
        """What `up` and its nodes have said."""
        logs = [self.log, *sorted(self.state.rglob("*.log"))]
        return "\n".join(log.read_text(errors="replace") for log in logs if log.exists())

    def node_log(self, node: Node) -> str:
        return "\n".join(log.read_text(errors="replace") for log in sorted(pathlib.Path(node.state).rglob("*.log")))

    def node(self, site: str) -> Node:
        return next(node for node in self.nodes if node.site == site)

    def client(self, node: Node, token: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{node.api}/v1", api_key=token or self.tokens["user"], max_retries=0, timeout=REQUEST_SECONDS)

    def headers(self, role: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}

    def get(self, path: str, role: str | None = "viewer", node: Node | None = None) -> httpx.Response:
        return httpx.get(f"{(node or self.nodes[0]).api}{path}", headers=self.headers(role), timeout=REQUEST_SECONDS)

    def post(self, node: Node, path: str, role: str | None = "user", headers: dict | None = None,
             **body: object) -> httpx.Response:
        return httpx.post(
            f"{node.api}{path}", headers={**self.headers(role), **(headers or {})}, timeout=REQUEST_SECONDS, **body)

    def chat(self, node: Node, model: str, headers: dict | None = None, **fields: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 8, **fields}
        return self.post(node, "/v1/chat/completions", headers=headers, json=body)

    def receipt(self, answer: httpx.Response, node: Node | None = None) -> dict:
        """The whole receipt of a request; it is made once the answer's last byte is on its way, so the client may be first."""
        path = f"/mesh/receipts/{answer.headers['x-request-id']}"
        wait_for("the receipt", lambda: self.get(path, node=node).status_code == 200, REQUEST_SECONDS)
        return self.get(path, node=node).json()

    def kill(self, node: Node) -> None:
        """Ends a node as a crash would: it says nothing to anyone."""
        os.kill(node.pid, signal.SIGKILL)
        wait_until_gone([node.pid], STOP_SECONDS)

    def descendants(self) -> set[int]:
        return descendants(self.process.pid)

    def backend(self, model: str) -> tuple[int, str]:
        """Process id and URL of the simulated backend that serves a model (which only one site may have)."""
        nodes = {node.pid for node in self.nodes}
        for pid in self.descendants() - nodes:
            for port in listening_ports(pid):
                url = f"http://127.0.0.1:{port}"
                try:
                    models = httpx.get(f"{url}/v1/models", timeout=5).json()["data"]
                except (httpx.HTTPError, ValueError, KeyError):
                    continue
                if any(entry["id"] == model for entry in models):
                    return pid, url
        raise AssertionError(f"no simulated backend of {model} among the children of `up`")

    def states(self, node: Node, model: str) -> dict[str, str]:
        """Site to state of a model, as one node's catalog has it."""
        for entry in self.get("/mesh/catalog", node=node).json()["models"]:
            if entry["id"] == model:
                return {site["site"]: site["state"] for site in entry["sites"]}
        return {}


def gauge(url: str, name: str) -> float:
    """The sum of a metric over its labels, from a Prometheus page."""
    values = [float(line.rpartition(" ")[2]) for line in httpx.get(f"{url}/metrics", timeout=5).text.splitlines()
              if line.startswith((f"{name} ", f"{name}{{"))]
    assert values, f"{url}/metrics has no {name}"
    return sum(values)
