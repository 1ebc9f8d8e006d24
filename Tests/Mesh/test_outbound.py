"""Sites that take no calls: parked at carriers, reached through them, also behind a firewall that drops what comes in."""

import concurrent.futures
import contextlib
import json
import re
import socket
import subprocess
import threading

import httpx
import pytest

from certificates import Authority
from harness import PROGRAM, ROOT, Mesh
from namespace import outbound_only
from nodes import TOKENS, serving, tell, write_configuration
from processes import free_port, is_running, wait_for

READY_SECONDS = 30
MODEL = "chat-secluded"


def metric(mesh: Mesh, node, name: str, label: str = "") -> float:
    """The sum of a node's metric over its labels that contain a text."""
    return sum(float(line.rpartition(" ")[2]) for line in mesh.get("/metrics", node=node).text.splitlines()
               if line.startswith((f"{name}{{", f"{name} ")) and label in line)


def on_request(mesh: Mesh) -> list[float]:
    return [metric(mesh, node, "meshnode_mesh_handshakes_total", 'on="request"') for node in mesh.nodes]


def events(response: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    """The topology of docs/outbound.md with models that answer at once; not to be harmed."""
    folder = tmp_path_factory.mktemp("outbound")
    text, count = re.subn(r"timeToFirstTokenSeconds: \S+, tokensPerSecond: \d+",
                          "timeToFirstTokenSeconds: 0.01, tokensPerSecond: 500",
                          (ROOT / "topology/outbound.json5").read_text())
    assert count == 2
    (folder / "outbound.json5").write_text(text)
    with Mesh(folder / "outbound.json5", folder) as mesh:
        yield mesh


@pytest.fixture
def fragile(tmp_path):
    """The same, to be broken."""
    with Mesh(ROOT / "topology/outbound.json5", tmp_path) as mesh:
        yield mesh


@pytest.mark.parametrize("site", ["argonne", "oakridge", "nersc", "frontier"])
def test_every_node_reaches_it(carried, site):
    """Also its carriers themselves, and the site itself."""
    answer = carried.chat(carried.node(site), MODEL, stream=True)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Mesh-Site"] == "frontier"
    said = events(answer)
    assert said[-1] == "[DONE]" and len(said) > 8


def test_the_topology_shows_who_carries(carried):
    for node in carried.nodes:
        sites = {site["site"]: site["nodes"][0] for site in carried.get("/mesh/topology", node=node).json()["sites"]}
        assert sites["frontier"]["via"] == ["nersc/n1", "oakridge/o1"]
        assert sites["frontier"]["state"] == "alive"
        assert [sites[name]["via"] for name in ("argonne", "nersc", "oakridge")] == [None] * 3


def test_carriers_tell_what_they_carry(carried):
    carriers = [carried.node("oakridge"), carried.node("nersc")]
    wait_for("others are parked in the place of those taken",
             lambda: all(metric(carried, node, "meshnode_carrier_parked", "frontier/f1") == 4 for node in carriers),
             READY_SECONDS)
    before = sum(metric(carried, node, "meshnode_carrier_bytes_total") for node in carriers)
    answer = carried.chat(carried.node("argonne"), MODEL, stream=True, max_tokens=40)
    assert answer.status_code == 200
    # Opaque, and all of it: TLS makes it more, never less.
    carried_bytes = sum(metric(carried, node, "meshnode_carrier_bytes_total") for node in carriers) - before
    assert carried_bytes > len(answer.content)
    assert metric(carried, carried.node("argonne"), "meshnode_carrier_splices_total") == 0


def test_no_request_waits_for_a_handshake(carried):
    """All nodes ask for all models, many times over: connections are kept ready, so none is made for a request."""
    def ask(round_: int, tokens: int = 2) -> int:
        node = carried.nodes[round_ % len(carried.nodes)]
        model = ("chat-small", MODEL)[round_ // len(carried.nodes) % 2]
        return carried.chat(node, model, max_tokens=tokens).status_code

    def links_are_ready() -> bool:
        before = on_request(carried)
        assert {ask(round_) for round_ in range(32)} == {200}
        return on_request(carried) == before

    wait_for("a round without a handshake", links_are_ready, READY_SECONDS)
    before = on_request(carried)
    assert {ask(round_) for round_ in range(200)} == {200}
    assert on_request(carried) == before
    # Nor when certificates are renewed meanwhile: links are made anew beside the requests. A link is looked at once a second, and
    # a server ends one with its old certificate after a request: no node asks for the same within that second.
    slow = 80
    renewals_are_done = threading.Event()

    def ask_meanwhile() -> set[int]:
        found, round_ = set(), 0
        while round_ < 48 or not renewals_are_done.is_set():
            found.add(ask(round_, slow))
            round_ += 1
        return found

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_meanwhile)
        try:
            for node in carried.nodes:
                renewed = carried.post(node, "/mesh/federation/renew", role="operator")
                assert renewed.status_code == 200, renewed.text
        finally:
            renewals_are_done.set()
        assert asking.result() == {200}
    assert {ask(round_, slow) for round_ in range(24)} == {200}
    assert {ask(round_) for round_ in range(100)} == {200}
    assert on_request(carried) == before


def test_the_loss_of_a_carrier_stops_no_request_that_has_not_begun(fragile):
    argonne, lost = fragile.node("argonne"), fragile.node("oakridge")
    begun, stop = threading.Event(), threading.Event()
    answers: list[tuple[int, list[str]]] = []

    def ask() -> None:
        while not stop.is_set():
            with httpx.stream("POST", f"{argonne.api}/v1/chat/completions", headers=fragile.headers("user"), timeout=60,
                              json={"model": MODEL, "stream": True, "max_tokens": 20,
                                    "messages": [{"role": "user", "content": "Hello."}]}) as answer:
                said = []
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        said.append(line.removeprefix("data: "))
                        begun.set()
                answers.append((answer.status_code, said))

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    assert begun.wait(READY_SECONDS)
    wait_for("streams pass through both", lambda: all(
        metric(fragile, fragile.node(site), "meshnode_carrier_splices") > 1 for site in ("oakridge", "nersc")), READY_SECONDS)
    fragile.kill(lost)
    count = len(answers)
    wait_for("requests go on", lambda: len(answers) > count + 40, READY_SECONDS)
    stop.set()
    for asker in askers:
        asker.join(READY_SECONDS)
    ends = {"[DONE]": 0, "interrupted": 0}
    for status, said in answers:
        # Before the first byte another carrier is taken: nobody is told of the loss.
        assert status == 200, said
        if said[-1] == "[DONE]":
            ends["[DONE]"] += 1
        else:
            error = json.loads(said[-1])["error"]
            assert error["type"] == "mesh_stream_interrupted" and error["site"] == "frontier"
            ends["interrupted"] += 1
    # At most what was under way when it died.
    assert ends["interrupted"] <= 8
    assert ends["[DONE]"] > 40


def test_without_any_carrier_it_is_said_plainly(fragile):
    for site in ("oakridge", "nersc"):
        fragile.kill(fragile.node(site))
    answer = fragile.chat(fragile.node("argonne"), MODEL)
    assert answer.status_code >= 500
    # The site's own users are served all the same.
    assert fragile.chat(fragile.node("frontier"), MODEL).status_code == 200


# MARK: behind a firewall


@contextlib.contextmanager
def simulated(log_folder, command_prefix: list[str], model: str):
    ready = log_folder / f"{model}.ready"
    process = subprocess.Popen(
        [*command_prefix, PROGRAM, "emulate", "inference", "--port", "0", "--ready-file", ready, "--model", model,
         "--tokens-per-second", "50"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("the server listens", ready.exists, READY_SECONDS)
        yield f"http://{ready.read_text().split()[0]}/v1"
    finally:
        process.kill()
        process.wait()


def test_behind_a_firewall_that_drops_what_comes_in(tmp_path):
    authority = Authority("walled", tmp_path / "trust")
    with contextlib.ExitStack() as stack:
        wall = stack.enter_context(outbound_only())
        admissions = [authority.admission(site) for site in ("kappa", "lambda", "user", "walled")]

        def node(site: str, prefix: list[str] | None = None, address: str | None = None, **settings: object) -> dict:
            name = f"{site[0]}1"
            listen = {"api": f"127.0.0.1:{free_port()}", "mesh": f"{address or wall.outside}:{free_port()}"}
            path = write_configuration(
                tmp_path, authority.issue(site, name), "walled", site, name, listen=listen,
                health={"intervalSeconds": 0.5}, **settings)
            tell(path, admissions)
            stack.enter_context(serving(path, prefix=prefix))
            return listen

        carriers = [node(site, carrier={"enabled": True}) for site in ("kappa", "lambda")]
        seeds = [carrier["mesh"] for carrier in carriers]
        user = node("user", seeds=seeds)
        server = stack.enter_context(simulated(tmp_path, wall.command(), "walled-model"))
        walled = node("walled", wall.command(), wall.inside, seeds=seeds, carriers=seeds,
                      models=[{"id": "walled-model", "backend": {"kind": "openai", "url": server, "slots": 8}}])

        # It is as it says: nobody gets in.
        dropped = wall.dropped()
        host, _, port = walled["mesh"].rpartition(":")
        with pytest.raises(OSError):
            socket.create_connection((host, int(port)), 1)
        assert wall.dropped() > dropped

        viewer = {"Authorization": f"Bearer {TOKENS['viewer']}"}

        def is_known() -> bool:
            catalog = httpx.get(f"http://{user['api']}/mesh/catalog", headers=viewer).json()
            return any(entry["id"] == "walled-model" and entry["sites"][0]["state"] == "running"
                       for entry in catalog["models"])

        wait_for("its model is known outside", is_known, READY_SECONDS)
        body = {"model": "walled-model", "stream": True, "max_tokens": 30,
                "messages": [{"role": "user", "content": "Hello."}]}
        pieces = []
        with httpx.stream("POST", f"http://{user['api']}/v1/chat/completions", json=body, timeout=60,
                          headers={"Authorization": f"Bearer {TOKENS['user']}"}) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["X-Mesh-Site"] == "walled"
            pieces = [part for part in answer.iter_raw() if part]
        # As it comes, not all at its end.
        assert len(pieces) > 5
        assert b"".join(pieces).endswith(b"data: [DONE]\n\n")
        topology = httpx.get(f"http://{user['api']}/mesh/topology", headers=viewer).json()
        walled_site = next(site for site in topology["sites"] if site["site"] == "walled")
        assert walled_site["nodes"][0]["via"] == ["kappa/k1", "lambda/l1"]
        assert walled_site["nodes"][0]["state"] == "alive"


# MARK: carriers that do not


def test_a_node_that_carries_nothing_says_so(tmp_path):
    """Carrying is by choice: who parks where nobody carries is told, and goes on trying elsewhere."""
    authority = Authority("unwilling", tmp_path / "trust")
    listen = {"api": f"127.0.0.1:{free_port()}", "mesh": f"127.0.0.1:{free_port()}"}
    unwilling = write_configuration(tmp_path, authority.issue("site", "s1"), "unwilling", "site", "s1", listen=listen)
    outbound = write_configuration(
        tmp_path, authority.issue("other", "o1"), "unwilling", carriers=[listen["mesh"]], seeds=[listen["mesh"]])
    with serving(unwilling), serving(outbound) as (process, log):
        wait_for("it is told", lambda: f"{listen['mesh']} answered 404 (not_a_carrier)" in log.read_text(), READY_SECONDS)
        assert is_running(process.pid)
