"""A real model behind real llama.cpp servers, asked at a node whose site does not have it."""

import openai
import pytest

from conftest import REAL_MODEL
from harness import Mesh

QUESTION = [{"role": "user", "content": "Name the capital of France."}]


@pytest.fixture
def client(real_mesh: Mesh, site: str) -> openai.OpenAI:
    return real_mesh.client(real_mesh.node(site))


def test_answer(real_mesh: Mesh, site: str):
    answer = real_mesh.chat(real_mesh.node(site), REAL_MODEL, messages=QUESTION, temperature=0, max_tokens=40)
    assert answer.status_code == 200, answer.text
    assert "Paris" in answer.json()["choices"][0]["message"]["content"]
    serving = answer.headers["x-mesh-site"]
    assert serving in ("beta", "gamma")
    assert serving == site or site == "alpha"
    assert not (answer.json().get("system_fingerprint") or "").startswith("simulated")


def test_streamed_answer(client: openai.OpenAI):
    with client.chat.completions.with_streaming_response.create(
            model=REAL_MODEL, messages=QUESTION, temperature=0, max_tokens=40, stream=True) as answer:
        assert answer.headers["x-mesh-site"] in ("beta", "gamma")
        events = [line for line in answer.iter_lines() if line.startswith("data: ")]
    assert events[-1] == "data: [DONE]"
    assert events.count("data: [DONE]") == 1
    chunks = list(client.chat.completions.create(
        model=REAL_MODEL, messages=QUESTION, temperature=0, max_tokens=40, stream=True,
        stream_options={"include_usage": True}))
    assert "Paris" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert [chunk.usage.completion_tokens > 0 for chunk in chunks if chunk.usage] == [True]


def test_completion(client: openai.OpenAI):
    answer = client.completions.create(model=REAL_MODEL, prompt="The capital of France is", temperature=0, max_tokens=4)
    assert "Paris" in answer.choices[0].text


def test_what_the_server_tells_is_in_the_catalog(real_mesh: Mesh, site: str):
    catalog = real_mesh.get("/mesh/catalog", node=real_mesh.node(site)).json()["models"]
    entry = next(model for model in catalog if model["id"] == REAL_MODEL)
    assert {one["site"] for one in entry["sites"]} == {"beta", "gamma"}
    # The context of one slot, not of all slots together nor what the model was trained with.
    assert {one["contextTokens"] for one in entry["sites"]} == {2048}
    topology = real_mesh.get("/mesh/topology", node=real_mesh.node(site)).json()
    slots = {model["slots"] for place in topology["sites"] for model in place["models"] if model["id"] == REAL_MODEL}
    assert slots == {4}


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_for_the_model(client: openai.OpenAI, stream: bool):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model=REAL_MODEL, messages=[{"role": "user", "content": "word " * 4000}], stream=stream)
    assert "context" in refused.value.message.lower()


def test_many_requests_over_kept_connections(client: openai.OpenAI):
    """llama.cpp closes a connection after 100 requests and when idle for 5 s: nobody must notice."""
    for _ in range(105):
        answer = client.completions.create(model=REAL_MODEL, prompt="One", temperature=0, max_tokens=1)
        assert answer.choices[0].finish_reason == "length"
