"""Where a user's data may go, and what users are told of it before they send."""

import json

import httpx
import pytest

from harness import Mesh, run, write_topology
from hostile import chat as send, claims, statement
from test_access import error
from test_trust import certificate_of


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("policy")
    with Mesh(write_topology("policy.json5", folder), folder) as running:
        yield running


def ask(mesh: Mesh, site: str, model: str, classes: str | None = None, role: str = "user") -> httpx.Response:
    return mesh.post(
        mesh.node(site), "/v1/chat/completions", role=role, headers={"Mesh-Data-Class": classes} if classes is not None else {},
        json={"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4})


def places(mesh: Mesh, site: str, model: str, classes: str | None = None, role: str = "user", times: int = 12) -> set[str]:
    """Where requests ran."""
    answers = [ask(mesh, site, model, classes, role) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    return {answer.headers["x-mesh-site"] for answer in answers}


def test_labelled_data_runs_where_it_is_accepted(ruled: Mesh):
    assert places(ruled, "alpha", "shared", "export-controlled") == {"beta"}
    assert places(ruled, "gamma", "shared", "export-controlled") == {"beta"}
    assert places(ruled, "alpha", "clinic", "phi") == {"alpha"}
    assert places(ruled, "beta", "clinic", "phi") == {"beta"}


def test_labelled_data_runs_nowhere_else(ruled: Mesh):
    # Both sites that have it accept it, but gamma's users would have to send it there.
    refused = ask(ruled, "gamma", "clinic", "phi")
    assert refused.status_code == 403 and error(refused)["code"] == "data_policy_refused"
    assert "goes to another site" in error(refused)["message"] and "phi" in error(refused)["message"]
    # Two labels: each must be accepted.
    assert ask(ruled, "alpha", "clinic", "phi, export-controlled").status_code == 403
    assert ask(ruled, "beta", "far", "public").status_code == 400
    refused = ask(ruled, "alpha", "far", "public")
    assert refused.status_code == 403 and "does not accept" in error(refused)["message"]


@pytest.mark.parametrize("value, code", [
    ("phy", "unknown_data_class"), ("phi, phy", "unknown_data_class"), ("", "invalid_data_class"), (",", "invalid_data_class"),
    (", ".join(f"c{number}" for number in range(9)), "invalid_data_class"), ("PHI", "unknown_data_class"),
])
def test_a_label_that_is_not_known_is_an_error(ruled: Mesh, value: str, code: str):
    refused = ask(ruled, "alpha", "clinic", value)
    assert (refused.status_code, error(refused)["code"]) == (400, code)
    if code == "unknown_data_class":
        assert "export-controlled, phi, public" in error(refused)["message"]


def test_residency_holds_for_whom_it_names(ruled: Mesh):
    assert ask(ruled, "alpha", "away", role="user").headers["x-mesh-site"] == "gamma"
    refused = ask(ruled, "alpha", "away", role="viewer")
    assert refused.status_code == 403 and error(refused)["code"] == "data_policy_refused"
    assert "alpha, beta only" in error(refused)["message"]
    assert places(ruled, "alpha", "shared", role="viewer") == {"alpha"}
    # It is the entry's rule: at beta it does not hold.
    assert ask(ruled, "beta", "away", role="viewer").headers["x-mesh-site"] == "gamma"
    listed = {entry["id"]: [place["site"] for place in entry["sites"]]
              for entry in ruled.get("/v1/models", role="viewer").json()["data"]}
    assert "away" not in listed and listed["shared"] == ["alpha", "beta"]


def test_some_users_data_has_a_label_that_they_did_not_send(ruled: Mesh):
    assert places(ruled, "alpha", "shared", role="operator") == {"beta"}
    assert ask(ruled, "alpha", "home", role="operator").status_code == 403


def test_a_model_of_high_assurance_is_had_at_its_own_node_alone(ruled: Mesh):
    beta = ruled.node("beta")
    assert ask(ruled, "beta", "high").status_code == 200
    refused = ask(ruled, "alpha", "high")
    assert (refused.status_code, error(refused)["code"]) == (403, "identity_high_assurance")
    assert beta.api in error(refused)["message"]
    listed = [entry["id"] for entry in ruled.get("/v1/models", role="user").json()["data"]]
    assert "high" not in listed


def test_the_serving_site_holds_to_its_own_policy(ruled: Mesh):
    """Whatever the entry lets pass."""
    alpha, beta = certificate_of(ruled, "alpha"), ruled.node("beta")
    says = statement(alpha, claims())
    assert send(beta, alpha, "shared", says).status == 200
    for model, classes, words in [
        ("clinic", "phi", "goes to another site"), ("shared", "phi", "does not accept"), ("shared", "what-is-this", "what-is-this"),
        ("shared", "export-controlled, phi", "does not accept"),
    ]:
        answer = send(beta, alpha, model, says, Meshnode_Data_Class=classes)
        assert (answer.status, answer.refused) == (403, "data_policy_refused"), answer.text
        assert words in answer.text
    assert send(beta, alpha, "shared", says, Meshnode_Data_Class="export-controlled").status == 200
    answer = send(beta, alpha, "high", says)
    assert (answer.status, answer.refused) == (403, "identity_high_assurance") and beta.api in answer.text


# What users and operators are told.


def test_users_are_told_before_they_send(ruled: Mesh):
    told = ruled.get("/v1/policy?model=shared&data_class=export-controlled", role="user").json()
    assert told["model"] == "shared" and told["allowed"] is True and told["dataClasses"] == ["export-controlled"]
    assert told["paths"] == ["onSite", "peer"] and told["residency"] is None
    assert told["knownDataClasses"] == ["export-controlled", "phi", "public"]
    sites = {site["site"]: site for site in told["sites"]}
    assert [sites[name]["allowed"] for name in ("alpha", "beta", "gamma")] == [False, True, False]
    assert sites["beta"]["path"] == "onSite" and sites["beta"]["dataClasses"] == ["export-controlled"]
    assert "does not accept" in sites["gamma"]["reason"] and "mesh" in sites["beta"]["reason"]
    told = ruled.get("/v1/policy?model=high", role="user").json()
    assert told["allowed"] is False and told["sites"][0]["highAssurance"] is True
    assert ruled.node("beta").api in told["sites"][0]["reason"]
    assert ruled.get("/v1/policy?model=away", role="viewer").json()["residency"] == ["alpha", "beta"]
    # By the field that a request would bear, too.
    node = ruled.node("alpha")
    told = httpx.get(
        f"{node.api}/v1/policy?model=clinic", headers={**ruled.headers("user"), "Mesh-Data-Class": "phi"}).json()
    assert {site["site"]: site["allowed"] for site in told["sites"]} == {"alpha": True, "beta": False}


def test_what_is_asked_wrongly(ruled: Mesh):
    assert ruled.get("/v1/policy", role="user").status_code == 400
    assert ruled.get("/v1/policy?model=nothing", role="user").status_code == 404
    assert ruled.get("/v1/policy?model=shared&data_class=phy", role="user").status_code == 400
    assert ruled.get("/v1/policy?model=shared", role=None).status_code == 401
    assert ruled.get("/mesh/policy?model=shared&as=alice@anl.gov", role="user").status_code == 403
    assert ruled.get("/mesh/policy?model=shared", role="viewer").status_code == 400


def test_the_told_and_the_done_are_the_same(ruled: Mesh):
    for site in ["alpha", "beta", "gamma"]:
        for model in ["shared", "clinic", "home", "away", "far", "high"]:
            for classes in [None, "phi", "export-controlled"]:
                query = f"/v1/policy?model={model}" + (f"&data_class={classes}" if classes else "")
                told = ruled.get(query, role="user", node=ruled.node(site)).json()
                may = {place["site"] for place in told["sites"] if place["allowed"]}
                for _ in range(3):
                    answer = ask(ruled, site, model, classes)
                    assert (answer.status_code == 200) == bool(may), (site, model, classes, told, answer.text)
                    if may:
                        assert answer.headers["x-mesh-site"] in may


def test_receipts_and_route_name_the_reasons(ruled: Mesh):
    receipt = ruled.receipt(ask(ruled, "alpha", "shared", "export-controlled"))
    excluded = {entry["site"]: entry["excluded"] for entry in receipt["candidates"]}
    assert "does not accept data of the class export-controlled" in excluded["alpha"] and excluded["beta"] is None
    route = ruled.get("/mesh/route?model=shared&class=phi").json()
    assert route["chosen"] is None and "phi" in route["candidates"][0]["excluded"]
    route = ruled.get("/mesh/route?model=away&as=static:viewer").json()
    assert "alpha, beta only" in route["candidates"][0]["excluded"]
    asked = ruled.get("/mesh/route?model=away&user=static:viewer").json()
    assert [(one["site"], one["excluded"]) for one in asked["candidates"]] == [
        (one["site"], one["excluded"]) for one in route["candidates"]]
    assert "highAssurance" in ruled.get("/mesh/route?model=high").json()["candidates"][0]["excluded"]


def test_the_command_explains(ruled: Mesh):
    node, token = ruled.node("alpha"), ruled.tokens["viewer"]
    base = ["check", "--policy", "--node", node.api]
    done = run(*base, "--as", "alice@anl.gov", "--model", "shared", "--data-class", "export-controlled", token=token)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert " yes " in rows["beta"] and " no " in rows["gamma"] and "does not accept" in rows["gamma"]
    done = run(*base, "--as", "static:viewer", "--model", "away", "--json", token=token)
    assert done.returncode == 1 and json.loads(done.stdout)["sites"][0]["allowed"] is False
    assert "nowhere" in done.stderr
    assert run("check", "--policy", "--model", "m", token=token).returncode == 2
    assert run("check", token=token).returncode == 2
    done = run(*base, "--as", "alice@anl.gov", "--model", "shared", "--data-class", "phy", token=token)
    assert done.returncode == 1 and "export-controlled, phi, public" in done.stderr


def test_the_command_reads_a_configuration(ruled: Mesh):
    configuration = f"{ruled.node('beta').state}/node.json5"
    done = run("check", configuration, "--policy", "--as", "alice@anl.gov", "--model", "clinic", "--data-class", "phi")
    assert done.returncode == 0 and "stays on its site" in done.stdout, done.stderr
    done = run("check", configuration, "--policy", "--as", "alice@anl.gov", "--model", "shared", "--data-class", "phi")
    assert done.returncode == 1
    done = run("check", configuration, "--policy", "--as", "alice@anl.gov", "--model", "nothing")
    assert done.returncode == 2 and "clinic" in done.stderr


def test_one_signature_and_one_verification(ruled: Mesh):
    def counted(site: str, name: str) -> float:
        lines = ruled.get("/metrics", node=ruled.node(site)).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    asked = [("meshnode_identities_signed_total", "alpha"), ("meshnode_identities_verified_total", "gamma"),
             ("meshnode_served_for_peers_total", "gamma")]
    before = [counted(site, name) for name, site in asked]
    with httpx.Client(headers=ruled.headers("user"), timeout=30) as client:
        for _ in range(200):
            answer = client.post(f"{ruled.node('alpha').api}/v1/chat/completions", json={
                "model": "away", "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 1})
            assert answer.status_code == 200
    signed, verified, served = (counted(site, name) - was for (name, site), was in zip(asked, before))
    assert served == 200
    # The statement of an earlier test may end while this one runs.
    assert signed <= 2 and verified == signed, (signed, verified)
