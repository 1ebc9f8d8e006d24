"""The command line: bad files and bad usage are said in one line, with the right exit code."""

import json
import os
import pathlib
import socket

import pytest

from certificates import Authority
from harness import ROOT, Mesh, run, write_topology
from nodes import serving, write_configuration
from processes import free_port

COMMANDS = ["demo", "up", "serve", "status", "models", "route", "check", "login", "token", "logout", "keys", "keys create"]
GOOD = """{
  federation: "tests",
  sites: [
    { site: "alpha", models: [{ id: "common", backend: { kind: "simulated" } }] },
  ],
}
"""

# Name: what is put in place of what, the line on which it then is, and words that the message must have.
BAD_TOPOLOGIES = {
    "cut short": ("  ],\n}\n", "", 5, []),
    "not JSON5": ("sites: [", "sites: <", 3, []),
    "unknown key": ("models:", "modles:", 4, ["modles", "models"]),
    "duplicate key": ('federation: "tests",', 'federation: "tests",\n  federation: "again",', 3, ["federation"]),
    "wrong type": ('site: "alpha"', "site: 7", 4, ["site", "7"]),
    "bad name": ('site: "alpha"', 'site: "Alpha!"', 4, ["Alpha!"]),
    "unknown kind": ('kind: "simulated"', 'kind: "magic"', 4, ["magic", "simulated", "openai"]),
    "out of range": ('kind: "simulated"', 'kind: "simulated", slots: 0', 4, ["slots", "0"]),
    "text for a number": ('kind: "simulated"', 'kind: "simulated", slots: "many"', 4, ["slots", "many"]),
    "no unit": ('kind: "simulated"', 'kind: "simulated", startup: 3', 4, ["startup"]),
    "bad URL": ('kind: "simulated"', 'kind: "openai", url: "localhost"', 4, ["url", "localhost"]),
}


def only_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize("command", ["check", "up"])
@pytest.mark.parametrize("name", BAD_TOPOLOGIES)
def test_bad_topology(tmp_path: pathlib.Path, command: str, name: str):
    old, new, line, words = BAD_TOPOLOGIES[name]
    path = tmp_path / "bad.json5"
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new))
    result = run(command, path)
    assert result.returncode == 2, result
    message = only_line(result.stderr)
    assert f"bad.json5:{line}" in message
    for word in words:
        assert word in message
    assert not result.stdout


@pytest.mark.parametrize("arguments", [("check",), ("up",), ("serve", "--config")])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe{}", b"[" * 100_000])
def test_hopeless_file(tmp_path: pathlib.Path, arguments: tuple, content: bytes | None):
    path = tmp_path / "hopeless.json5"
    if content is not None:
        path.write_bytes(content)
    result = run(*arguments, path)
    assert result.returncode == 2, result
    assert "hopeless.json5" in only_line(result.stderr)


def test_check_of_what_is_right(tmp_path: pathlib.Path):
    path = tmp_path / "good.json5"
    path.write_text(GOOD)
    result = run("check", path)
    assert result.returncode == 0, result.stderr
    for file in sorted((ROOT / "topology").glob("*.json5")):
        result = run("check", file)
        assert result.returncode == 0, result.stderr


def test_bad_node_configuration(tmp_path: pathlib.Path):
    identity = Authority("tests", tmp_path / "ca").issue("other", "o1")
    path = write_configuration(tmp_path, identity, "tests", loop=2)
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if '"loop"' in text)
    for arguments in (["serve", "--config", path], ["check", path]):
        result = run(*arguments)
        assert result.returncode == 2, result
        message = only_line(result.stderr)
        assert f"{path.name}:{line}" in message and "loops" in message


def test_api_port_in_use(tmp_path: pathlib.Path):
    identity = Authority("tests", tmp_path / "ca").issue("other", "o1")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        for listen in ({"api": f"127.0.0.1:{port}", "mesh": f"127.0.0.1:{free_port()}"},
                       {"api": f"127.0.0.1:{free_port()}", "mesh": f"127.0.0.1:{port}"}):
            with serving(write_configuration(tmp_path, identity, "tests", listen=listen)) as (process, log):
                assert process.wait(20) == 1
            assert str(port) in only_line(log.read_text())


def test_port_in_use_for_up(tmp_path: pathlib.Path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        topology = write_topology("ports.json5", tmp_path, API_PORT=port, MESH_PORT=free_port())
        result = run("up", topology, "--state", tmp_path / "state", seconds=70)
    assert result.returncode == 1, result
    assert str(port) in result.stderr
    assert not [line for line in result.stderr.splitlines() if line.startswith("Fatal")]


def test_two_nodes_cannot_share_a_port(start_mesh, tmp_path: pathlib.Path):
    """Sockets that several loops share (SO_REUSEPORT) must not let a second program in."""
    api, mesh = free_port(), free_port()
    start_mesh("ports.json5", API_PORT=api, MESH_PORT=mesh)
    topology = write_topology("ports.json5", tmp_path, API_PORT=api, MESH_PORT=mesh)
    result = run("up", topology, "--state", tmp_path / "state", seconds=70)
    assert result.returncode == 1, result
    assert str(api) in result.stderr or str(mesh) in result.stderr


@pytest.mark.parametrize("arguments", [("--help",), *((*command.split(), "--help") for command in COMMANDS)])
def test_help(arguments: tuple):
    result = run(*arguments)
    assert result.returncode == 0
    assert result.stdout.strip() and not result.stderr


@pytest.mark.parametrize("arguments", [
    (), ("nonsense",), ("up",), ("check",), ("serve",), ("route",), ("status", "--nonsense"), ("up", "a", "b"),
    ("status", "--node"), ("models", "--node", "not a url")])
def test_bad_usage(arguments: tuple):
    result = run(*arguments, token="x" * 20)
    assert result.returncode == 2, result
    assert result.stderr.strip() and not result.stdout


def test_asking_commands(mesh: Mesh, site: str):
    node = mesh.node(site)
    for arguments in (["status"], ["models"], ["route", "pair"]):
        plain = run(*arguments, "--node", node.api, token=mesh.tokens["viewer"])
        assert plain.returncode == 0, plain.stderr
        assert "beta" in plain.stdout
        as_json = run(*arguments, "--node", node.api, "--json", token=mesh.tokens["viewer"])
        assert as_json.returncode == 0, as_json.stderr
        json.loads(as_json.stdout)


def test_asking_in_vain(mesh: Mesh):
    refused = run("status", "--node", mesh.nodes[0].api, token="x" * 20)
    assert refused.returncode == 1
    only_line(refused.stderr)
    nobody = run("status", "--node", f"http://127.0.0.1:{free_port()}", token="x" * 20)
    assert nobody.returncode == 1
    only_line(nobody.stderr)


def test_secrets_are_in_no_argument(mesh: Mesh):
    """Anyone on the machine can read another process's arguments."""
    for pid in {mesh.process.pid} | mesh.descendants():
        arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        for token in mesh.tokens.values():
            assert token.encode() not in arguments
    assert os.stat(mesh.ready_file).st_mode & 0o077 == 0, "the ready file holds tokens and is readable by others"
