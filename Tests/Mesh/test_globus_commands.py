"""`meshnode globus register` and `check`, against the emulation of Globus: real functions in real Python processes."""

import json
import pathlib

import pytest

from certificates import Authority
from globus_emulation import CLIENT, ENDPOINT, SECRET, Emulation, emulation
from harness import run
from nodes import serving, write_configuration
from processes import free_port, wait_for
from stub import CHAT_MODEL, Stub

OTHER = "33333333-3333-4333-8333-333333333333"
NAMES = ["meshnode_inference", "meshnode_status"]
CHECK_SECONDS = 90
START_SECONDS = 20


def configure(folder: pathlib.Path, globus: Emulation, server: int, endpoint: str = ENDPOINT, secret: str = SECRET,
              **backend: object) -> pathlib.Path:
    identity = Authority("tests", folder / "ca").issue("other", "o1")
    secret_file = folder / "secret"
    secret_file.write_text(secret)
    secret_file.chmod(0o600)
    services = {"auth": globus.url, "groups": globus.url, "compute": globus.url}
    model = {"id": CHAT_MODEL, "backend": {
        "kind": "globusCompute", "endpoint": endpoint, "server": {"url": f"http://127.0.0.1:{server}"}, **backend}}
    return write_configuration(
        folder, identity, "tests", models=[model],
        globusCompute={"clientId": CLIENT, "secretFile": str(secret_file), "services": services})


@pytest.fixture
def globus(tmp_path: pathlib.Path):
    with emulation(tmp_path) as running:
        yield running


def register(path: pathlib.Path, *options: str) -> dict[str, dict]:
    result = run("globus", "register", "--config", path, "--json", *options)
    assert result.returncode == 0, result
    return {function["name"]: function for function in json.loads(result.stdout)["functions"]}


def check(path: pathlib.Path, code: int = 0) -> list[dict]:
    result = run("globus", "check", "--config", path, "--json", "--timeout-seconds", "30", seconds=CHECK_SECONDS)
    assert result.returncode == code, result
    answer = json.loads(result.stdout)
    assert answer["ok"] == (code == 0)
    return answer["steps"]


def failed_step(path: pathlib.Path) -> dict:
    """The only step that failed: what makes no sense after it is not tried."""
    steps = check(path, code=1)
    assert [step["ok"] for step in steps] == [True] * (len(steps) - 1) + [False], steps
    assert steps[-1]["advice"], steps[-1]
    return steps[-1]


def test_register(tmp_path: pathlib.Path, globus: Emulation, stub: Stub):
    path = configure(tmp_path, globus, stub.port)
    first = register(path)
    assert list(first) == NAMES and all(function["new"] for function in first.values())
    kept = tmp_path / "other-o1-state/globus-functions.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {function["id"] for function in first.values()} == set(json.loads(kept.read_text()).values())
    again = register(path)
    assert {name: function["id"] for name, function in again.items()} == {
        name: function["id"] for name, function in first.items()}
    assert not any(function["new"] for function in again.values())
    anew = register(path, "--force", "--public")
    assert all(anew[name]["new"] and anew[name]["id"] != first[name]["id"] for name in NAMES)
    plain = run("globus", "register", "--config", path)
    assert plain.returncode == 0 and all(function["id"] in plain.stdout for function in anew.values())


def test_check(tmp_path: pathlib.Path, globus: Emulation, stub: Stub):
    path = configure(tmp_path, globus, stub.port)
    register(path)
    steps = check(path)
    assert [step["step"] for step in steps] == ["token", "endpoint", "functions", "task", "inference"]
    assert "NOT reached" in steps[3]["says"], "no node runs"
    assert "answers 200" in steps[4]["says"]
    plain = run("globus", "check", "--config", path, seconds=CHECK_SECONDS)
    assert plain.returncode == 0, plain
    assert [line.split()[:2] for line in plain.stdout.splitlines()] == [["ok", step["step"]] for step in steps]
    assert SECRET not in plain.stdout + plain.stderr


def test_check_beside_the_node(tmp_path: pathlib.Path, globus: Emulation, stub: Stub):
    """The node registers its functions by itself, and the function finds its way back to it."""
    path = configure(tmp_path, globus, stub.port)
    kept = tmp_path / "other-o1-state/globus-functions.json"
    with serving(path):
        wait_for("the node has registered its functions", kept.exists, START_SECONDS)
        assert "the node is reached from there" in check(path)[3]["says"]
    assert not register(path)["meshnode_inference"]["new"]


def test_check_of_functions_for_old_workers(tmp_path: pathlib.Path, stub: Stub):
    with emulation(tmp_path, endpoints=[{"id": ENDPOINT, "name": "old", "agent": "2.28.0"}]) as globus:
        path = configure(tmp_path, globus, stub.port)
        register(path)
        assert "--old-workers" in failed_step(path)["advice"]
        register(path, "--old-workers", "--force")
        assert len(check(path)) == 5


def test_check_finds(tmp_path: pathlib.Path, globus: Emulation, stub: Stub):
    unregistered = configure(tmp_path, globus, stub.port)
    assert "globus register" in failed_step(unregistered)["advice"]
    wrong = failed_step(configure(tmp_path, globus, stub.port, secret="wrong-secret-0123456789"))
    assert wrong["step"] == "token" and "wrong-secret" not in json.dumps(wrong)
    unknown = failed_step(configure(tmp_path, globus, stub.port, endpoint=OTHER))
    assert unknown["step"] == "endpoint" and OTHER in unknown["advice"]
    path = configure(tmp_path, globus, free_port())
    register(path)
    nobody = failed_step(path)
    assert nobody["step"] == "inference" and "server" in nobody["advice"]
    path = configure(tmp_path, globus, stub.port)
    globus.fault(endpoint=ENDPOINT, state="offline")
    assert failed_step(path)["step"] == "endpoint"
    globus.heal()
    globus.fault(down=["compute"])
    assert failed_step(path)["step"] == "endpoint"


def test_check_finds_functions_that_are_not_allowed(tmp_path: pathlib.Path, stub: Stub):
    with emulation(tmp_path, endpoints=[{"id": ENDPOINT, "name": "narrow", "allowedFunctions": [OTHER]}]) as globus:
        path = configure(tmp_path, globus, stub.port)
        identifier = register(path)["meshnode_inference"]["id"]
        step = failed_step(path)
        assert step["step"] == "functions" and identifier in step["says"] and "allowed_functions" in step["advice"]


@pytest.mark.parametrize("arguments", [
    ("globus",), ("globus", "register"), ("globus", "register", "--config", "x", "--group", "g"),
    ("globus", "check", "--config", "x", "--timeout-seconds", "0")])
def test_bad_usage(arguments: tuple):
    result = run(*arguments)
    assert result.returncode == 2 and not result.stdout and len(result.stderr.splitlines()) == 1, result


def test_without_globus(tmp_path: pathlib.Path):
    identity = Authority("tests", tmp_path / "ca").issue("other", "o1")
    result = run("globus", "check", "--config", write_configuration(tmp_path, identity, "tests"))
    assert result.returncode == 2 and "has no globusCompute" in result.stderr
