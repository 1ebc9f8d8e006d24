"""Models that run nowhere: started at one site whose policy consents, waited for, or told when."""

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

from harness import Mesh, write_topology
from processes import wait_for

SERVER = '''
import http.server, json, sys, time
name = sys.argv[2]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.say({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "tests"}]})
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.say({"id": "c", "object": "chat.completion", "created": 1, "model": name, "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "warm"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
    def log_message(self, *_): pass
time.sleep(1)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
PATIENT = {"Mesh-Deadline": "60"}


class Cold:
    """The mesh and what its commands wrote down."""

    def __init__(self, mesh: Mesh, folder: pathlib.Path):
        self.mesh = mesh
        self.folder = folder

    def starts(self, model: str) -> list[str]:
        """Where a model was started, in order."""
        path = self.folder / "starts"
        lines = path.read_text().split("\n") if path.exists() else []
        return [line.split()[0] for line in lines if line.endswith(f" {model}")]


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def patient(cold: Cold) -> dict[str, str]:
    return {**cold.mesh.headers("user"), **PATIENT}


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cold]:
    folder = tmp_path_factory.mktemp("cold")
    (folder / "server.py").write_text(SERVER)
    # As a script that submits a job: it says so and ends, what it began lives on.
    (folder / "start.sh").write_text(
        f'echo "$1 $3" >> {folder}/starts\n'
        f'setsid {sys.executable} {folder}/server.py "$2" "$3" </dev/null >/dev/null 2>&1 &\necho $! >> {folder}/pids\n')
    (folder / "note.sh").write_text(f'echo "beta $1" >> {folder}/starts\n')
    names = ["BETA", "SLOW", "KEPT", "BROKEN", "GAMMA"]
    ports = dict(zip(names, free_ports(len(names))))
    topology = write_topology(
        "cold.json5", folder, SH="/bin/sh", START=folder / "start.sh", NOTE=folder / "note.sh", **ports)
    try:
        with Mesh(topology, folder) as mesh:
            yield Cold(mesh, folder)
    finally:
        pids = folder / "pids"
        for pid in pids.read_text().split() if pids.exists() else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def test_many_requests_start_it_once_and_all_are_answered(cold: Cold):
    alpha = cold.mesh.node("alpha")
    assert set(cold.mesh.states(alpha, "shared").values()) == {"stopped"}
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: cold.mesh.chat(alpha, "shared", headers=patient(cold)), range(12)))
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    started = cold.starts("shared")
    assert len(started) == 1
    assert {answer.headers["x-mesh-site"] for answer in answers} == set(started)
    # From now on it is a model like any other.
    assert cold.mesh.chat(alpha, "shared").status_code == 200
    assert cold.starts("shared") == started


def test_what_takes_longer_than_the_client_waits_is_told_at_once(cold: Cold):
    alpha = cold.mesh.node("alpha")
    refused = cold.mesh.chat(alpha, "slow", headers={**cold.mesh.headers("user"), "Mesh-Deadline": "20"})
    assert refused.status_code == 503
    error = refused.json()["error"]
    assert error["code"] == "model_not_running" and "beta" in error["message"]
    assert 280 <= error["eta_seconds"] <= 300
    assert 1 <= int(refused.headers["retry-after"]) <= 600
    # The start goes on, is seen by all, and is not begun again.
    wait_for("all see it start", lambda: cold.mesh.states(alpha, "slow") == {"beta": "starting"}, 15)
    again = cold.mesh.chat(cold.mesh.node("gamma"), "slow", headers={**cold.mesh.headers("user"), "Mesh-Deadline": "20"})
    assert again.status_code == 503 and again.json()["error"]["eta_seconds"] <= 300
    assert cold.starts("slow") == ["beta"]


def test_nobody_is_started_without_its_sites_consent(cold: Cold):
    refused = cold.mesh.chat(cold.mesh.node("alpha"), "kept", headers=patient(cold))
    assert refused.status_code == 503 and refused.json()["error"]["code"] == "model_not_running"
    assert cold.starts("kept") == []
    # Its own users start it.
    answer = cold.mesh.chat(cold.mesh.node("beta"), "kept", headers=patient(cold))
    assert answer.status_code == 200, answer.text
    assert cold.starts("kept") == ["beta"]
    # And then others may use it.
    wait_for("alpha may use it", lambda: cold.mesh.chat(cold.mesh.node("alpha"), "kept").status_code == 200, 15)


def test_a_start_that_fails_is_told(cold: Cold):
    alpha = cold.mesh.node("alpha")
    refused = cold.mesh.chat(alpha, "broken", headers=patient(cold))
    assert refused.status_code == 503, refused.text
    assert refused.json()["error"]["code"] == "model_not_running"
    assert "could not be started: /bin/false ended with exit code 1" in cold.mesh.node_log(cold.mesh.node("beta"))
