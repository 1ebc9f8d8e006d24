"""Nodes, backends and `up` itself are killed; what was asked goes on elsewhere, and nothing hangs."""

import json
import os
import pathlib
import signal

import httpx
import pytest

from conftest import REAL_MODEL, RealServers
from harness import Mesh
from processes import wait_for, wait_until_gone

GONE_SECONDS = 10
NOTICED_SECONDS = 15
ELSEWHERE = {"beta": "gamma", "gamma": "beta"}


def test_kill_the_serving_node_between_two_requests(fresh_mesh: Mesh):
    entry = fresh_mesh.node("alpha")
    first = fresh_mesh.chat(entry, "pair")
    assert first.status_code == 200, first.text
    served = first.headers["x-mesh-site"]
    fresh_mesh.kill(fresh_mesh.node(served))
    second = fresh_mesh.chat(entry, "pair")
    assert second.status_code == 200, second.text
    assert second.headers["x-mesh-site"] == ELSEWHERE[served]


def test_kill_the_serving_node_of_the_real_model(start_mesh, real_servers: RealServers):
    first_port, second_port = real_servers.ports
    mesh = start_mesh("real.json5", FIRST_PORT=first_port, SECOND_PORT=second_port)
    entry = mesh.node("alpha")
    question = {"messages": [{"role": "user", "content": "Name the capital of France."}], "temperature": 0, "max_tokens": 40}
    served = mesh.chat(entry, REAL_MODEL, **question).headers["x-mesh-site"]
    mesh.kill(mesh.node(served))
    answer = mesh.chat(entry, REAL_MODEL, **question)
    assert answer.status_code == 200, answer.text
    assert "Paris" in answer.json()["choices"][0]["message"]["content"]
    assert answer.headers["x-mesh-site"] == ELSEWHERE[served]


def stream(mesh: Mesh, model: str, tokens: int):
    body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "stream": True, "max_tokens": tokens}
    return httpx.stream(
        "POST", f"{mesh.node('alpha').api}/v1/chat/completions", json=body, headers=mesh.headers("user"), timeout=20)


def test_kill_the_serving_node_during_a_stream(fresh_mesh: Mesh):
    with stream(fresh_mesh, "pair", tokens=400) as answer:
        assert answer.status_code == 200
        served = answer.headers["x-mesh-site"]
        text = b""
        killed = False
        # httpx raises if the chunked body does not end as it should.
        for part in answer.iter_raw():
            text += part
            if not killed and text.count(b"data: ") >= 5:
                fresh_mesh.kill(fresh_mesh.node(served))
                killed = True
    assert killed
    events = text.decode().split("\n\n")
    assert events[-1] == "", "the last event is not whole"
    assert "[DONE]" not in text.decode()
    delivered = [json.loads(event.removeprefix("data: ")) for event in events[:-1] if event.startswith("data: ")]
    error = delivered[-1]["error"]
    assert error["type"] == "mesh_stream_interrupted"
    assert error["param"] is None
    assert error["site"] == served
    assert error["message"] and "code" in error
    contents = [choice["delta"].get("content") for event in delivered[:-1] for choice in event["choices"]]
    assert error["tokensDelivered"] == len([content for content in contents if content])

    following = fresh_mesh.chat(fresh_mesh.node("alpha"), "pair")
    assert following.status_code == 200, following.text
    assert following.headers["x-mesh-site"] == ELSEWHERE[served]


def test_a_killed_node_is_seen_as_gone_and_its_only_model_with_it(fresh_mesh: Mesh):
    fresh_mesh.kill(fresh_mesh.node("beta"))
    answer = fresh_mesh.chat(fresh_mesh.node("alpha"), "solo")
    # The first to find out has no other site to try; whoever asks later is told to wait.
    assert answer.status_code in (502, 503), answer.text
    assert answer.json()["error"]["message"]
    later = fresh_mesh.chat(fresh_mesh.node("alpha"), "solo")
    assert later.status_code in (502, 503, 404), later.text
    assert later.status_code != 503 or int(later.headers["retry-after"]) >= 1

    def state(site: str) -> str:
        sites = fresh_mesh.get("/mesh/topology", node=fresh_mesh.node(site)).json()["sites"]
        return next((one["state"] for place in sites if place["site"] == "beta" for one in place["nodes"]), "left")

    for observer in ("alpha", "gamma"):
        wait_for(f"{observer} sees beta gone", lambda: state(observer) in ("unreachable", "dead", "left"), 60)
        models = fresh_mesh.client(fresh_mesh.node(observer)).models.list()
        assert {model.id for model in models} == {"common", "pair"}


def test_a_node_told_to_stop_leaves_at_once(fresh_mesh: Mesh):
    beta = fresh_mesh.node("beta")
    os.kill(beta.pid, signal.SIGTERM)
    wait_until_gone([beta.pid], GONE_SECONDS)

    def state() -> str:
        sites = fresh_mesh.get("/mesh/topology").json()["sites"]
        return next((one["state"] for place in sites if place["site"] == "beta" for one in place["nodes"]), "left")

    wait_for("beta has left", lambda: state() == "left", 5)
    assert fresh_mesh.chat(fresh_mesh.node("alpha"), "pair").headers["x-mesh-site"] == "gamma"


def test_a_model_that_goes_away_leaves_the_catalogs(fresh_mesh: Mesh):
    pid, _ = fresh_mesh.backend("solo")
    os.kill(pid, signal.SIGKILL)
    away = ("offline", "disconnected", "stopped", "failed")
    for node in fresh_mesh.nodes:
        wait_for(
            f"{node.site} sees that solo is away",
            lambda: fresh_mesh.states(node, "solo").get("beta", "offline") in away, NOTICED_SECONDS)
    answer = fresh_mesh.chat(fresh_mesh.node("alpha"), "solo")
    assert answer.status_code in (404, 503), answer.text


def test_kill_of_up_ends_everything(fresh_mesh: Mesh):
    children = fresh_mesh.descendants()
    assert len(children) >= 4
    fresh_mesh.process.kill()
    fresh_mesh.process.wait()
    wait_until_gone(children, GONE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_up_ends_everything(fresh_mesh: Mesh, number: signal.Signals):
    children = fresh_mesh.descendants()
    fresh_mesh.process.send_signal(number)
    fresh_mesh.process.wait(GONE_SECONDS)
    wait_until_gone(children, GONE_SECONDS)


def test_state_is_kept_over_a_restart(start_mesh):
    """The same state directory gives the same federation: its root is not made anew."""
    first = start_mesh("fragile.json5")
    root = pathlib.Path(first.ready["ca"]).read_text()
    first.__exit__()
    first.ready_file.unlink()
    again = Mesh(first.topology, first.state.parent)
    try:
        assert pathlib.Path(again.ready["ca"]).read_text() == root
        assert again.chat(again.node("alpha"), "pair").status_code == 200
    finally:
        again.__exit__()
