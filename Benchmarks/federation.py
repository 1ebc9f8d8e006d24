"""A node and the emulation of Globus beside it, as Benchmarks/globus needs them."""

import ast
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Mesh"))
from processes import descendants, wait_for, wait_until_gone  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("MESHNODE", ROOT / ".build/release/meshnode"))
TOKEN = "bench-token-of-a-user"
READY_SECONDS, STOP_SECONDS, REQUEST_SECONDS = 70, 20, 60


def globus_model(name: str, url: str, slots: int = 8, workers: int = 4, **emulated: object) -> dict:
    """A model behind an emulated endpoint of its own, as topologies write it."""
    return {"id": name, "backend": {"kind": "globusCompute", "upstreamModel": "bench", "slots": slots,
                                    "emulated": {"url": url, "workers": workers, **emulated}}}


def function_alone(path: pathlib.Path, name: str) -> str:
    """The source of one function of a file, with the imports and constants at the file's top that it uses.

    FIRST's files register their function when they are run, which a worker must not do."""
    text = path.read_text()
    body = ast.parse(text).body
    function = next((item for item in body if isinstance(item, ast.FunctionDef) and item.name == name), None)
    if function is None:
        raise SystemExit(f"globus: {path} has no function {name}")
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}

    def is_kept(item: ast.stmt) -> bool:
        if isinstance(item, (ast.Import, ast.ImportFrom)):
            return any((alias.asname or alias.name.partition(".")[0]) in used for alias in item.names)
        return item is function or isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant) and all(
            isinstance(target, ast.Name) and target.id in used for target in item.targets)

    return "\n\n".join(ast.get_source_segment(text, item) or "" for item in body if is_kept(item)) + "\n"


class Mesh:
    """One site's node and, where a model needs it, the emulation of Globus: `meshnode up`."""

    def __init__(self, folder: pathlib.Path, models: list[dict]):
        ready, log = folder / "ready.json", folder / "up.log"
        self.ready_file = folder / "state/globus-emulation.ready"
        topology = folder / "bench.json5"
        topology.write_text(json.dumps({
            "federation": "bench", "sites": [{"site": "alpha", "nodes": [{"node": "a1"}], "models": models}],
            "tokens": {"user": TOKEN, "viewer": "bench-token-of-a-viewer", "operator": "bench-token-of-an-operator"}}))
        # Tasks run in the Python that runs this, without a version manager's own start before it.
        path = f"{pathlib.Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [PROGRAM, "up", topology, "--state", folder / "state", "--ready-file", ready],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, "PATH": path})
        try:
            wait_for("the federation is up", lambda: ready.exists() or self.process.poll() is not None, READY_SECONDS)
            if self.process.poll() is not None:
                raise SystemExit(f"globus: meshnode up ended: {log.read_text()[-2000:]}")
            self.address = json.loads(ready.read_text())["nodes"][0]["api"].partition("//")[2]
            for model in models:
                name = model["id"]
                # Its function may still be about to be registered.
                wait_for(f"{name} answers", lambda name=name: chat(self, name, f"warm-{name}"), REQUEST_SECONDS)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        children = descendants(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
            wait_until_gone(children, STOP_SECONDS)
        finally:
            self.process.kill()

    def emulation(self, what: str) -> dict | list:
        address = self.ready_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://{address}/emulation/{what}", timeout=REQUEST_SECONDS) as answer:
            return json.load(answer)

    def emulation_began(self) -> float:
        """When the emulation's clock was 0, by ours: right to half of the time of the quickest of some requests."""
        tries = []
        for _ in range(5):
            before = time.monotonic()
            told = self.emulation("state")["time"]
            after = time.monotonic()
            tries.append((after - before, (before + after) / 2 - told))
        return min(tries)[1]


@contextlib.contextmanager
def mesh(models: list[dict]) -> Iterator[Mesh]:
    with tempfile.TemporaryDirectory(prefix="meshnode-bench-") as folder:
        running = Mesh(pathlib.Path(folder), models)
        try:
            yield running
        finally:
            running.close()


def ask(
    node: Mesh, model: str, name: str, tokens: int, stall: float, stream: bool
) -> tuple[float, http.client.HTTPResponse]:
    """Sends a request: when it was sent, and its answer."""
    connection = http.client.HTTPConnection(node.address, timeout=REQUEST_SECONDS)
    connection.connect()
    messages = [{"role": "user", "content": f"{name} {tokens} {stall:g}"}]
    body = json.dumps({"model": model, "stream": stream, "messages": messages})
    sent = time.monotonic()
    connection.request("POST", "/v1/chat/completions", body, {
        "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    return sent, connection.getresponse()


def chat(node: Mesh, model: str, name: str) -> float:
    """One request with a whole answer: when it was sent."""
    sent, answer = ask(node, model, name, 1, 0, stream=False)
    text = answer.read()
    if answer.status != 200:
        raise ValueError(f"{model}: status {answer.status}: {text[:300]!r}")
    return sent
