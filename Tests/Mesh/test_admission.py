"""The gate at the serving site, seen from outside: who comes first, who is refused and when, and what nodes and clients may say of it."""

import concurrent.futures
import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Iterator

import httpx
import pytest

from certificates import Identity
from harness import Mesh, Node, write_topology
from hostile import chat, claims, statement
from processes import dialled, wait_for
from rawhttp import chat_request, connect
from stub import CHAT_MODEL, Stub
from test_trust import ALPN, certificate_of, port_of

SEEN_SECONDS = 20
EVERYWHERE = "twice"  # at gamma and at delta


class Line:
    """A federation whose models run one request at a time, and requests that wait for them in order."""

    def __init__(self, mesh: Mesh, gamma: Stub, delta: Stub):
        self.mesh, self.gamma, self.delta = mesh, gamma, delta
        self.pool = concurrent.futures.ThreadPoolExecutor(32)
        self.begun: list[concurrent.futures.Future] = []

    def metric(self, site: str, name: str, model: str = CHAT_MODEL, **labels: str) -> float:
        wanted = [f'model="{model}"', *(f'{key}="{value}"' for key, value in labels.items())]
        lines = self.mesh.get("/metrics", node=self.mesh.node(site)).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines
                   if line.startswith(f"meshnode_admission_{name}{{") and all(label in line for label in wanted))

    def waiting(self, site: str, model: str = CHAT_MODEL) -> int:
        return int(self.metric(site, "waiting", model))

    def ask(self, marker: str, entry: str = "gamma", model: str = CHAT_MODEL, role: str = "user", headers: dict | None = None,
            **fields: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": marker}], "max_tokens": 8, **fields}
        return self.mesh.post(self.mesh.node(entry), "/v1/chat/completions", role=role, headers=headers, json=body)

    def queue(self, marker: str, at: str = "gamma", **more: object) -> concurrent.futures.Future:
        """A request that is in line at a site when this returns."""
        model = str(more.get("model", CHAT_MODEL)).partition("@")[0]
        before = self.waiting(at, model)
        future = self.pool.submit(self.ask, marker, **more)
        self.begun.append(future)
        wait_for(f"{marker} waits at {at}", lambda: future.done() or self.waiting(at, model) == before + 1, SEEN_SECONDS)
        assert not future.done(), future.result().text
        return future

    def hold(self, stub: Stub, model: str = CHAT_MODEL) -> Callable[[], None]:
        """Takes a model's slot; what is returned gives it back."""
        entry = self.mesh.node("gamma")
        body = {"model": model, "messages": [{"role": "user", "content": "held"}], "stub_pause_seconds": 120}
        connection = connect(entry.api)
        connection.sendall(chat_request("x", self.mesh.tokens["user"], json.dumps(body).encode()))
        wait_for("the slot is taken", lambda: stub.running == 1, SEEN_SECONDS)
        return connection.close

    def taken(self, site: str, seconds: float, model: str = CHAT_MODEL) -> None:
        """Lets a site measure how long a slot is taken."""
        answer = self.ask("measured", entry="gamma", model=f"{model}@{site}", stub_pause_seconds=seconds)
        assert answer.status_code == 200, answer.text

    def order(self) -> list[str]:
        """Marks of the requests that gamma's server had, in order."""
        return [message for request in self.gamma.requests
                if (message := json.loads(request["body"])["messages"][0]["content"]) not in ("held", "measured")]

    def finish(self) -> None:
        for future in self.begun:
            answer = future.result(SEEN_SECONDS)
            assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mesh, Stub, Stub]]:
    folder = tmp_path_factory.mktemp("admission")
    with contextlib.closing(Stub()) as gamma, contextlib.closing(Stub()) as delta:
        topology = write_topology("admission.json5", folder, GAMMA_PORT=gamma.port, DELTA_PORT=delta.port)
        with Mesh(topology, folder) as mesh:
            yield mesh, gamma, delta


@pytest.fixture
def line(running: tuple[Mesh, Stub, Stub]) -> Iterator[Line]:
    mesh, gamma, delta = running
    wait_for("nothing runs", lambda: gamma.running == delta.running == 0, SEEN_SECONDS)
    gamma.requests.clear()
    delta.requests.clear()
    line = Line(mesh, gamma, delta)
    yield line
    line.pool.shutdown(wait=False)
    for site, model in (("gamma", CHAT_MODEL), ("gamma", EVERYWHERE), ("delta", EVERYWHERE)):
        wait_for("all is quiet", lambda: line.metric(site, "running", model) == 0, SEEN_SECONDS)


def test_interactive_before_batch(line: Line):
    release = line.hold(line.gamma)
    for number in range(3):
        line.queue(f"batch-{number}", service_tier="flex")
    for number, tier in enumerate(("auto", None, "priority")):
        line.queue(f"now-{number}", **({"service_tier": tier} if tier else {}))
    assert line.metric("gamma", "waiting", priority="batch") == 3
    release()
    line.finish()
    assert line.order() == ["now-0", "now-1", "now-2", "batch-0", "batch-1", "batch-2"]
    # What the client wrote goes to the server as it is.
    assert b'"service_tier":"flex"' in line.gamma.request_with("batch-0")["body"].replace(b" ", b"")


def test_batch_of_another_site_waits_too(line: Line):
    release = line.hold(line.gamma)
    line.queue("batch", entry="alpha", service_tier="flex")
    line.queue("now", entry="beta")
    release()
    line.finish()
    assert line.order() == ["now", "batch"]


def test_users_take_turns(line: Line):
    release = line.hold(line.gamma)
    for number in range(5):
        line.queue(f"many-{number}", entry="alpha", role="user")
    for number in range(2):
        line.queue(f"few-{number}", entry="alpha", role="operator")
    release()
    line.finish()
    assert line.order() == ["many-0", "few-0", "many-1", "few-1", "many-2", "many-3", "many-4"]


def test_sites_take_turns(line: Line):
    release = line.hold(line.gamma)
    for number in range(3):
        line.queue(f"a-user-{number}", entry="alpha", role="user")
    for number in range(2):
        line.queue(f"a-operator-{number}", entry="alpha", role="operator")
    for number in range(3):
        line.queue(f"b-{number}", entry="beta")
    release()
    line.finish()
    assert line.order() == ["a-user-0", "b-0", "a-operator-0", "b-1", "a-user-1", "b-2", "a-operator-1", "a-user-2"]


def test_the_line_is_bounded(line: Line):
    release = line.hold(line.gamma)
    for number in range(8):
        line.queue(f"in-{number}", entry=("alpha", "gamma")[number % 2])
    for entry in ("alpha", "gamma"):
        answer = line.ask("over", entry=entry)
        assert answer.status_code == 503, answer.text
        assert answer.json()["error"]["code"] == "mesh_overloaded"
        assert 1 <= int(answer.headers["retry-after"]) <= 120
    assert line.waiting("gamma") == 8
    assert line.metric("gamma", "refused_total", cause="queueFull") == 2
    release()
    line.finish()
    assert "over" not in line.order()


@pytest.mark.parametrize("entry", ["gamma", "alpha"])
def test_a_deadline_that_the_line_cannot_keep_is_refused_at_once(line: Line, entry: str):
    model = f"slow-{entry}"
    line.taken("gamma", 5, model)
    release = line.hold(line.gamma, model)
    answer = line.ask("late", entry=entry, model=model, headers={"Mesh-Deadline": "4"})
    # The slot is still taken, and its deadline has not passed: that would be 504.
    assert answer.status_code == 503, answer.text
    assert line.gamma.running == 1 and line.waiting("gamma", model) == 0
    assert int(answer.headers["retry-after"]) >= 5
    assert line.metric("gamma", "refused_total", model, cause="late") == 1
    release()
    assert "late" not in line.order()


def test_the_deadline_ends_the_wait_in_line(line: Line):
    """Nothing is known of how long a slot is taken: the request waits, as long as its entry does."""
    release = line.hold(line.gamma, "timed")
    timed = line.pool.submit(line.ask, "timed", entry="alpha", model="timed", headers={"Mesh-Deadline": "3"})
    wait_for("it waits", lambda: line.waiting("gamma", "timed") == 1, SEEN_SECONDS)
    wait_for("it waits no longer", lambda: line.waiting("gamma", "timed") == 0, SEEN_SECONDS)
    answer = timed.result(SEEN_SECONDS)
    assert answer.status_code == 504, answer.text
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert line.gamma.running == 1
    release()
    assert "timed" not in line.order()


def test_another_site_takes_what_the_line_cannot_keep(line: Line):
    """Gamma's line is the shorter one and slow, delta's longer and quick."""
    line.taken("gamma", 8, EVERYWHERE)
    for _ in range(3):
        line.taken("delta", 0.05, EVERYWHERE)
    releases = [line.hold(line.gamma, f"{EVERYWHERE}@gamma"), line.hold(line.delta, f"{EVERYWHERE}@delta")]
    for number in range(2):
        line.queue(f"delta-{number}", at="delta", entry="beta", model=f"{EVERYWHERE}@delta")
    asked = line.queue("wanted", at="delta", entry="alpha", model=EVERYWHERE, headers={"Mesh-Deadline": "7"})
    assert line.waiting("gamma", EVERYWHERE) == 0
    releases[1]()
    answer = asked.result(SEEN_SECONDS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-mesh-site"] == "delta"
    releases[0]()
    line.finish()


# What stands in heads between nodes.


@pytest.fixture(scope="module")
def identity(running: tuple[Mesh, Stub, Stub]) -> Identity:
    return certificate_of(running[0], "alpha")


def peer_chat(line: Line, identity: Identity, **fields: str):
    says = statement(identity, claims(aud="gamma"))
    return chat(line.mesh.node("gamma"), identity, CHAT_MODEL, says, **fields)


def test_fields_that_a_node_writes(line: Line, identity: Identity):
    answer = peer_chat(line, identity, Meshnode_Priority="batch", Meshnode_Tokens="prompt=10; answer=20",
                       Meshnode_Deadline="20.000", Meshnode_Later="unknown")
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("field, value", [
    ("Meshnode_Admission", "please"), ("Meshnode_Priority", "first"), ("Meshnode_Priority", ""),
    ("Meshnode_Deadline", "-1.000"), ("Meshnode_Deadline", "0.000"), ("Meshnode_Deadline", "1e9"),
    ("Meshnode_Deadline", "99999999999999999999999.000"), ("Meshnode_Deadline", "nan"), ("Meshnode_Deadline", "5"),
    ("Meshnode_Tokens", "-5"), ("Meshnode_Tokens", "prompt=-5; answer=1"),
    ("Meshnode_Tokens", "prompt=99999999999999999999; answer=1"), ("Meshnode_Tokens", "prompt=1"),
    ("Meshnode_User", "u" * 2000), ("Meshnode_Model", "m" * 2000),
    # In other letters, so that it stands beside the one that is always sent.
    ("MESHNODE_ADMISSION", "queue"), ("MESHNODE_MODEL", CHAT_MODEL), ("MESHNODE_REQUEST_ID", "other"),
])
def test_hostile_fields_of_a_node(line: Line, identity: Identity, field: str, value: str):
    answer = peer_chat(line, identity, **{field: value})
    assert answer.status == 400, answer.text
    error = json.loads(answer.body)["error"]
    assert error["code"] == "bad_mesh_field"
    assert field.lower().replace("_", "-") in error["message"]
    assert not line.gamma.requests


def test_fields_between_nodes_are_not_a_clients_to_write(line: Line):
    absurd = [("Meshnode-Priority", "batch"), ("Meshnode-Priority", "x"), ("Meshnode-Deadline", "-5"),
              ("Meshnode-Tokens", "9" * 40), ("Meshnode-Admission", "nonsense"), ("Meshnode-User", "operator"),
              ("Meshnode-Model", "other"), ("Meshnode-Identity", "forged"), ("Meshnode-Load", "slots=0; running=9; waiting=9")]
    for entry in ("alpha", "gamma"):
        node = line.mesh.node(entry)
        body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": f"from {entry}"}]}
        answer = httpx.post(f"{node.api}/v1/chat/completions", json=body, timeout=30,
                            headers=[*line.mesh.headers("user").items(), *absurd])
        assert answer.status_code == 200, answer.text
        seen = line.gamma.request_with(f"from {entry}")["headers"]
        assert not [name for name in seen if name.lower().startswith("meshnode-")]
    # Nor do they change its place in line.
    release = line.hold(line.gamma)
    line.queue("batch", entry="alpha", service_tier="flex")
    line.queue("says batch", entry="alpha", headers={"Meshnode-Priority": "batch"})
    release()
    line.finish()
    assert line.order()[-2:] == ["says batch", "batch"]


def head_alone(node: Node, identity: Identity, length: int, **fields: str) -> bytes:
    """What a mesh port says to a head whose body waits for its word."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: mesh", f"Content-Length: {length}", "Expect: 100-continue",
             "Content-Type: application/json", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()), "", ""]
    with dialled(("127.0.0.1", port_of(node.mesh)), 20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall("\r\n".join(lines).encode())
            answer = b""
            while b"\r\n\r\n" not in answer and (part := connection.recv(65536)):
                answer += part
            with contextlib.suppress(OSError):
                connection.unwrap().shutdown(socket.SHUT_RDWR)
            return answer


def test_a_refusal_comes_before_the_body(line: Line, identity: Identity):
    gamma = line.mesh.node("gamma")
    fields = {"Meshnode_Model": CHAT_MODEL, "Meshnode_Request_Id": "r", "Meshnode_Admission": "refuse",
              "Meshnode_Identity": statement(identity, claims(aud="gamma"))}
    assert head_alone(gamma, identity, 1 << 20, **fields).startswith(b"HTTP/1.1 100 ")
    wait_for("its slot is free again", lambda: line.metric("gamma", "running") == 0, SEEN_SECONDS)
    release = line.hold(line.gamma)
    refused = head_alone(gamma, identity, 1 << 20, **fields)
    assert refused.startswith(b"HTTP/1.1 503 "), refused
    assert b"\r\nMeshnode-Refused: full\r\n" in refused
    assert b"\r\nMeshnode-Load: slots=1; running=1; waiting=0\r\n" in refused
    assert b"\r\nRetry-After: " in refused
    bad = head_alone(gamma, identity, 1 << 20, **{**fields, "Meshnode_Tokens": "many"})
    assert bad.startswith(b"HTTP/1.1 400 "), bad
    release()


def test_a_large_body_goes_elsewhere_unsent_where_the_gate_refuses(line: Line):
    """More than 64 KiB: gamma, whose slot is taken, has only its head; delta runs it whole."""
    release = line.hold(line.gamma, f"{EVERYWHERE}@gamma")

    def is_free() -> bool:
        seen = line.mesh.get(f"/mesh/route?model={EVERYWHERE}", node=line.mesh.node("alpha")).json()["candidates"]
        return next(candidate for candidate in seen if candidate["site"] == "delta")["free"] > 0

    # It was full in the test before: where all are thought full, the request would stand in line at one.
    wait_for("alpha knows that delta is free", is_free, SEEN_SECONDS)
    for number in range(3):
        answer = line.ask(f"big-{number}", entry="alpha", model=EVERYWHERE, stub_filler="x" * 200_000)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-mesh-site"] == "delta"
    assert all(len(request["body"]) > 200_000 for request in line.delta.requests)
    release()
