"""The local kill switch: what an operator blocks at one node ends there and at once, also what is under way."""

import concurrent.futures
import fcntl
import json
import sys
import termios
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from certificates import Authority
from harness import Mesh, Node, run, write_topology
from nodes import TOKENS, serving, write_configuration
from processes import wait_for
from rawhttp import chat_request, connect, read_to_end, read_until
from stub import Stub

# What operators are promised.
ENDED_SECONDS = 5
SEEN_SECONDS = 15
LONG = 600


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, stub: Stub) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("blocks")
    with Mesh(write_topology("blocks.json5", folder, STUB_PORT=stub.port), folder) as mesh:
        yield mesh


@pytest.fixture
def blocked(running: Mesh) -> Iterator[Mesh]:
    """The mesh, in which nothing is blocked before a test or after it."""
    yield running
    for node in running.nodes:
        for block in blocks(running, node):
            assert lift(running, node, block["id"]).status_code == 200

    def reaches(node: Node, model: str) -> None:
        wait_for(f"{node.site} knows that {model} runs",
                 lambda: set(running.states(node, model).values()) == {"running"}, SEEN_SECONDS)
        # Each site by name: one that has just failed is passed over for two seconds, until an answer of its own clears it.
        # One token: all of them would take most of this file's time.
        for site in running.states(node, model):
            wait_for(f"{node.site} reaches {model} at {site}",
                     lambda: running.chat(node, f"{model}@{site}", max_tokens=1).status_code == 200, SEEN_SECONDS)

    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        for one in [pool.submit(reaches, node, model) for node in running.nodes for model in ("pair", "solo", "home")]:
            one.result()


def block(mesh: Mesh, node: Node, kind: str, subject: str, **more: object) -> dict:
    answer = mesh.post(node, "/mesh/blocks", role="operator", json={
        "kind": kind, "subject": subject, "reason": "a test", **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def isolate(mesh: Mesh, node: Node, isolated: bool = True) -> None:
    answer = mesh.post(node, "/mesh/isolate", role="operator", json={"isolated": isolated, "reason": "a test"})
    assert answer.status_code in (200, 201), answer.text


def lift(mesh: Mesh, node: Node, identifier: str) -> httpx.Response:
    return httpx.delete(f"{node.api}/mesh/blocks/{identifier}", headers=mesh.headers("operator"))


def blocks(mesh: Mesh, node: Node) -> list[dict]:
    return mesh.get("/mesh/blocks", role="operator", node=node).json()["blocks"]


def error(answer: httpx.Response) -> dict:
    return answer.json()["error"]


def interrupted(mesh: Mesh, entry: Node, model: str, act: Callable[[], object], token: str | None = None,
                **fields: object) -> dict:
    """Reads a stream, acts in the middle of it, and gives the error event that it must end with within 5 s."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "stream": True, "max_tokens": LONG, **fields}
    headers = {"Authorization": f"Bearer {token or mesh.tokens['user']}"}
    text = b""
    acted = 0.0
    with httpx.stream("POST", f"{entry.api}/v1/chat/completions", json=body, headers=headers, timeout=20) as answer:
        assert answer.status_code == 200, answer.read()
        # httpx raises if the chunked body does not end as it should.
        for part in answer.iter_raw():
            text += part
            if not acted and text.count(b"data: ") >= 3:
                act()
                acted = time.monotonic()
    assert acted, "the stream ended by itself"
    assert time.monotonic() - acted < ENDED_SECONDS
    assert b"[DONE]" not in text
    events = [line[6:] for line in text.decode().splitlines() if line.startswith("data: ")]
    found = json.loads(events[-1])["error"]
    assert found["type"] == "mesh_stream_interrupted" and found["param"] is None
    return found


def test_a_blocked_user_is_refused_at_this_node_alone(blocked: Mesh):
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    made = block(blocked, alpha, "user", "user")
    assert made["kind"] == "user" and made["by"] == "operator" and made["until"] is None
    for answer in [blocked.chat(alpha, "home"), blocked.get("/v1/models", role="user", node=alpha)]:
        assert answer.status_code == 403
        assert error(answer)["code"] == "user_blocked" and error(answer)["type"] == "permission_error"
        assert made["id"] in error(answer)["message"] and "a test" not in answer.text
    assert blocked.get("/v1/models", role="viewer", node=alpha).status_code == 200
    assert blocked.chat(beta, "solo").status_code == 200
    assert lift(blocked, alpha, made["id"]).status_code == 200
    assert blocked.chat(alpha, "home").status_code == 200


@pytest.mark.parametrize("model", ["solo", "home"])
def test_a_users_stream_ends(blocked: Mesh, model: str):
    alpha = blocked.node("alpha")
    found = interrupted(blocked, alpha, model, lambda: block(blocked, alpha, "user", "static:user"))
    assert found["code"] == "user_blocked"


def test_a_users_end_says_nothing_against_the_site(blocked: Mesh):
    """Others' requests go there as before: it did not fail."""
    alpha = blocked.node("alpha")
    found = interrupted(blocked, alpha, "pair@beta", lambda: block(blocked, alpha, "user", "static:user"))
    assert found["code"] == "user_blocked"
    route = blocked.get("/mesh/route?model=pair", node=alpha).json()["candidates"]
    assert {candidate["site"]: candidate["excluded"] for candidate in route} == {"beta": None, "gamma": None}
    headers = {"Authorization": f"Bearer {blocked.tokens['operator']}"}
    assert blocked.chat(alpha, "pair@beta", headers=headers, max_tokens=1).status_code == 200


def test_a_user_is_blocked_at_the_serving_site(blocked: Mesh):
    """Known there by what the entry node signed, by the name that other sites' tokens have; another site serves the user on."""
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    found = interrupted(blocked, alpha, "solo", lambda: block(blocked, beta, "user", "user@alpha"))
    assert found["code"] == "user_blocked" and found["site"] == "beta"
    refused = blocked.chat(alpha, "solo")
    assert refused.status_code == 403 and error(refused)["code"] == "user_blocked"
    for _ in range(6):
        answer = blocked.chat(alpha, "pair", max_tokens=1)
        assert answer.status_code == 200 and answer.headers["x-mesh-site"] == "gamma"


def test_a_key_and_a_token(blocked: Mesh):
    alpha = blocked.node("alpha")
    made = blocked.post(alpha, "/v1/keys", role="user", json={"name": "laptop"}).json()

    def chat(key: str) -> httpx.Response:
        return blocked.chat(alpha, "home", headers={"Authorization": f"Bearer {key}"})

    found = interrupted(
        blocked, alpha, "solo", lambda: block(blocked, alpha, "key", made["id"]), token=made["key"])
    assert found["code"] == "key_blocked"
    refused = chat(made["key"])
    assert refused.status_code == 403 and error(refused)["code"] == "key_blocked"
    assert chat(blocked.tokens["user"]).status_code == 200, "the owner's other tokens are not blocked"
    other = blocked.post(alpha, "/v1/keys", role="user", json={"name": "other"}).json()
    assert chat(other["key"]).status_code == 200
    # A static token takes the keys along that were made by it.
    block(blocked, alpha, "key", "user")
    for key in (blocked.tokens["user"], other["key"]):
        refused = chat(key)
        assert refused.status_code == 403 and error(refused)["code"] == "key_blocked"


def test_a_model_is_blocked_where_it_runs(blocked: Mesh):
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    found = interrupted(blocked, alpha, "pair@beta", lambda: block(blocked, beta, "model", "pair"))
    assert found["code"] == "model_blocked" and found["site"] == "beta"
    for _ in range(6):
        answer = blocked.chat(alpha, "pair", max_tokens=1)
        assert answer.status_code == 200 and answer.headers["x-mesh-site"] == "gamma"
    refused = blocked.chat(beta, "pair")
    assert refused.status_code == 403 and error(refused)["code"] == "model_blocked"
    assert "pair" not in {model["id"] for model in blocked.get("/v1/models", role="user", node=beta).json()["data"]}
    wait_for("others are told", lambda: blocked.states(alpha, "pair").get("beta") == "maintenance", SEEN_SECONDS)


def test_a_model_is_blocked_where_it_is_asked_for(blocked: Mesh):
    alpha = blocked.node("alpha")
    found = interrupted(blocked, alpha, "pair", lambda: block(blocked, alpha, "model", "pair"))
    assert found["code"] == "model_blocked"
    refused = blocked.chat(alpha, "pair")
    assert refused.status_code == 403 and error(refused)["code"] == "model_blocked"
    assert blocked.chat(blocked.node("beta"), "pair").status_code == 200


def test_before_the_first_byte_another_site_takes_over(blocked: Mesh):
    """Answers that are sent whole: those under way at beta are made good by gamma. They are more than gamma has slots for."""
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        waiting = [pool.submit(blocked.chat, alpha, "pair", max_tokens=60) for _ in range(24)]

        def running_at_beta() -> int:
            load = blocked.get("/mesh/load", node=beta).json()["sites"]
            return next(model["running"] for site in load if site["site"] == "beta"
                        for model in site["models"] if model["id"] == "pair")

        wait_for("some run at beta", lambda: running_at_beta() > 0, 3)
        block(blocked, alpha, "peer", "beta")
        answers = [one.result() for one in waiting]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-mesh-site"] for answer in answers} == {"gamma"}
    assert any("reason=failover" in answer.headers["x-mesh-route"] for answer in answers)


def test_a_blocked_peer(blocked: Mesh):
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    found = interrupted(blocked, alpha, "solo", lambda: block(blocked, alpha, "peer", "beta/b1"))
    assert found["code"] == "peer_blocked"
    refused = blocked.chat(alpha, "solo")
    assert refused.status_code == 503 and error(refused)["code"] == "peer_blocked"
    route = blocked.get("/mesh/route?model=pair", node=alpha).json()
    excluded = {candidate["site"]: candidate["excluded"] for candidate in route["candidates"]}
    assert "has blocked beta/b1" in excluded["beta"] and excluded["gamma"] is None
    # The other way: what comes from there is refused, in the handshake or before.
    refused = blocked.chat(beta, "home")
    assert refused.status_code in (502, 503), refused.text
    wait_for("the refusal has its own words",
             lambda: "is blocked by this node's operator" in blocked.node_log(alpha), SEEN_SECONDS)

    def link() -> dict:
        links = blocked.get("/mesh/topology", node=alpha).json()["links"]
        return next(link for link in links if link["to"] == "beta/b1")

    assert link()["state"] == "down"
    wait_for("gossip has stopped", lambda: link()["exchangedSecondsAgo"] > 5, 30)
    assert blocked.chat(blocked.node("gamma"), "solo").status_code == 200, "nobody else is concerned"
    kept = blocks(blocked, alpha)
    assert [(one["kind"], one["subject"]) for one in kept] == [("peer", "beta/b1")]
    assert lift(blocked, alpha, kept[0]["id"]).status_code == 200
    wait_for("alpha reaches beta again", lambda: blocked.chat(alpha, "solo").status_code == 200, SEEN_SECONDS)


def test_a_blocked_peers_requests_end(blocked: Mesh):
    """Beta's client is told by beta, although alpha ended it."""
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    found = interrupted(blocked, beta, "home", lambda: block(blocked, alpha, "peer", "beta"))
    assert found["code"] == "peer_blocked"


def test_isolation(blocked: Mesh):
    alpha, beta = blocked.node("alpha"), blocked.node("beta")
    found = interrupted(blocked, alpha, "solo", lambda: isolate(blocked, alpha))
    assert found["code"] == "isolated"
    refused = blocked.chat(alpha, "solo")
    assert refused.status_code == 403 and error(refused)["code"] == "isolated"
    refused = blocked.chat(beta, "home")
    assert refused.status_code == 503, refused.text
    assert blocked.chat(alpha, "home").status_code == 200
    assert blocked.get("/mesh/blocks", role="operator", node=alpha).json()["isolated"]
    wait_for("others are told", lambda: blocked.states(beta, "home").get("alpha") == "maintenance", SEEN_SECONDS)
    isolate(blocked, alpha, False)
    assert blocked.chat(alpha, "solo").status_code == 200
    wait_for("others are told", lambda: blocked.states(beta, "home").get("alpha") == "running", SEEN_SECONDS)
    found = interrupted(blocked, beta, "home", lambda: isolate(blocked, alpha))
    assert found["code"] == "isolated" and found["site"] == "alpha"


def test_who_waits_in_line_is_told_too(blocked: Mesh):
    alpha = blocked.node("alpha")
    viewer = {"Authorization": f"Bearer {blocked.tokens['viewer']}"}
    holding = {"model": "narrow", "messages": [{"role": "user", "content": "Hello."}], "stream": True, "max_tokens": LONG}

    def waiting() -> int:
        load = blocked.get("/mesh/load", node=alpha).json()["sites"]
        return next(model["waiting"] for site in load if site["site"] == "alpha"
                    for model in site["models"] if model["id"] == "narrow")

    with httpx.stream("POST", f"{alpha.api}/v1/chat/completions", json=holding, headers=viewer, timeout=20) as first:
        assert first.status_code == 200
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            second = pool.submit(blocked.chat, alpha, "narrow")
            wait_for("it waits", lambda: waiting() == 1, SEEN_SECONDS)
            block(blocked, alpha, "user", "user")
            answer = second.result(ENDED_SECONDS)
        assert answer.status_code == 403 and error(answer)["code"] == "user_blocked"
        wait_for("nobody waits", lambda: waiting() == 0, SEEN_SECONDS)


@pytest.mark.parametrize("stream", [True, False])
def test_a_task_of_globus_ends(blocked: Mesh, stub: Stub, stream: bool):
    alpha = blocked.node("alpha")
    assert blocked.chat(alpha, "task").status_code == 200
    act = lambda: block(blocked, alpha, "model", "task")
    if stream:
        found = interrupted(blocked, alpha, "task", act, stub_events=1000, stub_pause_seconds=0.2)
        assert found["code"] == "model_blocked"
    else:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(blocked.chat, alpha, "task", stub_pause_seconds=20)
            wait_for("it runs", lambda: stub.running == 1, SEEN_SECONDS)
            act()
            answer = asked.result(ENDED_SECONDS)
        assert answer.status_code == 403 and error(answer)["code"] == "model_blocked"
    wait_for("the server is left alone", lambda: stub.running == 0, SEEN_SECONDS)


def test_a_client_that_takes_no_data_is_cut_off(blocked: Mesh, stub: Stub):
    alpha = blocked.node("alpha")
    body = {"model": "stub-chat", "messages": [], "stream": True, "stub_events": 200_000}
    with connect(alpha.api) as connection:
        connection.sendall(chat_request("x", blocked.tokens["user"], json.dumps(body).encode()))
        read_until(connection, b"data: ")
        # All buffers on the way are full when no more comes for a while.
        held: list[int] = []

        def is_stuck() -> bool:
            held.append(int.from_bytes(fcntl.ioctl(connection, termios.FIONREAD, bytes(4)), sys.byteorder))
            return len(held) > 20 and len(set(held[-20:])) == 1 and stub.running == 1

        wait_for("nothing moves any more", is_stuck, SEEN_SECONDS)
        block(blocked, alpha, "user", "user")
        wait_for("the server is left alone", lambda: stub.running == 0, ENDED_SECONDS)
        assert b"[DONE]" not in read_to_end(connection)


def test_what_cannot_be_blocked(blocked: Mesh):
    alpha = blocked.node("alpha")

    def status(role: str = "operator", **fields: object) -> tuple[int, str]:
        answer = blocked.post(alpha, "/mesh/blocks", role=role, json=fields)
        return answer.status_code, error(answer)["code"]

    good = {"kind": "user", "subject": "bob", "reason": "left"}
    assert status("viewer", **good) == (403, "role_too_low")
    assert status("user", **good) == (403, "role_too_low")
    assert status(**{**good, "subject": "Operator"}) == (409, "block_of_self")
    assert status(kind="key", subject="operator", reason="x") == (409, "block_of_self")
    assert status(kind="peer", subject="alpha", reason="x") == (409, "block_of_self")
    for wrong in [{"kind": "site"}, {"kind": "isolation"}, {"subject": ""}, {"subject": "a\nb"}, {"reason": ""}, {"reason": None},
                  {"seconds": 0}, {"seconds": -5}, {"seconds": 1e12}, {"kind": "peer", "subject": "a/b/c"},
                  {"kind": "peer", "subject": "Über"}, {"subject": "x" * 300}]:
        assert status(**{**good, **wrong}) == (400, "invalid_parameter"), wrong
    assert blocked.post(alpha, "/mesh/blocks", role="operator", content=b"[]").status_code == 400
    assert lift(blocked, alpha, "nothing").status_code == 404
    assert blocks(blocked, alpha) == []


def test_the_commands(blocked: Mesh):
    alpha = blocked.node("alpha")

    def meshnode(*arguments: str, code: int = 0):
        done = run(*arguments, "--node", alpha.api, token=blocked.tokens["operator"])
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr

    assert "blocked user bob@anl.gov until" in meshnode(
        "block", "user", "bob@anl.gov", "--for", "2h", "--reason", "left the laboratory")
    assert "blocked model task (block" in meshnode("block", "model", "task", "--reason", "costs too much")
    listing = meshnode("blocks")
    assert "left the laboratory" in listing and "operator" in listing
    listed = {one["subject"]: one for one in json.loads(meshnode("blocks", "--json"))["blocks"]}
    assert listed["task"]["until"] is None and listed["bob@anl.gov"]["until"] is not None
    assert "unblocked model task" in meshnode("unblock", listed["task"]["id"])
    assert "unblocked user bob@anl.gov" in meshnode("unblock", "user", "BOB@anl.gov")
    assert "no block" in meshnode("unblock", "user", "bob@anl.gov", code=1)
    assert "nothing is blocked" in meshnode("blocks")
    assert "isolated" in meshnode("isolate", "--for", "30m", "--reason", "an incident")
    assert "isolation" in meshnode("blocks")
    assert "no longer" in meshnode("isolate", "--off")
    for wrong in (["block", "user", "bob"], ["block", "site", "x", "--reason", "y"],
                  ["block", "user", "bob", "--reason", "y", "--for", "soon"], ["isolate"], ["unblock"]):
        assert "meshnode: " in meshnode(*wrong, code=2)
    done = run("block", "user", "bob", "--reason", "x", "--node", alpha.api, token=blocked.tokens["viewer"])
    assert done.returncode == 1 and "operator" in done.stderr


def test_what_the_federation_revokes_ends_the_same_way(start_mesh, stub: Stub):
    """Before the first byte another site takes over; after it the stream ends with its own code."""
    mesh: Mesh = start_mesh("blocks.json5", STUB_PORT=stub.port)
    alpha = mesh.node("alpha")

    def revoke() -> None:
        done = run("federation", "revoke", "beta", "--reason", "a test", "--node", alpha.api, token=mesh.tokens["operator"])
        assert done.returncode == 0, done

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(mesh.chat, alpha, "pair", max_tokens=60) for _ in range(6)]
        found = interrupted(mesh, alpha, "solo", revoke)
        answers = [one.result() for one in waiting]
    assert found["code"] == "peer_revoked" and found["site"] == "beta"
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-mesh-site"] for answer in answers} == {"gamma"}


def test_blocks_outlive_a_restart_and_end_by_the_clock(tmp_path):
    authority = Authority("tests", tmp_path / "ca")
    configuration = write_configuration(tmp_path, authority.issue("other", "o1"), "tests")
    api = f"http://{json.loads(configuration.read_text())['listen']['api']}"
    operator, user = ({"Authorization": f"Bearer {TOKENS[role]}"} for role in ("operator", "user"))

    def is_ready() -> bool:
        return httpx.get(f"{api}/readyz").status_code == 200

    def kept() -> list[dict]:
        return httpx.get(f"{api}/mesh/blocks", headers=operator).json()["blocks"]

    with serving(configuration) as (process, _):
        wait_for("ready", is_ready, 20)
        for subject, more in {"user": {}, "bob": {"seconds": 3600}}.items():
            body = {"kind": "user", "subject": subject, "reason": "a test", **more}
            assert httpx.post(f"{api}/mesh/blocks", headers=operator, json=body).status_code == 201
        before = kept()
        # As a crash would.
        process.kill()
        process.wait()
    with serving(configuration) as (process, log):
        wait_for("ready", is_ready, 20)
        assert kept() == before and len(before) == 2
        refused = httpx.get(f"{api}/v1/models", headers=user)
        assert refused.status_code == 403 and error(refused)["code"] == "user_blocked"
        assert "in force: user bob" in log.read_text()
        # Set again, for a second only: it takes the place of the other.
        body = {"kind": "user", "subject": "user", "reason": "for a moment", "seconds": 1}
        assert httpx.post(f"{api}/mesh/blocks", headers=operator, json=body).status_code == 201
        assert len(kept()) == 2
        wait_for("it has expired", lambda: httpx.get(f"{api}/v1/models", headers=user).status_code == 200, SEEN_SECONDS)
        assert [one["subject"] for one in kept()] == ["bob"]


def test_a_file_that_is_damaged_isolates_the_node(tmp_path):
    """What was blocked is not known any more: nobody else is served before the operator has looked."""
    authority = Authority("tests", tmp_path / "ca")
    configuration = write_configuration(tmp_path, authority.issue("other", "o1"), "tests")
    settings = json.loads(configuration.read_text())
    (tmp_path / "other-o1-state" / "blocks.db").write_bytes(b"\x07" * 8192)
    api, operator = f"http://{settings['listen']['api']}", {"Authorization": f"Bearer {TOKENS['operator']}"}
    with serving(configuration) as (_, log):
        wait_for("ready", lambda: httpx.get(f"{api}/readyz").status_code == 200, 20)
        found = httpx.get(f"{api}/mesh/blocks", headers=operator).json()
        assert found["isolated"] and "damaged" in found["blocks"][0]["reason"]
        assert "isolated until its operator" in log.read_text()
