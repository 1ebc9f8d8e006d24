"""`meshnode doctor`: what it finds wrong with a node, running or not, and that a peer dials back."""

import contextlib
import datetime
import http.server
import json
import pathlib
import socket
import threading

import httpx
import pytest

from certificates import Authority
from harness import Mesh, run
from nodes import serving, write_configuration
from processes import free_port, wait_for

DAY = datetime.timedelta(days=1)


class Site:
    """A node that runs, and the configuration of another that has it as its seed."""

    def __init__(self, folder: pathlib.Path, **changes: object):
        self.authority = Authority("tests", folder / "ca")
        self.peer = write_configuration(folder, self.authority.issue("one", "o1"), "tests", site="one", node="o1")
        self.seed = json.loads(self.peer.read_text())["listen"]["mesh"]
        self.folder = folder
        self.configuration = self.write(**changes)

    def write(self, **changes: object) -> pathlib.Path:
        identity = changes.pop("identity", None) or self.authority.issue("two", "t1", begins_in=-DAY / 10)
        changes = {"seeds": [self.seed], **changes}
        return write_configuration(self.folder, identity, "tests", site="two", node="t1", **changes)

    def node(self) -> dict:
        return json.loads(self.configuration.read_text())


def examine(configuration: pathlib.Path, environment: dict[str, str] | None = None) -> tuple[int, dict[str, list[dict]]]:
    """The exit code, and the findings by name."""
    result = run("doctor", "--config", configuration, "--json", environment=environment)
    findings: dict[str, list[dict]] = {}
    answer = json.loads(result.stdout)
    for finding in answer["findings"]:
        findings.setdefault(finding["name"], []).append(finding)
    assert answer["ok"] == (result.returncode == 0)
    return result.returncode, findings


def levels(findings: dict[str, list[dict]], name: str) -> list[str]:
    return [finding["level"] for finding in findings.get(name, [])]


def api_of(configuration: pathlib.Path) -> str:
    return f"http://{json.loads(configuration.read_text())['listen']['api']}"


@contextlib.contextmanager
def running(configuration: pathlib.Path):
    with serving(configuration) as (process, log):
        wait_for("the node answers", lambda: httpx.get(f"{api_of(configuration)}/healthz").status_code == 200, 20)
        yield log


def test_a_node_that_was_not_started_yet(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    with running(site.peer):
        code, found = examine(site.configuration)
    assert code == 0, found
    assert levels(found, "port") == ["ok", "ok"] and "free" in found["port"][0]["what"]
    assert levels(found, "seed") == ["ok"] and "one/o1" in found["seed"][0]["what"]
    # It listened for that moment itself.
    assert levels(found, "dial-back") == ["ok"] and site.node()["listen"]["mesh"] in found["dial-back"][0]["what"]
    assert levels(found, "certificate") == ["ok"]
    # The system's, which may be unkept here, and the peer's.
    assert found["clock"][1]["level"] == "ok" and "one/o1" in found["clock"][1]["what"]


def test_a_node_that_runs(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    with running(site.peer), running(site.configuration):
        code, found = examine(site.configuration)
    assert code == 0, found
    assert levels(found, "port") == ["ok", "ok"]
    assert all("held by this node" in finding["what"] for finding in found["port"])
    assert levels(found, "dial-back") == ["ok"]


def hang_up(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


def test_ports_of_others(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    with running(site.peer), socket.create_server(("127.0.0.1", 0)) as strange:
        threading.Thread(target=hang_up, args=[strange], daemon=True).start()
        configuration = site.write(listen={
            "api": json.loads(site.peer.read_text())["listen"]["api"], "mesh": f"127.0.0.1:{strange.getsockname()[1]}"})
        code, found = examine(configuration)
    assert code == 1
    assert levels(found, "port") == ["fail", "fail"]
    assert "one/o1" in found["port"][0]["what"] and "ss -ltnp" in found["port"][1]["advice"]
    # With its port taken there is nothing to be dialled back.
    assert levels(found, "dial-back") == ["warn"]


def test_a_node_that_is_advertised_where_it_is_not(tmp_path: pathlib.Path):
    """The peer dials what the node's own record says: nobody there."""
    site = Site(tmp_path)
    nowhere = free_port()
    configuration = site.write(advertise={"mesh": f"https://127.0.0.1:{nowhere}"})
    with running(site.peer), running(configuration):
        peer = api_of(site.peer)
        wait_for("the peer knows it", lambda: "two" in httpx.get(
            f"{peer}/mesh/topology", headers={"Authorization": "Bearer token-of-viewer-0123456789"}).text, 20)
        code, found = examine(configuration)
    assert code == 1
    assert levels(found, "dial-back") == ["fail"] and str(nowhere) in found["dial-back"][0]["what"]


def test_seeds_that_are_not_reached(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    foreign = Authority("elsewhere", tmp_path / "elsewhere")
    other = write_configuration(tmp_path, foreign.issue("far", "f1"), "elsewhere", site="far", node="f1")
    with running(other):
        configuration = site.write(seeds=[
            f"127.0.0.1:{free_port()}", "no-such-host.invalid:8201", json.loads(other.read_text())["listen"]["mesh"]])
        code, found = examine(configuration)
    assert code == 1
    assert levels(found, "seed") == ["fail"] * 3
    assert "elsewhere" in found["seed"][2]["what"] and "another federation" in found["seed"][2]["advice"]


@pytest.mark.parametrize("begins, ends, level", [(-DAY, 9 * DAY, "ok"), (-6 * DAY, 4 * DAY, "warn"), (-9 * DAY, DAY, "fail"),
                                                 (-2 * DAY, -DAY, "fail"), (DAY, 2 * DAY, "fail")])
def test_certificates(tmp_path: pathlib.Path, begins: datetime.timedelta, ends: datetime.timedelta, level: str):
    site = Site(tmp_path)
    configuration = site.write(identity=site.authority.issue("two", "t1", begins_in=begins, ends_in=ends))
    _, found = examine(configuration)
    assert levels(found, "certificate") == [level], found["certificate"]
    assert (found["certificate"][0].get("advice") is None) == (level == "ok")


def test_a_key_that_others_can_read(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    pathlib.Path(site.node()["trust"]["keyFile"]).chmod(0o644)
    code, found = examine(site.configuration)
    assert code == 1 and levels(found, "certificate") == ["fail"]
    assert "chmod 600" in found["certificate"][0]["what"]


def test_a_state_directory_that_others_can_write(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    pathlib.Path(site.node()["stateDirectory"]).chmod(0o777)
    code, found = examine(site.configuration)
    assert code == 1 and levels(found, "state") == ["fail"] and "chmod" in found["state"][0]["advice"]


class KeyWanted(http.server.BaseHTTPRequestHandler):
    """An inference server that wants a key."""

    def do_GET(self):
        known = self.headers.get("Authorization") == "Bearer right"
        body = b'{"data":[{"id":"locked"}]}' if known else b"{}"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object):
        pass


def test_backends(tmp_path: pathlib.Path, mesh: Mesh):
    site = Site(tmp_path)
    _, url = mesh.backend("solo")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeyWanted) as locked:
        threading.Thread(target=locked.serve_forever, daemon=True).start()

        def model(name: str, port: int, key: str | None = None) -> dict:
            backend = {"kind": "openai", "url": f"http://127.0.0.1:{port}/v1"}
            if key:
                path = tmp_path / f"{key}.key"
                path.write_text(key)
                path.chmod(0o600)
                backend["keyFile"] = str(path)
            return {"id": name, "backend": backend}

        configuration = site.write(models=[
            {"id": "solo", "backend": {"kind": "openai", "url": f"{url}/v1"}},
            {"id": "other-name", "backend": {"kind": "openai", "url": f"{url}/v1/"}},
            model("gone", free_port()), model("locked", locked.server_port, "right"),
            model("wrong", locked.server_port, "wrong"), model("none", locked.server_port)])
        code, found = examine(configuration)
        locked.shutdown()
    assert code == 1
    assert levels(found, "backend") == ["ok", "warn", "fail", "ok", "fail", "fail"], found["backend"]
    told = [finding["what"] for finding in found["backend"]]
    assert "takes the key" in told[3] and "refuses the key" in told[4] and "wants a key" in told[5]
    assert "right" not in "".join(told), "a key was told"


def test_a_proxy_of_the_environment_alone(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    _, found = examine(site.configuration, {"HTTPS_PROXY": "http://proxy.example:3128"})
    assert levels(found, "proxy") == ["warn"]


def test_a_node_that_takes_no_calls(tmp_path: pathlib.Path):
    """Its carriers are tried, and nobody is asked to dial it."""
    site = Site(tmp_path)
    configuration = site.write(carriers=[site.seed], seeds=[])
    with running(site.peer):
        code, found = examine(configuration)
    assert code == 0, found
    assert levels(found, "seed") == ["ok"] and "a carrier" in found["seed"][0]["what"]
    assert levels(found, "dial-back") == ["ok"] and "takes no calls" in found["dial-back"][0]["what"]
    request = json.loads(run("doctor", "--config", configuration, "--firewall", "--json").stdout)
    assert not [row for row in request["inbound"] if "mesh" in row["purpose"]]
    assert request["exempt"] == [site.seed]


def test_a_proxy_that_is_not_there(tmp_path: pathlib.Path):
    """Seeds go by the configured proxy: without it none is reached."""
    site = Site(tmp_path)
    configuration = site.write(proxy={"url": f"http://127.0.0.1:{free_port()}", "noProxy": []})
    with running(site.peer):
        code, found = examine(configuration)
    assert code == 1
    assert levels(found, "proxy") == ["ok"] and levels(found, "seed") == ["fail"], found


def test_the_firewall_request(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    configuration = site.write(
        seeds=["mesh.example.org:8201"], listen={"api": "127.0.0.1:8101", "mesh": "0.0.0.0:8201"},
        advertise={"mesh": "https://mesh.two.example:8201"})
    result = run("doctor", "--config", configuration, "--firewall")
    assert result.returncode == 0
    assert "mesh.example.org" in result.stdout and "mesh.two.example:8201" in result.stdout
    request = json.loads(run("doctor", "--config", configuration, "--firewall", "--json").stdout)
    assert request["exempt"] == ["mesh.example.org:8201", "mesh.two.example:8201"]


def test_for_people_it_is_a_line_each(tmp_path: pathlib.Path):
    site = Site(tmp_path)
    result = run("doctor", "--config", site.configuration)
    assert result.returncode == 1
    for line in result.stdout.strip().splitlines():
        assert line.split()[0] in ("ok", "warn", "fail"), line
    failed = [line for line in result.stdout.splitlines() if line.startswith("fail")]
    assert failed and all(" -> " in line for line in failed), failed


def test_dialling_back_is_rationed(tmp_path: pathlib.Path):
    """A node cannot make another dial without end."""
    site = Site(tmp_path)
    with running(site.peer):
        results = [levels(examine(site.configuration)[1], "dial-back") for _ in range(8)]
    assert results[0] == ["ok"] and results[-1] == ["warn"], results
