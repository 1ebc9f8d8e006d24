"""Requests that become tasks of Globus Compute: our function, run by real Python in the emulation, streams the answer back."""

import json
import re

import httpx
import openai
import pytest

from harness import TOPOLOGIES, Mesh, write_topology
from processes import wait_for
from rawhttp import chat_request, connect, read_until
from stub import Stub

QUESTION = [{"role": "user", "content": "Name the capital of France."}]
STOPPED_SECONDS = 10
FIRST_FUNCTION = TOPOLOGIES.parent / "first_function.py"


@pytest.fixture(scope="module")
def globus_mesh(tmp_path_factory, real_servers, stub: Stub):
    folder = tmp_path_factory.mktemp("globus")
    topology = write_topology("globus.json5", folder, REAL_PORT=real_servers.ports[0], STUB_PORT=stub.port,
                              FIRST_FUNCTION=FIRST_FUNCTION)
    with Mesh(topology, folder) as running:
        yield running


@pytest.fixture
def entry(globus_mesh: Mesh):
    return globus_mesh.node("alpha")


@pytest.fixture
def client(globus_mesh: Mesh, entry) -> openai.OpenAI:
    return globus_mesh.client(entry)


def test_a_streamed_answer_of_a_real_model_at_another_site(client: openai.OpenAI):
    with client.chat.completions.with_streaming_response.create(
            model="globus-real", messages=QUESTION, temperature=0, max_tokens=40, stream=True) as answer:
        assert answer.headers["x-mesh-site"] == "beta"
        assert "x-mesh-stream" not in answer.headers, "the function could not reach the node"
        events = [line for line in answer.iter_lines() if line.startswith("data: ")]
    assert events[-1] == "data: [DONE]" and events.count("data: [DONE]") == 1
    text = "".join(json.loads(event[6:])["choices"][0]["delta"].get("content") or "" for event in events[:-1]
                   if json.loads(event[6:])["choices"])
    assert "Paris" in text


def test_a_whole_answer_of_a_real_model(globus_mesh: Mesh, entry):
    answer = globus_mesh.chat(entry, "globus-real", messages=QUESTION, temperature=0, max_tokens=40)
    assert answer.status_code == 200, answer.text
    assert "Paris" in answer.json()["choices"][0]["message"]["content"]
    assert answer.headers["x-mesh-site"] == "beta"


def test_every_byte_of_a_body_reaches_the_server(globus_mesh: Mesh, entry, stub: Stub):
    body = ('{ "marker" : "globus-bytes \\u00e9 \\ud83d\\ude00 \u00fc\u4e2d\U0001f680 \\" \\\\ \\n",\t"model":"globus-stub",'
            '"messages":[{"role":"user","content":"\u202e x"}], "top_k": 1.0e0 }').encode()
    answer = globus_mesh.post(entry, "/v1/chat/completions", content=body)
    assert answer.status_code == 200, answer.text
    assert stub.request_with("globus-bytes")["body"] == body.replace(b"globus-stub", b"stub-chat")


def test_events_arrive_as_they_are_made(client: openai.OpenAI, stub: Stub):
    """Each of 200 events, with a pause in mid-stream that FIRST takes for the end."""
    events = list(client.chat.completions.create(
        model="globus-stub", messages=QUESTION, stream=True, extra_body={"stub_events": 200}))
    text = "".join(event.choices[0].delta.content or "" for event in events)
    assert text == "".join(f"é{index} " for index in range(200))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 404, 422])
def test_the_servers_own_refusal_stays_what_it_is(globus_mesh: Mesh, entry, status: int, stream: bool):
    answer = globus_mesh.chat(entry, "globus-stub", stub_status=status, stream=stream)
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == f"stub says {status}"


def test_a_stream_cut_by_the_server_is_told_as_cut(globus_mesh: Mesh, entry):
    answer = globus_mesh.chat(entry, "globus-stub", stream=True, stub_events=10, stub_cut_after=4)
    assert answer.status_code == 200
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    error = json.loads(events[-1])["error"]
    assert error["type"] == "mesh_stream_interrupted" and error["site"] == "beta" and error["tokensDelivered"] == 4
    assert "[DONE]" not in answer.text


def test_a_client_that_leaves_stops_the_server(globus_mesh: Mesh, entry, stub: Stub):
    wait_for("nothing runs", lambda: stub.running == 0, STOPPED_SECONDS)
    before = stub.abandoned
    body = {"model": "globus-stub", "messages": QUESTION, "stream": True, "stub_events": 1000, "stub_pause_seconds": 0.2}
    with connect(entry.api) as connection:
        connection.sendall(chat_request("x", globus_mesh.tokens["user"], json.dumps(body).encode()))
        read_until(connection, b"data: ")
    wait_for("the stub is left alone", lambda: stub.abandoned == before + 1 and stub.running == 0, STOPPED_SECONDS)


def test_the_catalog_says_what_is_behind_globus(globus_mesh: Mesh, entry):
    catalog = globus_mesh.get("/mesh/catalog", node=entry).json()["models"]
    sites = {model["id"]: model["sites"][0] for model in catalog}
    assert sites["globus-stub"]["backend"] == "globusCompute"
    assert sites["globus-stub"]["state"] == "running"


def test_the_status_function_reports(globus_mesh: Mesh):
    """Its tasks are those of beta whose results are fetched although nobody asked a model."""
    beta = globus_mesh.node("beta")

    def results() -> float:
        page = globus_mesh.get("/metrics", node=beta).text
        return float(re.search(r"^meshnode_globus_results_total (\S+)$", page, re.MULTILINE)[1])

    before = results()
    wait_for("a report of the status function", lambda: results() > before, 20)
    assert "brought no report" not in globus_mesh.node_log(beta)


def test_callbacks_of_strangers_are_turned_away(globus_mesh: Mesh):
    beta = globus_mesh.node("beta")
    answer = httpx.post(f"{beta.api}/resource_server/api/meshnode/answer/00000000-0000-4000-8000-000000000000",
                        headers={"Authorization": "Bearer x"}, content=b"")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "unknown_task"
    for headers in ({}, {"X-Internal-Secret": "default-secret-change-me"}):
        answer = httpx.post(f"{beta.api}/resource_server/api/streaming/data/", json={"task_id": "x"}, headers=headers)
        assert answer.status_code == 401


def test_the_node_of_a_site_dies_and_its_models_stay(start_mesh, real_servers, stub: Stub):
    mesh = start_mesh("globus.json5", REAL_PORT=real_servers.ports[0], STUB_PORT=stub.port, FIRST_FUNCTION=FIRST_FUNCTION)
    entry = mesh.node("alpha")
    answer = mesh.chat(entry, "globus-away")
    assert answer.status_code == 200 and "reason=only" in answer.headers["x-mesh-route"]
    def offered() -> bool:
        models = mesh.get("/mesh/catalog", node=entry).json()["models"]
        return next(model for model in models if model["id"] == "globus-away")["sites"][0]["directFor"] == ["alpha"]

    def was_spoken_with() -> bool:
        links = mesh.get("/mesh/topology", node=entry).json()["links"]
        return any(isinstance(link["exchangedSecondsAgo"], float) for link in links if link["to"].startswith("gamma/"))

    wait_for("gamma's offer is known at alpha", offered, 20)
    # Others' word of an offer is not enough.
    wait_for("alpha has spoken with gamma itself", was_spoken_with, 20)
    mesh.kill(mesh.node("gamma"))
    for _ in range(2):
        answer = mesh.chat(entry, "globus-away")
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-mesh-site"] == "gamma"
        assert "reason=direct" in answer.headers["x-mesh-route"]
    assert answer.json()["choices"][0]["message"]["content"] == "from the stub"
    # Beta was not named by gamma.
    assert mesh.chat(mesh.node("beta"), "globus-away").status_code in (502, 503)
    assert "goes to the endpoint of gamma" in mesh.node_log(entry)


def test_a_function_of_firsts_kind_runs_unchanged(globus_mesh: Mesh, entry, client: openai.OpenAI):
    whole = globus_mesh.chat(entry, "globus-first")
    assert whole.status_code == 200, whole.text
    assert whole.json()["choices"][0]["message"]["content"] == "from the stub"
    events = list(client.chat.completions.create(
        model="globus-first", messages=QUESTION, stream=True, extra_body={"stub_events": 60}))
    text = "".join(event.choices[0].delta.content or "" for event in events)
    assert text == "".join(f"é{index} " for index in range(60))


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_through_firsts_function_stays_what_it_is(globus_mesh: Mesh, entry, stream: bool):
    answer = globus_mesh.chat(entry, "globus-first", stub_status=400, stream=stream)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"] == "stub says 400"


def test_fields_that_only_the_gateway_may_set_are_refused(globus_mesh: Mesh, entry):
    answer = globus_mesh.chat(entry, "globus-first", stream_task_token="mine")
    assert answer.status_code == 400
    assert "stream_task_token" in answer.json()["error"]["message"]
