"""Our status function, against commands on PATH that write what PBS and Slurm write, and against servers on loopback."""

import http.server
import json
import os
import pathlib
import socket
import threading
import time

import pytest

from schedulers import START, pbs, slurm
from workers import RUNNERS

RULES = [{"match": "^serve-phi$", "models": ["phi-4"]}, {"match": "^serve-old$", "models": ["old"]}]


@pytest.fixture
def status(work, tmp_path):
    """Runs the function with commands on its PATH, given as {name: {arguments: output}} or as {name: script}."""
    def start(order: object = None, commands: dict = {}, environment: dict = {}, **named) -> dict:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, said in commands.items():
            script = said if isinstance(said, str) else fake(folder, name, said)
            (folder / name).write_text("#!/bin/sh\n" + script)
            (folder / name).chmod(0o755)
        path = f"{folder}:/usr/bin:/bin"
        return work("status.py", "meshnode_status", *([] if order is None else [order]),
                    environment={"PATH": path, "TZ": "UTC", **environment}, **named).result()

    return start


def fake(folder: pathlib.Path, name: str, said: dict[str, str]) -> str:
    cases = []
    for index, (arguments, output) in enumerate(said.items()):
        (folder / f"{name}.{index}").write_text(output)
        failing = "exit 2" if output.startswith((name + ":", "qstat:")) else ""
        stream = ">&2" if failing else ""
        cases.append(f"'{arguments}') cat '{folder}/{name}.{index}' {stream}; {failing} ;;")
    return 'case "$*" in\n' + "\n".join(cases) + "\n*) echo \"what is $*\" >&2; exit 3 ;;\nesac\n"


def models(result: dict) -> dict[str, tuple]:
    return {model["id"]: (model["state"], model["job"], model["reason"]) for model in result["models"]}


@pytest.mark.parametrize("form", ["JSON", "text"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_pbs(status, form, runner):
    result = status({"version": 1, "scheduler": "auto", "user": "svc", "jobs": RULES}, pbs(form == "JSON"), runner=runner)
    assert (result["version"], result["scheduler"], result["freeNodes"], result["host"]) == (
        1, "pbs", 2, socket.gethostname())
    assert models(result) == {
        "llama-8b": ("running", "101.pbs-01", None),
        "gemma": ("running", "101.pbs-01", None),
        "qwen-72b": ("queued", "102.pbs-01", "Not Running: Insufficient amount of resource: ngpus models=qwen-72b"),
        "phi-4": ("queued", "103.pbs-01", "held: job held, too many failed attempts"),
        "old": ("failed", "104.pbs-01", "exit status 271: Job run at ... and finished")}
    by_id = {model["id"]: model for model in result["models"]}
    assert by_id["gemma"]["walltimeRemainingSeconds"] == 22.5 * 3600
    assert by_id["qwen-72b"]["etaSeconds"] == pytest.approx(4102444800 - time.time(), abs=60)
    assert by_id["gemma"]["etaSeconds"] is None and by_id["qwen-72b"]["walltimeRemainingSeconds"] is None
    assert [job["id"] for job in result["jobs"]] == ["101.pbs-01", "102.pbs-01", "103.pbs-01", "104.pbs-01"]
    assert result["jobs"][0] == {
        "id": "101.pbs-01", "state": "running", "name": "llama-8b", "nodes": 2, "walltimeSeconds": 86400,
        "elapsedSeconds": 5400, "startEstimate": None, "comment": "Job run at Mon Nov 24 at 17:00 on (gpu-01:ncpus=32)"}
    assert result["jobs"][1]["startEstimate"] == 4102444800
    assert bool(result["errors"]) == (form == "text"), "it says that it had to use the text"


@pytest.mark.parametrize("form", ["newer", "older", "text"])
def test_slurm(status, form):
    result = status({"version": 1, "user": "svc", "jobs": RULES}, {**slurm(form), **pbs()})
    assert (result["scheduler"], result["freeNodes"]) == ("slurm", 2), "Slurm brings a qstat of its own"
    assert models(result) == {
        "llama-8b": ("running", "201", None), "gemma": ("running", "201", None),
        "qwen-72b": ("queued", "202", "Resources"), "phi-4": ("queued", "203", "JobHeldUser"),
        "old": ("failed", "204", "out_of_memory: OutOfMemory")}
    assert [job["id"] for job in result["jobs"]] == ["201", "202", "203", "204"]
    running, queued = result["jobs"][:2]
    assert (running["nodes"], running["walltimeSeconds"], running["comment"]) == (2, 86400, "models=llama-8b,gemma")
    assert running["elapsedSeconds"] == (5400 if form == "text" else pytest.approx(result["at"] - START, abs=2))
    assert queued["startEstimate"] == 4102444800
    assert bool(result["errors"]) == (form == "text")


def test_it_runs_on_every_python(status, python):
    result = status({"version": 1, "user": "svc", "jobs": RULES}, pbs(), python=python)
    assert len(result["models"]) == 5 and not result["errors"]


@pytest.mark.parametrize("order", [None, {}, {"version": 1, "scheduler": "auto", "user": None, "timeoutSeconds": "x"}, "text"])
def test_without_a_scheduler_and_without_an_order(status, order):
    result = status(order)
    del result["at"], result["host"]
    assert result == {"version": 1, "scheduler": "none", "models": [], "freeNodes": None, "jobs": [], "errors": []}


def test_jobs_are_chosen_by_a_pattern_that_may_name_the_model(status):
    result = status({"version": 1, "jobPattern": "^serve-(?P<model>ph.|old)$"}, pbs())
    assert models(result) == {"phi": ("queued", "103.pbs-01", "held: job held, too many failed attempts"),
                              "old": ("failed", "104.pbs-01", "exit status 271: Job run at ... and finished")}


def test_a_job_named_like_a_model_runs_it(status):
    result = status({"version": 1, "jobs": [{"match": "$^", "models": ["somebody-elses"]}]}, pbs())
    assert models(result)["somebody-elses"] == ("running", "105.pbs-01", None)


def test_no_jobs_at_all(status):
    result = status({"version": 1, "user": "svc"}, {
        "qstat": {"-f -F json": '{"timestamp":1,"pbs_version":"2022","pbs_server":"x"}'},
        "pbsnodes": {"-a -F json": '{"timestamp":1,"nodes":{}}'}})
    assert (result["models"], result["jobs"], result["freeNodes"], result["errors"]) == ([], [], 0, [])


@pytest.mark.parametrize("output", ["", "{", "[]", "null", '{"Jobs": 5}', '{"Jobs": {"1": null}}', '{"Jobs": {"1": {"job_state": 5}}}',
                                    '{"Jobs": {"1": {"Resource_List": {"walltime": NaN, "nodect": 1e999}}}}', "[" * 100000,
                                    "\x00\x01 garbage = x\n = \n\tmore"])
@pytest.mark.parametrize("scheduler", ["pbs", "slurm"])
def test_output_that_makes_no_sense(status, tmp_path, output, scheduler):
    """Whatever they write, there is an answer, and it invents nothing."""
    (tmp_path / "output").write_text(output)
    commands = {name: f"cat {tmp_path}/output\n" for name in ("qstat", "pbsnodes", "squeue", "sinfo")}
    result = status({"version": 1, "scheduler": scheduler, "user": None, "jobPattern": "."}, commands)
    assert result["scheduler"] == scheduler
    assert not [model for model in result["models"] if model["state"] != "unknown"], result
    assert not [text for text in result["errors"] if text.startswith("internal")], result["errors"]


def test_a_command_that_hangs_is_ended_with_its_children(status, tmp_path):
    mark = tmp_path / "child"
    result = status({"version": 1, "scheduler": "pbs", "timeoutSeconds": 0.5},
                    {"qstat": f"sleep 600 & echo $! > {mark}\nwait\n", "pbsnodes": pbs()["pbsnodes"]})
    assert "qstat -f -F json did not end within 0.5 s" in result["errors"]
    assert result["freeNodes"] == 2
    child = int(mark.read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and alive(child):
        os.sched_yield()
    assert not alive(child)


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_commands_that_are_missing_or_fail(status):
    result = status({"version": 1, "scheduler": "pbs"}, {"qstat": "echo 'pbs_iff: cannot connect' >&2; exit 255\n"})
    assert result["scheduler"] == "pbs" and result["models"] == [] and result["freeNodes"] is None
    assert "qstat -f ended with 255: pbs_iff: cannot connect" in result["errors"]
    assert "pbsnodes is not installed" in result["errors"]


def test_nothing_of_the_order_gets_into_a_command(status, tmp_path):
    log = tmp_path / "log"
    evil = "$(touch evil); -u x"
    status({"version": 1, "scheduler": "slurm", "user": evil, "jobPattern": evil, "jobs": [{"match": evil, "models": [evil]}]},
           {name: f'echo "{name} $*" >> {log}\n' for name in ("squeue", "sinfo")})
    assert "evil" not in log.read_text()


def test_a_wrong_expression_is_said(status):
    result = status({"version": 1, "jobPattern": "("}, pbs())
    assert "not a regular expression: (" in result["errors"]


# Servers.


@pytest.fixture
def serve():
    """Starts servers that answer {path: (status, body)}."""
    running = []

    def start(answers: dict[str, tuple[int, object]]) -> int:
        class Handler(http.server.BaseHTTPRequestHandler):
            seen: list = []

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.seen.append((self.path, self.headers.get("Authorization")))
                code, body = answers.get(self.path, (404, {}))
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        running.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        running[-1].seen = Handler.seen
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def listing(*names: str) -> tuple[int, object]:
    return 200, {"object": "list", "data": [{"id": name} for name in names]}


def test_a_server_without_a_scheduler(status, serve):
    server = serve({"/health": (200, b""), "/v1/models": listing("llama-8b")})
    result = status({"version": 1, "scheduler": "none", "servers": [
        {"url": f"http://127.0.0.1:{server.server_port}", "models": ["llama-8b", "other"], "keyEnvironment": "KEY"}]},
        environment={"KEY": "sk-secret"})
    assert models(result) == {"llama-8b": ("running", None, None), "other": ("stopped", None, "its server does not list it")}
    assert server.seen == [("/health", "Bearer sk-secret"), ("/v1/models", "Bearer sk-secret")]
    assert "sk-secret" not in json.dumps(result)


@pytest.mark.parametrize("answers, expected", [
    ({"/health": (503, {"status": "loading model"}), "/v1/models": (503, {})}, ("starting", None, "its server loads")),
    ({"/v1/models": listing("m")}, ("running", None, None)),
    ({"/v1/models": (401, {})}, ("unknown", None, "its server answered 401")),
    ({"/v1/models": (200, b"<html>")}, ("unknown", None, "its server could not be asked: JSONDecodeError")),
    ({"/v1/models": (200, [1])}, ("unknown", None, "its server could not be asked: TypeError")),
])
def test_what_a_server_may_say(status, serve, answers, expected):
    server = serve(answers)
    result = status({"version": 1, "servers": [{"url": f"http://127.0.0.1:{server.server_port}", "models": ["m"]}]})
    assert models(result) == {"m": expected}


def test_servers_that_are_not_there_or_silent(status, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        result = status({"version": 1, "timeoutSeconds": 0.5, "servers": [
            {"url": f"http://127.0.0.1:{bound.getsockname()[1]}", "models": ["refused"]},
            {"url": f"unix:{tmp_path}/none.sock", "models": ["unix"]},
            {"url": f"http://127.0.0.1:{silent.getsockname()[1]}", "models": ["silent"]},
            {"url": "ftp://x", "models": ["wrong"]}, {"models": ["nowhere"]}]})
    assert models(result) == {
        "refused": ("stopped", None, "its server does not answer"), "unix": ("stopped", None, "its server does not answer"),
        "silent": ("unknown", None, "its server did not answer within 0.5 s"),
        "wrong": ("unknown", None, "its server could not be asked: ValueError")}
    assert result["errors"] == ["a server has no URL"]


def test_a_job_whose_server_does_not_answer_yet_starts(status):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        result = status({"version": 1, "user": "svc", "servers": [
            {"url": f"http://127.0.0.1:{bound.getsockname()[1]}", "models": ["llama-8b", "gemma"]}]}, pbs())
    starting = ("starting", "101.pbs-01", "its server does not answer yet")
    assert models(result)["llama-8b"] == models(result)["gemma"] == starting
    assert {model["walltimeRemainingSeconds"] for model in result["models"] if model["state"] == "starting"} == {81000}


def test_a_job_whose_server_answers_runs(status, serve):
    server = serve({"/health": (200, b""), "/v1/models": listing("llama-8b")})
    result = status({"version": 1, "user": "svc", "servers": [
        {"url": f"http://127.0.0.1:{server.server_port}", "models": ["llama-8b", "gemma"]}]}, pbs())
    assert models(result)["llama-8b"] == ("running", "101.pbs-01", None)
    assert models(result)["gemma"][0] == "starting", "its job runs, but the server does not list it"


def test_a_server_on_the_node_of_its_job(status, serve):
    server = serve({"/health": (200, b""), "/v1/models": listing("llama-8b", "gemma")})
    commands = pbs()
    listed = json.loads(commands["qstat"]["-f -F json"])
    listed["Jobs"]["101.pbs-01"]["exec_host"] = "localhost/0*32+gpu-02/0*32"
    commands["qstat"]["-f -F json"] = json.dumps(listed)
    result = status({"version": 1, "user": "svc", "servers": [
        {"url": "http://{host}:%d" % server.server_port, "models": ["llama-8b", "gemma"]}]}, commands)
    assert models(result)["gemma"] == ("running", "101.pbs-01", None)
    assert ("/v1/models", None) in server.seen


def test_the_worker_in_the_job_itself_knows_its_walltime(status, serve):
    server = serve({"/v1/models": listing("unheard-of")})
    result = status({"version": 1, "user": "svc", "servers": [{"url": f"http://127.0.0.1:{server.server_port}"}]}, pbs(),
                    environment={"PBS_JOBID": "101.pbs-01"})
    model = next(model for model in result["models"] if model["id"] == "unheard-of")
    assert (model["state"], model["job"], model["walltimeRemainingSeconds"]) == ("running", "101.pbs-01", 81000)


def test_a_unix_socket(status, tmp_path):
    class UnixServer(http.server.ThreadingHTTPServer):
        address_family = socket.AF_UNIX

        def server_bind(self):
            self.socket.bind(self.server_address)
            self.server_name, self.server_port = "localhost", 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def address_string(self):
            return "local"

        def log_message(self, *_):
            pass

        def do_GET(self):
            data = json.dumps(listing("m")[1]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with UnixServer(str(tmp_path / "s.sock"), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = status({"version": 1, "servers": [{"url": f"unix:{tmp_path}/s.sock"}]})
        server.shutdown()
    assert models(result) == {"m": ("running", None, None)}
