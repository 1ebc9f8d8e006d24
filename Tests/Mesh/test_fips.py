"""FIPS: a federation whose cryptography comes from OpenSSL's FIPS provider alone, and what such a node refuses."""

import json
import pathlib
import socket
import ssl
import subprocess
import threading

import httpx
import pytest

import fips
from certificates import Authority, Identity
from harness import Mesh, run, write_topology
from nodes import TOKENS, serving, write_configuration
from processes import wait_for
from test_trust import certificate_of, port_of

REQUIRED = {"MESHNODE_FIPS": "required"}


@pytest.fixture(scope="module")
def provider() -> dict[str, str]:
    if not fips.is_available():
        pytest.skip("the FIPS provider is not here: scripts/fips-provider prepare")
    return fips.environment()


@pytest.fixture(scope="module")
def fips_mesh(provider: dict[str, str], tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("fips")
    with Mesh(write_topology("fragile.json5", folder), folder, {**provider, **REQUIRED}) as running:
        yield running


def only_line(text: str) -> str:
    line, = text.strip().splitlines()
    return line


def test_a_federation_answers(fips_mesh: Mesh, provider: dict[str, str]):
    alpha = fips_mesh.node("alpha")
    answer = fips_mesh.chat(alpha, "solo")
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Mesh-Site"] == "beta", "it should have crossed the mesh"
    for node in fips_mesh.nodes:
        assert '"required"' in (pathlib.Path(node.state) / "node.json5").read_text()
        maps = pathlib.Path(f"/proc/{node.pid}/maps").read_text()
        assert f"{provider['OPENSSL_MODULES']}/fips.so" in maps, "the provider is not loaded"


def offers(mesh: Mesh, *arguments: str) -> str:
    """What `openssl s_client` says of the mesh port when it offers no more than given; it shows a good certificate."""
    ours = certificate_of(mesh, "alpha")
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port_of(mesh.node('beta').mesh)}", "-alpn", "meshnode/1",
         "-cert", ours.certificate_file, "-key", ours.key_file, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20).stdout


@pytest.mark.parametrize("arguments, accepted", [
    (["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], False),
    (["-groups", "X25519"], False),
    (["-groups", "X25519", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], False),
    (["-groups", "P-521"], False),
    (["-sigalgs", "ed25519"], False),
    (["-groups", "P-256", "-ciphersuites", "TLS_AES_256_GCM_SHA384"], True),
    (["-groups", "P-384", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], True),
])
def test_what_a_peer_may_offer(fips_mesh: Mesh, arguments: list[str], accepted: bool):
    said = offers(fips_mesh, *arguments)
    assert ("Cipher is TLS_AES" in said) == accepted, said


def test_the_same_offers_are_taken_without_fips(mesh: Mesh):
    """The refusals above are not for some other reason."""
    for arguments in (["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], ["-groups", "X25519"]):
        assert "Cipher is TLS_" in offers(mesh, *arguments), arguments


def test_a_node_with_and_one_without_fips_are_one_federation(provider: dict[str, str], tmp_path: pathlib.Path):
    authority = Authority("tests", tmp_path / "ca")
    first = write_configuration(tmp_path, authority.issue("one", "o1"), "tests", site="one", node="o1", fips="required")
    seed = json.loads(first.read_text())["listen"]["mesh"]
    second = write_configuration(
        tmp_path, authority.issue("two", "t1"), "tests", site="two", node="t1", seeds=[seed])
    api = json.loads(first.read_text())["listen"]["api"]
    with serving(first, provider), serving(second):
        def states() -> set[str]:
            topology = httpx.get(f"http://{api}/mesh/topology", headers={"Authorization": f"Bearer {TOKENS['viewer']}"}).json()
            return {node["state"] for site in topology["sites"] for node in site["nodes"] if site["site"] == "two"}

        wait_for("the two know each other", lambda: states() == {"alive"}, 20)


@pytest.mark.parametrize("how", ["by its configuration", "by the environment"])
def test_without_the_provider_a_node_does_not_start(tmp_path: pathlib.Path, how: str):
    authority = Authority("tests", tmp_path / "ca")
    by_file = how == "by its configuration"
    configuration = write_configuration(
        tmp_path, authority.issue("one", "o1"), "tests", **({"fips": "required"} if by_file else {}))
    result = run("serve", "--config", configuration, environment={} if by_file else REQUIRED)
    assert result.returncode == 1
    line = only_line(result.stderr)
    assert "fips" in line and "docs/fips.md" in line


@pytest.mark.parametrize("command", [["up", "topology/demo.json5"], ["models"]])
def test_without_the_provider_no_command_runs(command: list[str]):
    result = run(*command, environment=REQUIRED)
    assert result.returncode == 1
    assert "docs/fips.md" in only_line(result.stderr)


def test_a_provider_that_was_changed_is_refused(provider: dict[str, str], tmp_path: pathlib.Path):
    result = run("models", environment={**fips.damaged(tmp_path), **REQUIRED})
    assert result.returncode == 1
    assert "docs/fips.md" in only_line(result.stderr)


def test_a_word_that_is_none():
    result = run("models", environment={"MESHNODE_FIPS": "yes"})
    assert result.returncode == 2
    assert "required" in only_line(result.stderr)


def test_the_doctor_shows_it(fips_mesh: Mesh, provider: dict[str, str], tmp_path: pathlib.Path):
    configuration = pathlib.Path(fips_mesh.node("alpha").state) / "node.json5"

    def finding(environment: dict[str, str]) -> dict:
        answer = json.loads(run("doctor", "--config", configuration, "--json", environment=environment).stdout)
        found, = (finding for finding in answer["findings"] if finding["name"] == "fips")
        return found

    assert finding(provider)["level"] == "ok" and "OpenSSL FIPS Provider" in finding(provider)["what"]
    absent = finding({})
    assert absent["level"] == "fail" and "fipsmodule.cnf" in absent["advice"]


class OneServer:
    """A TLS server that answers every request with one body."""

    BODY = b'{"data":[]}'

    def __init__(self, identity: Identity, ciphers: str | None = None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate_file, identity.key_file)
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        self.ciphers: list[str] = []
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{listening.getsockname()[1]}"
        self.socket = listening
        threading.Thread(target=self._serve, args=[context], daemon=True).start()

    def _serve(self, context: ssl.SSLContext) -> None:
        while True:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    self.ciphers.append(connection.cipher()[0])
                    connection.recv(4096)
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                        % (len(self.BODY), self.BODY))
            except OSError:
                continue


@pytest.mark.parametrize("ciphers, accepted", [(None, True), ("ECDHE+AESGCM", True), ("ECDHE+CHACHA20", False)])
def test_calls_outwards_too(provider: dict[str, str], tmp_path: pathlib.Path, ciphers: str | None, accepted: bool):
    """Commands, and calls to Globus, go through libcurl, which uses the same OpenSSL."""
    authority = Authority("tests", tmp_path / "ca")
    server = OneServer(authority.issue("one", "o1"), ciphers)
    try:
        result = run(
            "models", "--node", server.url, token="x",
            environment={**provider, **REQUIRED, "MESHNODE_CA": str(authority.file)})
    finally:
        server.socket.close()
    assert (result.returncode == 0) == accepted, result
    assert all("GCM" in cipher for cipher in server.ciphers), server.ciphers


def test_an_upstream_with_other_ciphers_is_not_used(provider: dict[str, str], tmp_path: pathlib.Path):
    authority = Authority("tests", tmp_path / "ca")
    server = OneServer(authority.issue("one", "s1"), "ECDHE+CHACHA20")
    try:
        configuration = write_configuration(
            tmp_path, authority.issue("one", "o1"), "tests", site="one", node="o1", fips="required",
            models=[{"id": "m", "backend": {"kind": "openai", "url": f"{server.url}/v1", "caFile": str(authority.file)}}])
        answer = json.loads(run("doctor", "--config", configuration, "--json", environment=provider).stdout)
    finally:
        server.socket.close()
    found, = (finding for finding in answer["findings"] if finding["name"] == "backend")
    assert found["level"] == "fail" and not server.ciphers, found
