"""API keys: made once, limited, ended."""

import datetime
import pathlib
import sqlite3
import threading

import httpx
import pytest

from certificates import Authority
from harness import Mesh, write_topology
from nodes import TOKENS, serving, write_configuration
from processes import wait_for
from test_access import error


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("keys")
    with Mesh(write_topology("access.json5", folder), folder) as running:
        yield running


def make(mesh: Mesh, site: str = "alpha", role: str = "user", **limits: object) -> dict:
    answer = mesh.post(mesh.node(site), "/v1/keys", role=role, json={"name": "laptop", **limits})
    assert answer.status_code == 201, answer.text
    return answer.json()


def chat(mesh: Mesh, key: str, model: str = "open", site: str = "alpha", tokens: int = 8) -> httpx.Response:
    return httpx.post(
        f"{mesh.node(site).api}/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, timeout=30,
        json={"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": tokens})


def test_a_key_is_made_used_listed_and_revoked(guarded: Mesh):
    alpha = guarded.node("alpha")
    made = make(guarded)
    assert made["key"].startswith(f"mk_alpha_{made['id']}_")
    assert chat(guarded, made["key"]).status_code == 200
    # At another site, with the owner's rights there.
    assert chat(guarded, made["key"], "site-only").status_code == 200
    assert chat(guarded, made["key"], "guarded").status_code == 403
    listed = guarded.get("/v1/keys", role="user", node=alpha)
    entry = next(entry for entry in listed.json()["data"] if entry["id"] == made["id"])
    assert entry["name"] == "laptop" and entry["lastUsedAt"] is not None
    assert made["key"] not in listed.text
    lasts = datetime.datetime.fromisoformat(entry["expiresAt"]) - datetime.datetime.fromisoformat(entry["createdAt"])
    assert lasts == datetime.timedelta(days=7), "no longer than the configuration allows"
    gone = httpx.delete(f"{alpha.api}/v1/keys/{made['id']}", headers=guarded.headers("user"))
    assert gone.status_code == 200 and gone.json()["deleted"]
    refused = chat(guarded, made["key"])
    assert refused.status_code == 401 and error(refused)["code"] == "invalid_key"


def test_the_secret_is_kept_nowhere(guarded: Mesh):
    made = make(guarded)
    secret = made["key"].rpartition(f"_{made['id']}_")[2].encode()
    state = pathlib.Path(guarded.node("alpha").state)
    files = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "keys.db" for path in files)
    for path in files:
        assert secret not in path.read_bytes(), path
        if path.name.startswith("keys.db"):
            assert path.stat().st_mode & 0o077 == 0, path
    assert secret.decode() not in guarded.log_text()


@pytest.mark.parametrize("limits, code, status", [
    ({"models": ["away"]}, "key_model_not_allowed", 403),
    ({"networks": ["10.0.0.0/8"]}, "key_network_not_allowed", 403),
    ({"tokensPerDay": 4}, "key_tokens_spent", 429),
])
def test_limits(guarded: Mesh, limits: dict, code: str, status: int):
    refused = chat(guarded, make(guarded, **limits)["key"])
    assert (refused.status_code, error(refused)["code"]) == (status, code)
    if status == 429:
        assert 0 < int(refused.headers["retry-after"]) <= 86_400


def test_limits_leave_what_they_allow(guarded: Mesh):
    key = make(guarded, models=["away"], networks=["127.0.0.0/8"], tokensPerDay=60)["key"]
    assert chat(guarded, key, "away", tokens=40).status_code == 200
    assert chat(guarded, key, "away", tokens=40).status_code == 429, "the share of the day is spent"
    models = httpx.get(f"{guarded.node('alpha').api}/v1/models", headers={"Authorization": f"Bearer {key}"}).json()
    assert [entry["id"] for entry in models["data"]] == ["away"]


def test_a_key_is_good_at_its_own_site_alone(guarded: Mesh):
    refused = chat(guarded, make(guarded)["key"], site="beta")
    assert refused.status_code == 401
    assert error(refused)["code"] == "key_of_other_site" and "alpha" in error(refused)["message"]


def test_a_key_makes_no_keys(guarded: Mesh):
    api = guarded.node("alpha").api
    headers = {"Authorization": f"Bearer {make(guarded, role='operator')['key']}"}
    for answer in [httpx.post(f"{api}/v1/keys", headers=headers, json={"name": "child"}),
                   httpx.get(f"{api}/v1/keys", headers=headers), httpx.get(f"{api}/mesh/topology", headers=headers)]:
        assert answer.status_code == 403, answer.text


def test_operators_see_and_revoke_all(guarded: Mesh):
    alpha = guarded.node("alpha")
    made = make(guarded)
    assert guarded.get("/v1/keys?all=true", role="user", node=alpha).status_code == 403
    mine = guarded.get("/v1/keys", role="operator", node=alpha).json()["data"]
    assert made["id"] not in [entry["id"] for entry in mine]
    everyone = guarded.get("/v1/keys?all=true", role="operator", node=alpha).json()["data"]
    assert made["id"] in [entry["id"] for entry in everyone]
    foreign = httpx.delete(f"{alpha.api}/v1/keys/{made['id']}", headers=guarded.headers("viewer"))
    assert foreign.status_code == 404, "another's key is none"
    assert httpx.delete(f"{alpha.api}/v1/keys/{made['id']}", headers=guarded.headers("operator")).status_code == 200
    assert chat(guarded, made["key"]).status_code == 401


@pytest.mark.parametrize("body, parameter", [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 65}, "name"), ({"name": "a\nb"}, "name"),
    ({"name": "x", "model": ["a"]}, "model"), ({"name": "x", "models": []}, "models"),
    ({"name": "x", "models": "a"}, "models"), ({"name": "x", "networks": ["10.0.0.1/8"]}, "networks"),
    ({"name": "x", "networks": ["example.org"]}, "networks"), ({"name": "x", "tokensPerDay": 0}, "tokensPerDay"),
    ({"name": "x", "expiresInSeconds": 1}, "expiresInSeconds"), ({"name": "x", "expiresInSeconds": 1e300}, "expiresInSeconds"),
])
def test_bad_orders(guarded: Mesh, body: dict, parameter: str):
    answer = guarded.post(guarded.node("alpha"), "/v1/keys", json=body)
    assert answer.status_code == 400, answer.text
    assert error(answer)["param"] == parameter


@pytest.fixture
def node(tmp_path: pathlib.Path):
    authority = Authority("tests", tmp_path / "ca")
    configuration = write_configuration(tmp_path, authority.issue("other", "o1"), "tests", keys={"perUser": 3})
    return configuration, tmp_path / "other-o1-state" / "keys.db"


def api_of(configuration: pathlib.Path) -> str:
    import json
    return "http://" + json.loads(configuration.read_text())["listen"]["api"]


def ready(api: str) -> None:
    def is_ready() -> bool:
        try:
            return httpx.get(f"{api}/readyz").status_code == 200
        except httpx.HTTPError:
            return False
    wait_for("ready", is_ready, 20)


def as_user(role: str = "user") -> dict:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def models_with(api: str, key: str) -> httpx.Response:
    return httpx.get(f"{api}/v1/models", headers={"Authorization": f"Bearer {key}"})


def test_keys_outlive_the_node_and_end_when_they_should(node):
    configuration, database = node
    api = api_of(configuration)
    with serving(configuration):
        ready(api)
        key = httpx.post(f"{api}/v1/keys", headers=as_user(), json={"name": "kept", "expiresInSeconds": 3600}).json()
    with serving(configuration):
        ready(api)
        assert models_with(api, key["key"]).status_code == 200
    # As if its time had come.
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE keys SET expires_at = created_at")
    connection.close()
    with serving(configuration):
        ready(api)
        refused = models_with(api, key["key"])
        assert (refused.status_code, error(refused)["code"]) == (401, "key_expired")


def test_keys_of_one_user_are_bounded(node):
    configuration, _ = node
    api = api_of(configuration)
    with serving(configuration):
        ready(api)
        answers = [httpx.post(f"{api}/v1/keys", headers=as_user(), json={"name": "n"}).status_code for _ in range(4)]
        assert answers == [201, 201, 201, 409]
        assert httpx.post(f"{api}/v1/keys", headers=as_user("viewer"), json={"name": "n"}).status_code == 201


def test_a_damaged_database_is_set_aside(node):
    configuration, database = node
    api = api_of(configuration)
    database.write_bytes(b"no database " * 1000)
    with serving(configuration) as (process, log):
        ready(api)
        assert process.poll() is None
        aside = [path for path in database.parent.iterdir() if ".damaged-" in path.name]
        assert len(aside) == 1 and aside[0].read_bytes().startswith(b"no database")
        assert aside[0].name in log.read_text()
        key = httpx.post(f"{api}/v1/keys", headers=as_user(), json={"name": "new"}).json()["key"]
        assert models_with(api, key).status_code == 200


def test_a_database_that_cannot_be_used_is_said_in_one_line(node):
    configuration, database = node
    database.mkdir()
    with serving(configuration) as (process, log):
        assert process.wait(20) == 1
    line, = log.read_text().strip().splitlines()
    assert str(database) in line and "directory" in line


def test_a_later_versions_database_is_left_alone(node):
    configuration, database = node
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = database.read_bytes()
    with serving(configuration) as (process, log):
        assert process.wait(20) == 1
    line, = log.read_text().strip().splitlines()
    assert str(database) in line and "later version" in line
    assert database.read_bytes() == before


def test_what_a_node_wants_is_said_before_there_is_a_token(guarded: Mesh):
    alpha = guarded.node("alpha")
    told = httpx.get(f"{alpha.api}/.well-known/meshnode").json()
    assert told["authentication"]["methods"] == ["bearer"] and told["authentication"]["scopes"] == []
    # Without logins there is no authorization server to name.
    assert httpx.get(f"{alpha.api}/.well-known/oauth-protected-resource").status_code == 404
    assert httpx.get(f"{alpha.api}/login").status_code == 404


def test_many_keys_made_and_revoked_at_once(guarded: Mesh):
    """The disk's thread and the loops pass each request between them: a node once ended there."""
    alpha = guarded.node("alpha")
    ended: list[int] = []

    def run() -> None:
        with httpx.Client(base_url=alpha.api, headers=guarded.headers("viewer"), timeout=30) as client:
            for _ in range(20):
                made = client.post("/v1/keys", json={"name": "short"})
                ended.append(client.delete(f"/v1/keys/{made.json()['id']}").status_code)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [200] * 160
