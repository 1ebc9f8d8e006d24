"""Who may use what: rules at the entry node, and again at the serving site for those who come past it."""

import base64
import json
import pathlib
import socket
import ssl
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certificates import Identity
from harness import Mesh, write_topology
from test_trust import ALPN, certificate_of, port_of

GROUP = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("access")
    with Mesh(write_topology("access.json5", folder), folder) as running:
        yield running


def error(answer: httpx.Response) -> dict:
    return answer.json()["error"]


@pytest.mark.parametrize("site", ["alpha", "beta"])
def test_the_rule_is_named_and_not_whom_it_admits(guarded: Mesh, site: str):
    answer = guarded.chat(guarded.node(site), "guarded")
    assert answer.status_code == 403
    refusal = error(answer)
    assert (refusal["type"], refusal["code"]) == ("permission_error", "access_denied")
    assert "model guarded at beta" in refusal["message"] and "group" in refusal["message"]
    assert GROUP not in answer.text


def test_a_sites_rule(guarded: Mesh):
    alpha = guarded.node("alpha")
    assert guarded.chat(alpha, "site-only").status_code == 200
    # The viewer's token is none of those that the site names.
    refused = guarded.post(alpha, "/v1/chat/completions", role="viewer", json={
        "model": "site-only", "messages": [{"role": "user", "content": "Hello."}]})
    assert refused.status_code == 403
    assert "site beta" in error(refused)["message"]


def test_the_site_that_admits_serves(guarded: Mesh):
    for site in ["alpha", "beta"]:
        for _ in range(4):
            answer = guarded.chat(guarded.node(site), "away")
            assert answer.status_code == 200
            assert answer.headers["x-mesh-site"] == "alpha"
    pinned = guarded.chat(guarded.node("alpha"), "away@beta")
    assert pinned.status_code == 403
    assert "model away at beta" in error(pinned)["message"]


@pytest.mark.parametrize("site", ["alpha", "beta"])
def test_listings_show_what_the_caller_may_use(guarded: Mesh, site: str):
    node = guarded.node(site)

    def listed(role: str) -> dict:
        return {entry["id"]: [place["site"] for place in entry["sites"]]
                for entry in guarded.get("/v1/models", role=role, node=node).json()["data"]}

    assert listed("user") == {"open": ["alpha"], "away": ["alpha"], "site-only": ["beta"]}
    assert listed("viewer") == {"open": ["alpha"], "away": ["alpha"]}
    shown = guarded.get("/v1/models/guarded", role="user", node=node)
    assert shown.status_code == 403 and error(shown)["code"] == "access_denied"
    # A near miss must not be told what there is.
    unknown = guarded.get("/v1/models/guardet", role="user", node=node)
    assert unknown.status_code == 404 and "guarded" not in error(unknown)["message"]


# Past the entry node: what a compromised or an old node could send.


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def statement(identity: Identity, claims: dict, kind: str = "meshnode-identity+jws") -> str:
    """What a node says of a user, signed by its key."""
    certificate = x509.load_pem_x509_certificate(identity.certificate_file.read_bytes())
    key = serialization.load_pem_private_key(identity.key_file.read_bytes(), None)
    header = {"alg": "ES256", "kid": certificate.fingerprint(hashes.SHA256()).hex(), "typ": kind}
    signed = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def claims(**changes: object) -> dict:
    now = int(time.time())
    return {"iss": "alpha/a1", "aud": "beta", "federation": "tests", "iat": now, "exp": now + 60, "user": {
        "subject": "9c8f0000-0000-0000-0000-000000000000", "username": "alice@anl.gov", "domain": "anl.gov",
        "groups": [GROUP], "policies": [], "isServiceAccount": False}, **changes}


def from_node(mesh: Mesh, site: str, identity: Identity, model: str, says: str | None = None) -> tuple[int, str, str]:
    """One request on a site's mesh port: status, `Meshnode-Refused`, and all of the answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4})
    fields = [f"Host: {site}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close",
              f"Meshnode-Model: {model}", "Meshnode-Request-Id: req_1", "Meshnode-Admission: queue"]
    if says is not None:
        fields.append(f"Meshnode-Identity: {says}")
    head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *fields, "", ""])
    with socket.create_connection(("127.0.0.1", port_of(mesh.node(site).mesh)), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall((head + body).encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
    text = answer.decode()
    lines = text.split("\r\n\r\n")[0].splitlines()
    refused = next((line.split(": ")[1] for line in lines if line.lower().startswith("meshnode-refused")), "")
    return int(lines[0].split()[1]), refused, text


def test_the_serving_site_believes_a_signed_statement(guarded: Mesh):
    alpha = certificate_of(guarded, "alpha")
    status, refused, text = from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims()))
    # In the group, but the site's own rule names others.
    assert (status, refused) == (403, "access_denied")
    assert "site beta" in text
    user = {**claims()["user"], "username": "user"}
    status, refused, text = from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims(user=user)))
    assert status == 200, text


def test_the_serving_site_checks_its_own_rules(guarded: Mesh):
    """An entry node that lets everything pass gains nothing."""
    alpha = certificate_of(guarded, "alpha")
    user = {**claims()["user"], "username": "user", "groups": []}
    status, refused, text = from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims(user=user)))
    assert (status, refused) == (403, "access_denied")
    assert "model guarded at beta" in text and GROUP not in text


def test_without_a_statement_a_guarded_model_is_refused(guarded: Mesh):
    """As an entry node of before there were statements would ask."""
    alpha = certificate_of(guarded, "alpha")
    assert from_node(guarded, "beta", alpha, "guarded")[:2] == (401, "identity_missing")
    assert from_node(guarded, "alpha", certificate_of(guarded, "beta"), "open")[0] == 200


def test_bad_statements_are_refused_and_counted(guarded: Mesh):
    alpha, beta = certificate_of(guarded, "alpha"), certificate_of(guarded, "beta")
    now = int(time.time())
    good = statement(alpha, claims())
    first, payload, signature = good.split(".")
    altered = {**claims(), "user": {**claims()["user"], "username": "operator"}}
    cases = {
        "identity_other_audience": (403, statement(alpha, claims(aud="gamma"))),
        "identity_other_signer": (403, statement(beta, claims())),
        "identity_bad_signature": (401, f"{first}.{encoded(json.dumps(altered).encode())}.{signature}"),
        "identity_expired": (401, statement(alpha, claims(iat=now - 200, exp=now - 140))),
        "identity_not_yet_valid": (401, statement(alpha, claims(iat=now + 100, exp=now + 160))),
        "identity_malformed": (401, statement(alpha, claims(exp=now + 3600))),
        "identity_too_large": (401, "A" * 40_000),
    }

    def counted() -> float:
        lines = guarded.get("/metrics", node=guarded.node("beta")).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("meshnode_identities_refused_total "))

    before = counted()
    for code, (status, says) in cases.items():
        assert from_node(guarded, "beta", alpha, "guarded", says)[:2] == (status, code)
    assert from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims(), "meshnode-record+jws"))[0] == 401
    assert counted() - before == len(cases) + 1


def test_rules_that_say_nothing_are_errors(tmp_path: pathlib.Path):
    from harness import run
    topology = write_topology("access.json5", tmp_path)
    topology.write_text(topology.read_text().replace('{ users: ["user", "operator"] }', "{}"))
    checked = run("check", topology)
    assert checked.returncode == 2
    assert "access.site" in checked.stderr + checked.stdout and "everyone" in checked.stderr + checked.stdout
