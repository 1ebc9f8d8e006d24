"""Two federations with a link: each uses what the other offers it, and neither is merged into the other."""

import concurrent.futures
import pathlib

import httpx
import pytest

from harness import Mesh, write_topology
from hostile import ALICE, chat as send, claims, gossip, send as post, statement
from processes import free_port, wait_for
from test_access import error
from test_trust import certificate_of, is_accepted

MODELS = {"shared", "south-only", "guarded"}


class Linked:
    """Both federations; what is in the north's topology of the south is there when the south runs."""

    def __init__(self, folder: pathlib.Path):
        ports = {name: free_port() for name in ("NORTH", "DELTA", "EPSILON")}
        folders = {name: folder / name for name in ("north", "south")}
        meshes = []
        for name, path in folders.items():
            path.mkdir()
            topology = write_topology(
                f"links-{name}.json5", path, **ports, NORTH_CA=folders["north"] / "state/ca.pem",
                SOUTH_CA=folders["south"] / "state/ca.pem")
            meshes.append(Mesh(topology, path))
        self.north, self.south = meshes
        self.alpha, self.beta = self.north.node("alpha"), self.north.node("beta")
        self.delta, self.epsilon = self.south.node("delta"), self.south.node("epsilon")

    def wait(self) -> None:
        wait_for("the north knows what the south offers", lambda: MODELS <= set(self.seen()), 30)
        wait_for("the south knows what the north offers", lambda: self.south.states(self.delta, "northern"), 30)

    def seen(self) -> dict[str, list[str]]:
        """Model to sites, as an operator of the north sees it."""
        models = self.north.get("/mesh/catalog", node=self.alpha).json()["models"]
        return {entry["id"]: [site["site"] for site in entry["sites"]] for entry in models}

    def close(self) -> None:
        for mesh in (self.north, self.south):
            mesh.__exit__()


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory):
    both = Linked(tmp_path_factory.mktemp("links"))
    try:
        both.wait()
        yield both
    finally:
        both.close()


def test_what_is_offered_and_taken_is_there(linked: Linked):
    seen = linked.seen()
    assert seen["shared"] == ["alpha", "south:delta"]
    assert sorted(seen["south-only"]) == ["south:delta", "south:epsilon"]
    # On the north's list, not offered by the south; offered, and of high assurance; nobody's.
    assert not {"south-private", "high"} & set(seen)
    listed = {entry["id"]: [site["site"] for site in entry["sites"]]
              for entry in linked.north.get("/v1/models", role="user", node=linked.alpha).json()["data"]}
    assert set(listed["south-only"]) == {"south:delta", "south:epsilon"}
    south = linked.south.states(linked.delta, "northern")
    assert south == {"north:alpha": "running"} and not linked.south.states(linked.delta, "kept")


def test_a_request_goes_over_the_link(linked: Linked):
    places = set()
    for number in range(20):
        answer = linked.north.chat(linked.alpha, "south-only", prompt_cache_key=f"over the link {number}")
        assert answer.status_code == 200, answer.text
        places.add(answer.headers["x-mesh-site"])
    assert places == {"south:delta", "south:epsilon"}
    pinned = linked.north.chat(linked.alpha, "south-only@south:epsilon")
    assert pinned.headers["x-mesh-site"] == "south:epsilon"
    streamed = linked.north.chat(linked.alpha, "south-only", stream=True)
    assert "[DONE]" in streamed.text
    receipt = linked.north.receipt(streamed, linked.alpha)
    assert receipt["site"].startswith("south:") and receipt["outcome"] == "answered"


def test_our_own_sites_come_first(linked: Linked):
    def is_free() -> bool:
        load = linked.north.get("/mesh/load", node=linked.alpha).json()["sites"]
        return next(model["running"] for site in load if site["site"] == "alpha"
                    for model in site["models"] if model["id"] == "shared") == 0

    for _ in range(3):
        # The slot is given back once the answer is on its way: its client may come again sooner.
        wait_for("home has room", is_free, 30)
        assert linked.north.chat(linked.alpha, "shared").headers["x-mesh-site"] == "alpha"
    wait_for("home has room", is_free, 30)
    # One slot at home: what does not fit goes over the link.
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: linked.north.chat(linked.alpha, "shared"), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-mesh-site"] for answer in answers} == {"alpha", "south:delta"}


def test_rules_hold_across_the_link(linked: Linked):
    # The link is for users of anl.gov and one token.
    refused = linked.north.post(linked.alpha, "/v1/chat/completions", role="viewer", json={
        "model": "south-only", "messages": [{"role": "user", "content": "Hello."}]})
    assert refused.status_code == 403 and "the link with north" in error(refused)["message"]
    # A model's own rule stands beside that.
    refused = linked.north.chat(linked.alpha, "guarded")
    assert refused.status_code == 403 and "model guarded at delta" in error(refused)["message"]
    told = linked.north.get("/mesh/policy?model=guarded&as=bob@anl.gov", node=linked.alpha).json()
    assert told["allowed"] is True
    told = linked.north.get("/mesh/policy?model=south-only&as=carol@ornl.gov", node=linked.alpha).json()
    assert told["allowed"] is False and "ornl.gov" in told["sites"][0]["reason"]


def test_the_federations_are_not_merged(linked: Linked):
    north = linked.north.get("/mesh/topology", node=linked.alpha).json()
    assert [site["site"] for site in north["sites"]] == ["alpha", "beta"]
    assert {(node["federation"], node["site"]) for node in north["linked"]} == {("south", "delta"), ("south", "epsilon")}
    beta = linked.north.get("/mesh/topology", node=linked.beta).json()
    assert beta["linked"] == [] and not linked.north.states(linked.beta, "south-only")
    assert linked.north.chat(linked.beta, "south-only").status_code == 404
    assert [site["site"] for site in linked.south.get("/mesh/topology").json()["sites"]] == ["delta", "epsilon"]


def test_what_the_other_federation_may_not(linked: Linked):
    """A node of the north in the wrong hands, at the south's door."""
    key = certificate_of(linked.north, "alpha")

    def says(**changes: object) -> str:
        return statement(key, claims(**{"aud": "south:delta", "federation": "north", **changes}))

    assert send(linked.delta, key, "south-only", says()).status == 200
    bob = {**ALICE, "username": "bob@uchicago.edu", "domain": "uchicago.edu"}
    static = {"subject": "static:user", "username": "user", "groups": [], "policies": [], "isServiceAccount": False}
    cases = [
        ("south-only", says(user=bob), 403, "identity_not_vouched"),
        ("south-only", says(aud="delta"), 403, "identity_other_audience"),
        ("south-only", says(federation="south"), 403, "identity_other_signer"),
        ("south-only", says(iss="beta/b1"), 403, "identity_other_signer"),
        ("south-only", says(user={**static, "subject": "static:viewer"}), 403, "access_denied"),
        ("south-only", None, 401, "identity_missing"),
        ("guarded", says(), 403, "access_denied"),
        ("south-private", says(), 503, "no_such_model"),
        ("high", says(), 503, "no_such_model"),
    ]
    for model, token, status, code in cases:
        answer = send(linked.delta, key, model, token)
        assert (answer.status, answer.refused) == (status, code), (model, answer.text)
    assert send(linked.delta, key, "south-only", says(user=static)).status == 200
    for path in ["/g", "/meshnode/v1/gossip", "/meshnode/v1/statements", "/meshnode/v1/direct-uses", "/meshnode/v1/park",
                 "/meshnode/v1/carry", "/meshnode/v1/ping"]:
        answer = post(key, linked.delta.mesh, path, b"{}", {"Content-Type": "application/json"})
        assert answer.status == 403 and "not_for_linked" in answer.text, (path, answer.text)
    assert gossip(linked.delta, key, b"\x01\x00\x00\x06").status == 403


def test_without_a_link_there_is_no_way_in(linked: Linked):
    south = certificate_of(linked.south, "delta")
    assert is_accepted(linked.alpha.mesh, south)
    assert not is_accepted(linked.beta.mesh, south)


def test_a_linked_federation_can_be_blocked(linked: Linked):
    block = linked.south.post(linked.epsilon, "/mesh/blocks", role="operator", json={
        "kind": "peer", "subject": "north:*", "reason": "a test"})
    assert block.status_code < 300, block.text
    for _ in range(4):
        assert linked.north.chat(linked.alpha, "south-only").headers["x-mesh-site"] == "south:delta"
    lifted = httpx.delete(
        f"{linked.epsilon.api}/mesh/blocks/{block.json()['id']}", headers=linked.south.headers("operator"))
    assert lifted.status_code < 300, lifted.text
    assert linked.north.chat(linked.alpha, "south-only@south:epsilon").status_code == 200


def test_a_gateway_that_is_gone(linked: Linked):
    linked.south.kill(linked.delta)

    def served() -> bool:
        answers = [linked.north.chat(linked.alpha, "south-only") for _ in range(4)]
        return all(answer.status_code == 200 and answer.headers["x-mesh-site"] == "south:epsilon" for answer in answers)

    assert linked.north.chat(linked.alpha, "south-only").status_code == 200, "failover before the first byte"
    wait_for("epsilon serves, by the other gateway's word", served, 40)
    wait_for("what only delta had is gone", lambda: "guarded" not in linked.seen(), 40)
