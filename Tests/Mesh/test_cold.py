"""Models that run nowhere: started at one site whose policy consents, waited for, or told when."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Iterator

import httpx
import pytest

from harness import REQUEST_SECONDS, Mesh, write_topology
from processes import is_running, wait_for

SERVER = '''
import http.server, json, sys, threading, time
name = sys.argv[2]
lock, busy, most = threading.Lock(), 0, 0
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
        if self.path == "/most": return self.say(most)
        self.say({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "tests"}]})
    def do_POST(self):
        global busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        try: self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        finally:
            with lock: busy -= 1
    def answer(self, request):
        time.sleep(request.get("seed", 0) / 1000)
        if request.get("stream"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for delta, reason in (({"role": "assistant", "content": "war"}, None), ({"content": "m"}, None), ({}, "stop")):
                chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": name,
                         "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
                self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\\n\\n")
            self.wfile.write(b"data: [DONE]\\n\\n")
            self.close_connection = True
            return
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

    def __init__(self, mesh: Mesh, folder: pathlib.Path, ports: dict[str, int]):
        self.mesh = mesh
        self.folder = folder
        self.ports = ports

    def starts(self, model: str) -> list[str]:
        """Where a model was started, in order."""
        path = self.folder / "starts"
        lines = path.read_text().split("\n") if path.exists() else []
        return [line.split()[0] for line in lines if line.endswith(f" {model}")]

    def pid(self, model: str) -> int:
        return int((self.folder / f"pid-{model}").read_text())


def stream(cold: Cold, model: str, seconds: int = 60) -> tuple[httpx.Response, str]:
    """One streamed request at alpha: its head, and all that came behind it."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "stream": True}
    headers = {**cold.mesh.headers("user"), "Mesh-Deadline": str(seconds)}
    with httpx.stream("POST", f"{cold.mesh.node('alpha').api}/v1/chat/completions", json=body, headers=headers,
                      timeout=REQUEST_SECONDS) as answer:
        return answer, "".join(answer.iter_text())


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
        f'setsid {sys.executable} {folder}/server.py "$2" "$3" </dev/null >/dev/null 2>&1 &\n'
        f'echo $! >> {folder}/pids\necho $! > {folder}/pid-$3\n')
    (folder / "stop.sh").write_text(f'echo "$1" >> {folder}/stops\nkill "$(cat {folder}/pid-$1)"\n')
    (folder / "note.sh").write_text(f'echo "beta $1" >> {folder}/starts\n')
    names = ["BETA", "SLOW", "KEPT", "BROKEN", "GAMMA", "HERD", "STREAMED", "LATE", "LATER", "NEVER", "IDLE", "PINNED"]
    ports = dict(zip(names, free_ports(len(names))))
    topology = write_topology(
        "cold.json5", folder, SH="/bin/sh", START=folder / "start.sh", NOTE=folder / "note.sh",
        STOP=folder / "stop.sh", **ports)
    try:
        with Mesh(topology, folder) as mesh:
            yield Cold(mesh, folder, ports)
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


def test_a_herd_that_waits_is_let_in_by_its_slots(cold: Cold):
    alpha = cold.mesh.node("alpha")
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(
            lambda _: cold.mesh.chat(alpha, "herd", headers=patient(cold), seed=20), range(60)))
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert cold.starts("herd") == ["beta"]
    assert httpx.get(f"http://127.0.0.1:{cold.ports['HERD']}/most").json() <= 2


def test_a_stream_that_waits_is_told_so_and_then_answered(cold: Cold):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        raw = pool.submit(stream, cold, "streamed")
        client = cold.mesh.client(cold.mesh.node("alpha"))
        chunks = client.chat.completions.create(
            model="streamed", messages=[{"role": "user", "content": "Hello."}], stream=True, extra_headers=PATIENT)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "warm"
        answer, text = raw.result()
    # The head went out before there was a site: what would stand in it follows in a comment.
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-request-id"] and answer.headers["x-mesh-entry"] and "x-mesh-site" not in answer.headers
    events = [event for event in text.split("\n\n") if event]
    waits = [event for event in events if event.startswith(": waiting for streamed to start at site beta")]
    assert len(waits) >= 2 and events[0] == waits[0] and "expected in" in waits[0], text
    assert [event for event in events if event.startswith(": X-Mesh-Site: beta\n: X-Mesh-Variant: ")], text
    assert [event.startswith("data: ") for event in events[-4:]] == [True] * 4 and events[-1] == "data: [DONE]"
    assert cold.starts("streamed") == ["beta"]


def test_a_stream_that_has_waited_in_vain_ends_with_an_error_event(cold: Cold):
    answer, text = stream(cold, "never", seconds=2)
    assert answer.status_code == 200 and text.startswith(": waiting for never to start at site beta"), text
    assert "[DONE]" not in text
    error = json.loads(text.split("data: ")[1])["error"]
    assert error["type"] == "mesh_stream_interrupted" and error["code"] == "model_not_running", error
    assert error["tokensDelivered"] == 0 and error["status"] == 503 and error["eta_seconds"] is None


def test_a_second_site_is_started_where_the_first_is_late(cold: Cold):
    answer = cold.mesh.chat(cold.mesh.node("alpha"), "late", headers={**cold.mesh.headers("user"), "Mesh-Deadline": "120"})
    assert answer.status_code == 200 and answer.headers["x-mesh-site"] == "gamma", answer.text
    assert cold.starts("late") == ["beta", "gamma"]


def test_what_nobody_uses_is_released_and_started_by_the_next_request_alone(cold: Cold):
    alpha, beta = cold.mesh.node("alpha"), cold.mesh.node("beta")
    stops = cold.folder / "stops"
    # Longer than it may be idle: what runs is use.
    answer = cold.mesh.chat(alpha, "idle", headers=patient(cold), seed=3500)
    assert answer.status_code == 200 and not stops.exists(), answer.text
    wait_for("it is released", lambda: cold.mesh.states(alpha, "idle") == {"beta": "stopped"}, 20)
    wait_for("its server ends", lambda: not is_running(cold.pid("idle")), 10)
    assert "idle is released: no request for 2 s" in cold.mesh.node_log(beta)
    wait_for("it has stopped", lambda: "idle has stopped" in cold.mesh.node_log(beta), 10)
    site = next(entry for entry in cold.mesh.get("/mesh/catalog", node=beta).json()["models"] if entry["id"] == "idle")
    assert site["sites"][0]["stateReason"] == "released: no request for 2 s" and site["sites"][0]["kept"] is False
    assert cold.starts("idle") == ["beta"] and stops.read_text() == "idle\n"
    again = cold.mesh.chat(alpha, "idle", headers=patient(cold))
    assert again.status_code == 200, again.text
    assert cold.starts("idle") == ["beta", "beta"]


def test_what_a_site_keeps_running_is_started_again(cold: Cold):
    alpha, beta = cold.mesh.node("alpha"), cold.mesh.node("beta")
    assert cold.starts("pinned") == ["beta"] and cold.mesh.states(alpha, "pinned") == {"beta": "running"}
    os.kill(cold.pid("pinned"), signal.SIGKILL)
    wait_for("it is started again", lambda: cold.starts("pinned") == ["beta", "beta"], 20)
    wait_for("it runs again", lambda: cold.mesh.states(alpha, "pinned") == {"beta": "running"}, 20)
    assert "pinned is kept running and is not: it is started" in cold.mesh.node_log(beta)
    # Nobody asks for it, and it stays.
    assert (cold.folder / "stops").read_text().count("pinned") == 0 if (cold.folder / "stops").exists() else True
