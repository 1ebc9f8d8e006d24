"""Who may use what: rules at the entry node, and again at the serving site for those who come past it."""

import json
import pathlib
import time

import httpx
import pytest

from harness import Mesh, write_topology
from hostile import ALICE, GROUP, claims, encoded, from_node, statement
from test_trust import certificate_of


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
    # The operator's token is none of those that the site names.
    refused = guarded.post(alpha, "/v1/chat/completions", role="operator", json={
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
    assert listed("operator") == {"open": ["alpha"], "away": ["alpha"]}
    shown = guarded.get("/v1/models/guarded", role="user", node=node)
    assert shown.status_code == 403 and error(shown)["code"] == "access_denied"
    # A near miss must not be told what there is.
    unknown = guarded.get("/v1/models/guardet", role="user", node=node)
    assert unknown.status_code == 404 and "guarded" not in error(unknown)["message"]


# Past the entry node: what a compromised or an old node could send.


def test_the_serving_site_believes_a_signed_statement(guarded: Mesh):
    alpha = certificate_of(guarded, "alpha")
    status, refused, text = from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims()))
    # In the group, but the site's own rule names others.
    assert (status, refused) == (403, "access_denied")
    assert "site beta" in text
    user = {**ALICE, "username": "bob@anl.gov"}
    status, refused, text = from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims(user=user)))
    assert status == 200, text


def test_the_serving_site_checks_its_own_rules(guarded: Mesh):
    """An entry node that lets everything pass gains nothing."""
    alpha = certificate_of(guarded, "alpha")
    user = {**ALICE, "username": "bob@anl.gov", "groups": []}
    status, refused, text = from_node(guarded, "beta", alpha, "guarded", statement(alpha, claims(user=user)))
    assert (status, refused) == (403, "access_denied")
    assert "model guarded at beta" in text and GROUP not in text


@pytest.mark.parametrize("site, model", [("beta", "guarded"), ("alpha", "open")])
def test_every_request_says_who_its_user_is(guarded: Mesh, site: str, model: str):
    other = certificate_of(guarded, "alpha" if site == "beta" else "beta")
    assert from_node(guarded, site, other, model)[:2] == (401, "identity_missing")


def test_a_static_token_of_another_site_is_not_ours(guarded: Mesh):
    """beta's rule names its own token `viewer`; alpha has one of that name too."""
    beta = guarded.get("/v1/models/beta-viewer", role="viewer", node=guarded.node("beta"))
    assert beta.status_code == 200
    alpha = guarded.get("/v1/models/beta-viewer", role="viewer", node=guarded.node("alpha"))
    assert alpha.status_code == 403 and error(alpha)["code"] == "access_denied"
    asserted = {"subject": "static:viewer", "username": "viewer", "groups": [], "policies": [], "isServiceAccount": False}
    says = statement(certificate_of(guarded, "alpha"), claims(user=asserted))
    assert from_node(guarded, "beta", certificate_of(guarded, "alpha"), "beta-viewer", says)[:2] == (403, "access_denied")


def test_bad_statements_are_refused_and_counted(guarded: Mesh):
    alpha, beta = certificate_of(guarded, "alpha"), certificate_of(guarded, "beta")
    now = int(time.time())
    good = statement(alpha, claims())
    first, payload, signature = good.split(".")
    altered = {**claims(), "user": {**ALICE, "username": "operator@anl.gov"}}
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
    topology.write_text(topology.read_text().replace('{ users: ["user", "user@alpha", "viewer", "bob@anl.gov"] }', "{}"))
    checked = run("check", topology)
    assert checked.returncode == 2
    assert "access.site" in checked.stderr + checked.stdout and "everyone" in checked.stderr + checked.stdout
