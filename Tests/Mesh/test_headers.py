"""The response fields of an inference request."""

import re

import pytest

from harness import Mesh
from stub import CHAT_MODEL

ROUTE = re.compile(
    r"reason=(home|affinity|spill|only|failover|bounce|direct|continued|pinned); tries=(\d+); candidates=(\d+); "
    r"age=(\d+(?:\.\d+)?)")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["common", "pair", "solo", CHAT_MODEL])
def test_mesh_fields(mesh: Mesh, site: str, model: str, stream: bool):
    node = mesh.node(site)
    answer = mesh.chat(node, model, stream=stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-mesh-entry"] in (node.node, f"{site}/{node.node}")
    serving = answer.headers["x-mesh-site"]
    assert serving in mesh.states(node, model)
    route = ROUTE.fullmatch(answer.headers["x-mesh-route"])
    assert route, answer.headers["x-mesh-route"]
    reason, tries, candidates = route[1], int(route[2]), int(route[3])
    assert tries >= 1
    assert candidates >= 1
    if site in mesh.states(node, model):
        assert (serving, reason) in ((site, "home"), (site, "only"))
    elif model in ("solo", CHAT_MODEL):
        assert reason == "only"
    else:
        assert reason in ("spill", "affinity")


def test_request_ids(mesh: Mesh, site: str):
    node = mesh.node(site)
    seen = set()
    for number in range(3):
        theirs = f"theirs-{site}-{number}"
        answer = mesh.chat(node, "pair", headers={"X-Request-Id": theirs})
        assert answer.headers["x-client-request-id"] == theirs
        seen.add(answer.headers["x-request-id"])
        assert theirs not in seen
    assert len(seen) == 3
    plain = mesh.chat(node, "pair")
    assert plain.headers["x-request-id"]
    assert "x-client-request-id" not in plain.headers


@pytest.mark.parametrize("path, token", [("/v1/models", "wrong"), ("/v1/nothing", None), ("/mesh/topology", None)])
def test_errors_have_a_request_id(mesh: Mesh, path: str, token: str | None):
    answer = mesh.get(path, role=None)
    assert answer.status_code in (401, 404)
    assert answer.headers["x-request-id"]


def test_hostile_request_id_is_not_echoed_raw(mesh: Mesh):
    answer = mesh.chat(mesh.nodes[0], "common", headers={"X-Request-Id": "x" * 2000})
    assert answer.status_code in (200, 400, 431)
    assert len(answer.headers.get("x-client-request-id", "")) <= 2000


def test_hop_fields_stay_inside(mesh: Mesh, site: str):
    answer = mesh.chat(mesh.node(site), CHAT_MODEL)
    assert not [name for name in answer.headers if name.lower().startswith("meshnode-")]
