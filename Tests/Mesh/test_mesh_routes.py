"""/mesh/*, health and metrics, as the contract gives them."""

import pathlib
import re

import httpx
import pytest

from harness import Mesh
from processes import resident_bytes, wait_for
from shapes import CATALOG, READY, ROUTE, TOPOLOGY, assert_shape

MODELS = {"common": {"alpha", "beta", "gamma"}, "pair": {"beta", "gamma"}, "solo": {"beta"}, "embed": {"alpha"},
          "stub-chat": {"gamma"}, "stub-embeddings": {"gamma"}}


def test_ready_file(mesh: Mesh):
    assert_shape(mesh.ready, READY)
    assert [node.site for node in mesh.nodes] == ["alpha", "beta", "gamma"]
    assert len(set(mesh.tokens.values())) == 3
    assert "BEGIN CERTIFICATE" in pathlib.Path(mesh.ready["ca"]).read_text()
    for node in mesh.nodes:
        assert pathlib.Path(node.state).is_dir()
        assert node.api.startswith("http://127.0.0.1:") and node.mesh.startswith("https://127.0.0.1:")


def test_private_keys_are_private(mesh: Mesh):
    keys = [path for path in mesh.state.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert len(keys) >= 3
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def test_topology(mesh: Mesh, site: str):
    node = mesh.node(site)
    answer = mesh.get("/mesh/topology", node=node)
    assert answer.headers["content-type"].startswith("application/json")
    topology = answer.json()
    assert_shape(topology, TOPOLOGY)
    assert topology["federation"] == mesh.federation
    assert topology["self"] == {"site": site, "node": node.node}
    assert {entry["site"] for entry in topology["sites"]} == {"alpha", "beta", "gamma"}
    for entry in topology["sites"]:
        real = mesh.node(entry["site"])
        assert [(one["node"], one["api"], one["mesh"]) for one in entry["nodes"]] == [(real.node, real.api, real.mesh)]
        assert [one["state"] for one in entry["nodes"]] == ["alive"]
        assert {model["id"] for model in entry["models"]} == {
            name for name, sites in MODELS.items() if entry["site"] in sites}
    assert topology["links"]
    assert all(link["state"] == "up" for link in topology["links"])


def test_catalog(mesh: Mesh, site: str):
    catalog = mesh.get("/mesh/catalog", node=mesh.node(site)).json()
    assert_shape(catalog, CATALOG)
    assert {entry["id"]: {one["site"] for one in entry["sites"]} for entry in catalog["models"]} == MODELS
    for entry in catalog["models"]:
        kind = "openai" if entry["id"].startswith("stub-") else "simulated"
        assert {one["backend"] for one in entry["sites"]} == {kind}


@pytest.mark.parametrize("model", MODELS)
def test_route(mesh: Mesh, site: str, model: str):
    route = mesh.get(f"/mesh/route?model={model}", node=mesh.node(site)).json()
    assert_shape(route, ROUTE)
    assert route["model"] == model
    assert route["chosen"] in MODELS[model]
    if site in MODELS[model]:
        assert route["chosen"] == site
    usable = {candidate["site"] for candidate in route["candidates"] if candidate["excluded"] is None}
    assert usable == MODELS[model]
    assert all(candidate["excluded"] for candidate in route["candidates"] if candidate["site"] not in MODELS[model])


def test_route_of_what_is_not_there(mesh: Mesh):
    assert mesh.get("/mesh/route?model=nothing-like-it").status_code == 404
    assert mesh.get("/mesh/route").status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_token(mesh: Mesh, site: str, path: str):
    assert mesh.get(path, role=None, node=mesh.node(site)).status_code == 200


def test_console_needs_no_token_and_holds_no_data(mesh: Mesh, site: str):
    answer = mesh.get("/mesh/console", role=None, node=mesh.node(site))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<html" in answer.text.lower()
    for secret in [*MODELS, "gamma", *mesh.tokens.values()]:
        assert secret not in answer.text
    # What the page loads is ours and needs no token either.
    for reference in re.findall(r'(?:src|href)="([^"#]+)"', answer.text):
        assert not re.match(r"(?:https?:)?//", reference), f"the console loads {reference} from elsewhere"
        asset = httpx.get(httpx.URL(mesh.node(site).api + "/mesh/console").join(reference))
        assert asset.status_code == 200, reference


METRIC = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (-?[0-9.e+-]+|\+Inf|-Inf|NaN)( \d+)?')


def test_metrics(mesh: Mesh, site: str):
    node = mesh.node(site)
    mesh.chat(node, "common")
    answer = mesh.get("/metrics", node=node)
    assert answer.headers["content-type"].startswith(("text/plain", "application/openmetrics-text"))
    lines = answer.text.splitlines()
    samples = [line for line in lines if line and not line.startswith("#")]
    assert samples
    assert [line for line in samples if not METRIC.fullmatch(line)] == []
    typed = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    for line in samples:
        name = re.match(r"[a-zA-Z0-9_:]+", line)[0]
        assert name in typed or re.sub(r"_(bucket|sum|count|total)$", "", name) in typed, f"{name} has no # TYPE"


def test_idle_memory(mesh: Mesh):
    """Thirty megabytes is the aim for a node that has served little; twice that is a leak."""
    sizes = {node.site: resident_bytes(node.pid) for node in mesh.nodes}
    assert max(sizes.values()) < 60_000_000, sizes


def test_all_nodes_see_the_same(mesh: Mesh):
    def versions(node) -> dict:
        return {(entry["id"], one["site"]): one["version"]
                for entry in mesh.get("/mesh/catalog", node=node).json()["models"] for one in entry["sites"]}

    def agree() -> bool:
        return all(versions(node) == versions(mesh.nodes[0]) for node in mesh.nodes)

    wait_for("the catalogs agree", agree, 15)
