"""What tests of joining share: tokens taken apart, a wire that can be cut, inference servers, and nodes that were joined."""

import base64
import contextlib
import dataclasses
import hashlib
import json
import pathlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

from harness import PROGRAM, Mesh, run
from processes import free_port, wait_for

COMMAND_SECONDS = 40


@dataclasses.dataclass
class Token:
    """An invitation's token as docs/join.md describes it."""

    pin: bytes
    secret: bytes
    place: str
    address: str

    @classmethod
    def read(cls, text: str) -> "Token":
        body = text.strip().removeprefix("mnj1_")
        data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        assert data[0] == 1 and hashlib.sha256(data[:-4]).digest()[:4] == data[-4:]
        place, _, address = data[49:-4].decode().partition("@")
        return cls(data[1:33], data[33:49], place, address)

    def __str__(self) -> str:
        body = b"\x01" + self.pin + self.secret + f"{self.place}@{self.address}".encode()
        body += hashlib.sha256(body).digest()[:4]
        return "mnj1_" + base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def invite(mesh: Mesh, site: str, *options: object, node=None, token: str | None = None) -> str:
    made = run("federation", "invite", site, "--node", (node or mesh.nodes[0]).api, *options,
               token=token or mesh.tokens["operator"])
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def join(token: object, folder: pathlib.Path, *options: object, node: str = "n1", server: str | None = None,
         ports: tuple[int, int] | None = None) -> subprocess.CompletedProcess:
    """Runs `meshnode federation join -` in a folder of its own. Nothing on this machine is found by chance."""
    api, port = ports or (free_port(), free_port())
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [PROGRAM, "federation", "join", "-", "--node", node, "--listen-api", f"127.0.0.1:{api}",
         "--listen-mesh", f"127.0.0.1:{port}", "--server", server or f"http://127.0.0.1:{free_port()}", *map(str, options)],
        input=str(token), capture_output=True, text=True, timeout=COMMAND_SECONDS, cwd=folder)


@contextlib.contextmanager
def inference(folder: pathlib.Path, model: str) -> Iterator[str]:
    """A simulated inference server: its URL."""
    ready = folder / f"{model}.ready"
    process = subprocess.Popen(
        [PROGRAM, "emulate", "inference", "--port", "0", "--ready-file", ready, "--model", model],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("the inference server", ready.exists, 20)
        yield "http://" + ready.read_text().split("\n")[0]
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def served(directory: pathlib.Path) -> Iterator[tuple[str, str, pathlib.Path]]:
    """A node that was set up in a folder, running: its API, its operator's token, and its log."""
    log = directory / "serve.log"
    report = json.loads((directory / "report.json").read_text())
    with log.open("ab") as output:
        process = subprocess.Popen([PROGRAM, "serve", "--config", directory / "node.json5"], stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output)
    try:
        yield report["api"], (directory / "operator.token").read_text().strip(), log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Wire:
    """A TCP relay between a joining node and the authority, cut where a test says."""

    def __init__(self, target: str):
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        # Given the bytes so far in each direction; True cuts before they are passed on.
        self.cuts: Callable[[bool, int], bool] = lambda to_server, count: False
        self.connections = 0
        self.stalled = threading.Event()
        self.stalls: Callable[[bool, int], bool] = lambda to_server, count: False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.cuts(True, 0):
                client.close()
                continue
            server = socket.create_connection(self.target)
            for source, sink, to_server in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._carry, args=(source, sink, to_server, (client, server)), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, to_server: bool, both: tuple) -> None:
        count = 0
        try:
            while data := source.recv(65536):
                count += len(data)
                if self.stalls(to_server, count):
                    self.stalled.set()
                    continue
                if self.cuts(to_server, count):
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in both:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()


def audited(mesh: Mesh, kind: str) -> list[dict]:
    """What the first node's audit log has of a kind."""
    answer = mesh.get("/mesh/audit?limit=1000", role="operator")
    assert answer.status_code == 200, answer.text
    return [entry for entry in answer.json()["entries"] if entry["kind"] == kind]
