"""A whole entry node in the wrong hands: its key, its certificate, and a program of their own. It gains what its site's own domains give
and nothing else (DESIGN.md §5)."""

import base64
import dataclasses
import json
import time

import httpx
import pytest

from certificates import Identity
from harness import Mesh, Node, write_topology
from hostile import ALICE, Answer, chat, claims, delta, encoded, gossip, send, signed, statement
from test_trust import certificate_of

BOB = {**ALICE, "subject": "77aa0000-0000-0000-0000-000000000000", "username": "bob@uchicago.edu", "domain": "uchicago.edu"}
PROVIDER = "0dc8adc1-7a55-4dbe-a02d-000000000001"


@dataclasses.dataclass
class Taken:
    """The federation, and what the attacker holds of it."""

    mesh: Mesh
    key: Identity
    other: Identity
    beta: Node
    gamma: Node

    def claim(self, model: str, user: dict, node: Node | None = None, **changes: object) -> Answer:
        """A request with a well made statement on a user."""
        node = node or self.beta
        return chat(node, self.key, model, statement(self.key, claims(user=user, aud=node.site, **changes)))


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("compromise")
    with Mesh(write_topology("compromise.json5", folder), folder) as mesh:
        key, other = certificate_of(mesh, "alpha"), certificate_of(mesh, "gamma")
        mesh.kill(mesh.node("alpha"))
        yield Taken(mesh, key, other, mesh.node("beta"), mesh.node("gamma"))


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.refused


SERVED = (200, "")
DENIED = (403, "access_denied")
NOT_VOUCHED = (403, "identity_not_vouched")


def test_what_its_own_domain_gives(taken: Taken):
    assert outcome(taken.claim("open", ALICE)) == SERVED
    assert outcome(taken.claim("anl", ALICE)) == SERVED
    assert outcome(taken.claim("alphas-token", {"subject": "static:ci", "username": "ci", "groups": [], "policies": [],
                                                 "isServiceAccount": False})) == SERVED


@pytest.mark.parametrize("model", ["open", "anl", "chicago", "bob", "subject", "provider", "token", "alphas-token"])
def test_users_of_foreign_domains(taken: Taken, model: str):
    answer = taken.claim(model, BOB)
    assert outcome(answer) == NOT_VOUCHED
    assert "uchicago.edu" in answer.text and "alpha" in answer.text and "operator" in answer.text


@pytest.mark.parametrize("model, changes, expected", [
    ("chicago", {}, DENIED),
    ("bob", {}, DENIED),
    # Its own domain, and something of another's beside it.
    ("bob", {"username": "bob@uchicago.edu"}, NOT_VOUCHED),
    ("bob", {"username": "bob@uchicago.edu@anl.gov"}, DENIED),
    ("subject", {"subject": BOB["subject"]}, DENIED),
    ("provider", {"identityProvider": PROVIDER}, DENIED),
    ("chicago", {"domain": "uchicago.edu"}, NOT_VOUCHED),
    ("chicago", {"domain": "UCHICAGO.EDU", "username": "a@UCHICAGO.EDU"}, NOT_VOUCHED),
    ("chicago", {"domain": "mcs.anl.gov", "username": "a@mcs.anl.gov"}, NOT_VOUCHED),
    ("chicago", {"domain": "anl.gov, uchicago.edu", "username": "a@anl.gov, uchicago.edu"}, NOT_VOUCHED),
    ("chicago", {"domain": "*", "username": "a@*"}, NOT_VOUCHED),
    # A program is not asked how it logged in; a person who is called one is.
    ("program", {"isServiceAccount": True}, DENIED),
    ("anl", {"domain": "clients.auth.globus.org", "username": "x@clients.auth.globus.org"}, NOT_VOUCHED),
    # Nobody's domain.
    ("anl", {"domain": None}, DENIED),
    ("bob", {"domain": None, "username": "bob@uchicago.edu"}, DENIED),
    ("subject", {"domain": None, "subject": BOB["subject"]}, DENIED),
    # Other sites' static tokens, by name or with their site's name.
    ("token", {"subject": "static:ci", "username": "ci"}, DENIED),
    ("token", {"subject": "static:ci@gamma", "username": "ci@gamma"}, DENIED),
    ("anl", {"subject": "static:ci", "username": "alice@anl.gov"}, DENIED),
    ("bob", {"subject": "static:x", "username": "bob@uchicago.edu", "domain": "uchicago.edu"}, DENIED),
])
def test_what_stands_beside_its_own_domain_is_not_believed(taken: Taken, model: str, changes: dict, expected: tuple):
    user = {name: value for name, value in {**ALICE, **changes}.items() if value is not None}
    answer = taken.claim(model, user)
    assert outcome(answer) == expected, answer.text


def test_models_of_high_assurance(taken: Taken):
    answer = taken.claim("high", ALICE)
    assert outcome(answer) == (403, "identity_high_assurance")
    assert taken.beta.api in answer.text


def test_a_site_that_takes_its_word_for_nobody(taken: Taken):
    answer = taken.claim("narrowed", ALICE, taken.gamma)
    assert outcome(answer) == NOT_VOUCHED and "access.vouching" in answer.text


def test_models_and_data_that_stay_at_their_site(taken: Taken):
    assert outcome(taken.claim("own", ALICE)) == (503, "local_only")
    says = statement(taken.key, claims())
    assert outcome(chat(taken.beta, taken.key, "clinic", says, Meshnode_Data_Class="phi")) == (403, "data_policy_refused")
    assert outcome(chat(taken.beta, taken.key, "open", says, Meshnode_Data_Class="shareable")) == (403, "data_policy_refused")
    assert outcome(chat(taken.beta, taken.key, "labelled", says, Meshnode_Data_Class="shareable")) == SERVED


def test_statements_that_are_not_its_own_or_not_good(taken: Taken):
    now = int(time.time())
    # A statement that gamma made for beta, word for word.
    gammas = statement(taken.other, claims(iss="gamma/g1"))
    good = statement(taken.key, claims())
    head, payload, signature = good.split(".")
    altered = encoded(json.dumps(claims(user=BOB)).encode())
    none = encoded(json.dumps({"alg": "none", "typ": "meshnode-identity+jws"}).encode())
    cases = [
        (gammas, (403, "identity_other_signer")),
        (statement(taken.key, claims(iss="gamma/g1")), (403, "identity_other_signer")),
        (statement(taken.other, claims()), (403, "identity_other_signer")),
        (statement(taken.key, claims(aud="gamma")), (403, "identity_other_audience")),
        (statement(taken.key, claims(federation="elsewhere")), (403, "identity_other_signer")),
        (f"{head}.{altered}.{signature}", (401, "identity_bad_signature")),
        (f"{none}.{altered}.", (401, "identity_malformed")),
        (statement(taken.key, claims(iat=now - 200, exp=now - 140)), (401, "identity_expired")),
        (statement(taken.key, claims(iat=now + 100, exp=now + 160)), (401, "identity_not_yet_valid")),
        (statement(taken.key, claims(exp=now + 86_400)), (401, "identity_malformed")),
        (signed(taken.key, claims(), "meshnode-record+jws"), (401, "identity_malformed")),
        (None, (401, "identity_missing")),
    ]
    for says, expected in cases:
        answer = chat(taken.beta, taken.key, "open", says)
        assert outcome(answer) == expected, (says, answer.text)
    # Two fields: the first counts, and a second changes nothing.
    answer = chat(taken.beta, taken.key, "chicago", f"{good}\r\nMeshnode-Identity: {gammas}")
    assert answer.status in (400, 403)


def test_the_fields_between_nodes_count_on_the_mesh_port_alone(taken: Taken):
    answer = httpx.post(
        f"{taken.beta.api}/v1/chat/completions", headers={"Meshnode-Identity": statement(taken.key, claims()),
                                                           "Meshnode-Model": "open", "Meshnode-User": "alice@anl.gov"},
        json={"model": "open", "messages": [{"role": "user", "content": "Hello."}]})
    assert answer.status_code == 401


def identity_record(taken: Taken, site: str, node: str, shown: Identity, generation: int) -> dict:
    certificate, *issuers = ("".join(text.split()) for text in shown.certificate_file.read_text().split("-----")[2::4])
    return {
        "federation": "tests", "origin": {"site": site, "node": node}, "issuedAt": int(time.time()),
        "version": {"generation": generation, "sequence": 1},
        "body": {"identity": {"_0": {
            "api": "http://127.0.0.1:1", "mesh": "https://127.0.0.1:1", "certificate": certificate, "issuers": issuers,
            "certificateExpires": int(time.time()) + 3600, "software": "hostile", "draining": False, "left": False}}}}


def refusals(mesh: Mesh, node: Node) -> dict[str, int]:
    name = 'meshnode_gossip_refusals_total{cause="'
    lines = mesh.get("/metrics", node=node).text.splitlines()
    return {line[len(name):].split('"')[0]: int(line.rpartition(" ")[2]) for line in lines if line.startswith(name)}


def test_records_about_other_nodes(taken: Taken):
    """gamma is at the attacker's address, says the attacker; beta goes on to know better."""
    generation = int(time.time()) + 1000
    lies = [
        # By the attacker's key and certificate; with gamma's certificate, which is no secret, and the attacker's key.
        identity_record(taken, "gamma", "g1", taken.key, generation),
        identity_record(taken, "gamma", "g1", taken.other, generation),
    ]
    before = refusals(taken.mesh, taken.beta)
    for lie in lies:
        token = signed(taken.key, lie, "meshnode-record+jws")
        assert gossip(taken.beta, taken.key, delta("gamma", "g1", "identity", generation, 1, token)).status == 200
    after = refusals(taken.mesh, taken.beta)
    assert {cause: count - before[cause] for cause, count in after.items() if count != before[cause]} == {
        "wrongOrigin": len(lies)}
    seen = {node["node"]: node for site in taken.mesh.get("/mesh/topology", node=taken.beta).json()["sites"]
            for node in site["nodes"]}
    assert seen["g1"]["mesh"] == taken.gamma.mesh and seen["g1"]["generation"] < generation


def test_the_operators_word_is_not_for_a_node_to_give(taken: Taken):
    """An admission for any domain, made by the attacker."""
    certificate = taken.key.certificate_file.read_text().split("-----")[2]
    chain = [base64.b64encode(base64.b64decode("".join(certificate.split()))).decode()]
    for signers in [[], chain]:
        said = {"federation": "tests", "serial": int(time.time() * 1000) + 5_000_000, "issuedAt": int(time.time()),
                "signers": signers,
                "body": {"admission": {"_0": {"site": "alpha", "domains": ["*"], "nodes": 9}}}}
        token = signed(taken.key, said, "meshnode-statement+jws")
        body = json.dumps({"have": [], "tokens": [token]}).encode()
        answer = send(taken.key, taken.beta.mesh, "/meshnode/v1/statements", body, {"Content-Type": "application/json"})
        assert answer.status != 500, answer.text
    assert outcome(taken.claim("chicago", BOB)) == NOT_VOUCHED


def test_uses_of_endpoints_that_were_never_offered(taken: Taken):
    body = json.dumps([{"requestID": "req_1", "user": "bob@uchicago.edu", "model": "open", "at": int(time.time())}]).encode()
    answer = send(taken.key, taken.beta.mesh, "/meshnode/v1/direct-uses", body, {"Content-Type": "application/json"})
    assert answer.status == 200
    assert "in our absence" not in taken.mesh.node_log(taken.beta)


def test_its_refusals_are_counted(taken: Taken):
    def counted() -> float:
        lines = taken.mesh.get("/metrics", node=taken.beta).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("meshnode_identities_refused_total "))

    before = counted()
    taken.claim("open", BOB)
    taken.claim("high", ALICE)
    assert counted() - before == 2
    assert taken.mesh.chat(taken.beta, "open").status_code == 200, "refusing the attacker has broken it for its own users"
