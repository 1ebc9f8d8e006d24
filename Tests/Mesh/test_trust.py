"""Who may speak on the mesh port, and what a node says of those who may not."""

import datetime
import json
import pathlib
import ssl
import urllib.parse

import httpx
import pytest

from certificates import Authority, Identity
from harness import Mesh
from nodes import serving, write_configuration
from processes import TimedOut, dialled, wait_for

ALPN = "meshnode/1"
DAY = datetime.timedelta(days=1)
# Some dials long: nodes look for their seeds every second.
WATCHED_SECONDS = 3


def port_of(url: str) -> int:
    return urllib.parse.urlsplit(url).port


def is_accepted(url: str, identity: Identity | None, alpn: str | None = ALPN,
                newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bool:
    """Whether the mesh port completes a handshake and then answers a request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols([alpn])
    if identity:
        context.load_cert_chain(identity.certificate_file, identity.key_file)
    try:
        with dialled(("127.0.0.1", port_of(url))) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                # In TLS 1.3 a client's certificate is refused after the handshake looks done to the client.
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return connection.recv(1) != b""
    except (ssl.SSLError, ConnectionError):
        return False


def certificate_of(mesh: Mesh, site: str) -> Identity:
    """The files of a running node, as its state directory has them."""
    folder = pathlib.Path(mesh.node(site).state)
    texts = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    key = next(path for path, text in texts.items() if b"PRIVATE KEY" in text)
    certificate = next(path for path, text in texts.items()
                       if b"BEGIN CERTIFICATE" in text and path.read_text() != pathlib.Path(mesh.ready["ca"]).read_text())
    return Identity(pathlib.Path(mesh.ready["ca"]), certificate, key)


def test_a_node_of_the_federation_is_accepted(mesh: Mesh, site: str):
    assert is_accepted(mesh.node(site).mesh, certificate_of(mesh, "alpha"))


def test_refused_on_the_mesh_port(mesh: Mesh, tmp_path: pathlib.Path):
    ours = certificate_of(mesh, "alpha")
    foreign = Authority("elsewhere", tmp_path / "elsewhere")
    # Another root that claims the same federation's name.
    impostor = Authority(mesh.federation, tmp_path / "impostor")
    url = mesh.node("beta").mesh
    refused = {
        "no certificate": is_accepted(url, None),
        "another federation": is_accepted(url, foreign.issue("alpha", "a1")),
        "an impostor's root": is_accepted(url, impostor.issue("alpha", "a1")),
        "TLS 1.2": is_accepted(url, ours, newest=ssl.TLSVersion.TLSv1_2),
        "no ALPN": is_accepted(url, ours, alpn=None),
        "other ALPN": is_accepted(url, ours, alpn="h2"),
    }
    assert not any(refused.values()), refused
    assert is_accepted(url, ours), "refusing others has broken it for its own"


def test_no_session_is_resumed(mesh: Mesh):
    """A resumed session would skip the check of the certificate, and early data could be replayed: neither is offered."""
    ours = certificate_of(mesh, "alpha")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    context.load_cert_chain(ours.certificate_file, ours.key_file)
    session = None
    for _ in range(2):
        with dialled(("127.0.0.1", port_of(mesh.node("beta").mesh))) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                # Tickets would come before the answer.
                assert connection.recv(1)
                assert not connection.session_reused
                session = connection.session
                assert session is None or not session.has_ticket


def test_the_mesh_port_is_not_the_api_port(mesh: Mesh):
    with pytest.raises(httpx.HTTPError):
        httpx.get(mesh.nodes[0].mesh.replace("https", "http") + "/healthz", timeout=10)


def refusals(log: str) -> list[str]:
    """Lines about a connection that came to nothing because of who is at its other end."""
    return [line for line in log.splitlines() if "refused" in line]


def test_strangers_are_refused_and_logged_once(fresh_mesh: Mesh, tmp_path: pathlib.Path):
    """A peer that would trust anyone, and dials again at once."""
    foreign = Authority("elsewhere", tmp_path / "elsewhere").issue("other", "o1")
    alpha = fresh_mesh.node("alpha")
    for _ in range(20):
        assert not is_accepted(alpha.mesh, foreign)
    wait_for("the refusal is logged", lambda: refusals(fresh_mesh.node_log(alpha)), 10)
    lines = refusals(fresh_mesh.node_log(alpha))
    assert len(lines) == 1, lines
    assert "elsewhere" in lines[0] and fresh_mesh.federation in lines[0]


def test_nodes_of_two_federations_refuse_each_other(fresh_mesh: Mesh, tmp_path: pathlib.Path):
    foreign = Authority("elsewhere", tmp_path / "elsewhere")
    alpha = fresh_mesh.node("alpha")
    seed = f"127.0.0.1:{port_of(alpha.mesh)}"
    configuration = write_configuration(tmp_path, foreign.issue("other", "o1"), "elsewhere", seeds=[seed])
    with serving(configuration) as (process, log):
        wait_for("the stranger logs it", lambda: refusals(log.read_text()), 20)
        wait_for("alpha logs it", lambda: refusals(fresh_mesh.node_log(alpha)), 20)
        # It dials again and again: the logs must stay as they are for as long as we watch.
        def more_are_logged() -> bool:
            return len(refusals(log.read_text()) + refusals(fresh_mesh.node_log(alpha))) > 2

        try:
            wait_for("a further line", more_are_logged, WATCHED_SECONDS)
        except TimedOut:
            pass
        line, = refusals(log.read_text())
        assert "elsewhere" in line and fresh_mesh.federation in line
        assert len(refusals(fresh_mesh.node_log(alpha))) == 1
        assert process.poll() is None, "a node goes on without its seeds"
    topology = fresh_mesh.get("/mesh/topology").json()
    assert {place["site"] for place in topology["sites"]} == {"alpha", "beta", "gamma"}


@pytest.mark.parametrize("name, ends_in, identities, word", [
    ("expired", -DAY / 2, None, "expired"),
    ("two identities", DAY, ["spiffe://tests/site/other/node/o1", "spiffe://tests/site/other/node/o2"], "URI"),
    ("no identity", DAY, [], "URI"),
    ("another node", DAY, ["spiffe://tests/site/other/node/o9"], "o9"),
    ("another federation", DAY, ["spiffe://elsewhere/site/other/node/o1"], "elsewhere"),
])
def test_a_node_refuses_its_own_bad_certificate(tmp_path, name, ends_in, identities, word):
    authority = Authority("tests", tmp_path / "ca")
    identity = authority.issue("other", "o1", begins_in=-2 * DAY, ends_in=ends_in, identities=identities)
    with serving(write_configuration(tmp_path, identity, "tests")) as (process, log):
        assert process.wait(20) == 1, log.read_text()
    lines = log.read_text().strip().splitlines()
    assert len(lines) == 1, lines
    assert word in lines[0]


def test_a_key_that_cannot_be_read(tmp_path):
    authority = Authority("tests", tmp_path / "ca")
    identity = authority.issue("other", "o1")
    identity.key_file.write_text("not a key\n")
    with serving(write_configuration(tmp_path, identity, "tests")) as (process, log):
        assert process.wait(20) == 1, log.read_text()
    lines = log.read_text().strip().splitlines()
    assert len(lines) == 1 and str(identity.key_file) in lines[0], lines


def test_a_key_of_another_certificate(tmp_path):
    authority = Authority("tests", tmp_path / "ca")
    identity, other = authority.issue("other", "o1"), authority.issue("other", "o1")
    identity.key_file = other.key_file
    with serving(write_configuration(tmp_path, identity, "tests")) as (process, log):
        assert process.wait(20) == 1, log.read_text()
    assert len(log.read_text().strip().splitlines()) == 1


def test_a_node_by_itself_is_ready(tmp_path):
    authority = Authority("tests", tmp_path / "ca")
    configuration = write_configuration(tmp_path, authority.issue("other", "o1"), "tests")
    api = json.loads(configuration.read_text())["listen"]["api"]
    with serving(configuration) as (process, log):
        wait_for("ready", lambda: httpx.get(f"http://{api}/readyz").status_code == 200, 20)
        assert process.poll() is None
