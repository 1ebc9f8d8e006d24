"""Users who log in with Globus, at a site that may vouch for some of them only."""

import httpx
import pytest

from globus import emulated
from harness import Mesh, write_topology
from test_access import error
from test_login import bearer, chat


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("vouching")
    with emulated(folder) as globus:
        with Mesh(write_topology("vouching.json5", folder, GLOBUS=globus, SECRET=folder / "secret"), folder) as running:
            yield running


ALICE, EVE = "token-of-alice@anl.gov", "token-of-eve@elsewhere.org"


def test_a_user_of_another_domain_is_served_at_home_alone(bound: Mesh):
    assert chat(bound, ALICE, "home").status_code == 200
    refused = chat(bound, ALICE, "open")
    assert refused.status_code == 403 and error(refused)["code"] == "identity_not_vouched"
    assert "anl.gov" in error(refused)["message"] and "operator" in error(refused)["message"]
    # At beta's own node nobody has to vouch.
    assert chat(bound, ALICE, "open", "beta").status_code == 200
    listed = httpx.get(f"{bound.node('alpha').api}/v1/models", headers=bearer("alice@anl.gov")).json()["data"]
    assert [entry["id"] for entry in listed] == ["home"]


def test_a_user_of_its_domain_is_served_elsewhere(bound: Mesh):
    answer = chat(bound, EVE, "open")
    assert answer.status_code == 200 and answer.headers["x-mesh-site"] == "beta"


def test_what_the_serving_site_narrows_is_known_at_the_entry(bound: Mesh):
    refused = chat(bound, EVE, "narrow")
    assert refused.status_code == 403 and error(refused)["code"] == "identity_not_vouched"
    told = httpx.get(
        f"{bound.node('alpha').api}/v1/policy?model=narrow", headers=bearer("eve@elsewhere.org")).json()
    assert told["allowed"] is False and "access.vouching" in told["sites"][0]["reason"]
    told = httpx.get(f"{bound.node('alpha').api}/v1/policy?model=open", headers=bearer("alice@anl.gov")).json()
    assert "not in its admission" in told["sites"][0]["reason"]
    lines = bound.get("/metrics", node=bound.node("gamma")).text.splitlines()
    assert "meshnode_identities_refused_total 0" in lines, "the entry asked although it could know"
