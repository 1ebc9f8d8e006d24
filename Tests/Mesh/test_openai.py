"""The OpenAI SDK against each of three nodes, wherever the model is."""

import concurrent.futures
import json

import openai
import pytest

from harness import Mesh
from stub import CHAT_MODEL, EMBEDDING_MODEL, USAGE, VECTOR

EVERYWHERE, AT_TWO = "common", "pair"
MESSAGES = [{"role": "user", "content": "Hello."}]
MODELS = [EVERYWHERE, AT_TWO, CHAT_MODEL]


@pytest.fixture
def client(mesh: Mesh, site: str) -> openai.OpenAI:
    return mesh.client(mesh.node(site))


@pytest.mark.parametrize("model", MODELS)
def test_chat(client: openai.OpenAI, model: str):
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8)
    assert answer.object == "chat.completion"
    assert answer.model == model
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize("model", MODELS)
def test_streamed_chat(client: openai.OpenAI, model: str):
    chunks = list(client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8, stream=True))
    assert len(chunks) > 2
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert all(chunk.usage is None for chunk in chunks), "usage that nobody asked for"


@pytest.mark.parametrize("model", MODELS)
def test_streamed_chat_with_usage(client: openai.OpenAI, model: str):
    chunks = list(client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=8, stream=True, stream_options={"include_usage": True}))
    assert [chunk.choices == [] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage.completion_tokens > 0
    if model == CHAT_MODEL:
        assert chunks[-1].usage.total_tokens == USAGE["total_tokens"]


@pytest.mark.parametrize("model", [EVERYWHERE, AT_TWO])
def test_completions(client: openai.OpenAI, model: str):
    answer = client.completions.create(model=model, prompt="Once upon a time", max_tokens=8)
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    chunks = list(client.completions.create(
        model=model, prompt="Once upon a time", max_tokens=8, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [answer.usage.completion_tokens]


def test_embeddings(client: openai.OpenAI):
    # Without an encoding the SDK asks for base64 and decodes it.
    assert client.embeddings.create(model=EMBEDDING_MODEL, input="Hello.").data[0].embedding == VECTOR
    exact = client.embeddings.create(model=EMBEDDING_MODEL, input="Hello.", encoding_format="float")
    assert exact.data[0].embedding == VECTOR
    simulated = client.embeddings.create(model="embed", input=["one", "two"])
    assert [len(entry.embedding) > 0 for entry in simulated.data] == [True, True]
    assert [entry.index for entry in simulated.data] == [0, 1]


def test_models(client: openai.OpenAI):
    models = {model.id: model for model in client.models.list()}
    expected = {EVERYWHERE: {"alpha", "beta", "gamma"}, AT_TWO: {"beta", "gamma"}, "solo": {"beta"}, "embed": {"alpha"},
                CHAT_MODEL: {"gamma"}, EMBEDDING_MODEL: {"gamma"}}
    assert set(models) == set(expected)
    for name, sites in expected.items():
        extra = models[name].model_extra
        assert {entry["site"] for entry in extra["sites"]} == sites
        assert {entry["state"] for entry in extra["sites"]} == {"running"}
        assert extra["state"] == "running"
        assert extra["context_tokens"] is None or extra["context_tokens"] > 0
        assert extra["capabilities"] is None or isinstance(extra["capabilities"], list)
    assert models[CHAT_MODEL].model_extra["context_tokens"] == 4096
    one = client.models.retrieve(AT_TWO)
    assert one.id == AT_TWO and one.object == "model"


def test_what_the_mesh_does_not_know_passes_untouched(mesh: Mesh, site: str, stub):
    marker = f"marker-untouched-{site}"
    raw = ('{ "stub_unknown" : [1.0, 1e2, "\\u00e9\\/", {"deep":null}],\r\n\t"model":"%s",'
           '"messages":[{"role":"user","content":"%s ü"}] ,"seed":  18446744073709551615 }' % (CHAT_MODEL, marker)).encode()
    answer = mesh.post(
        mesh.node(site), "/v1/chat/completions", content=raw,
        headers={"Content-Type": "application/json", "Meshnode-User": "root"})
    assert answer.status_code == 200, answer.text
    received = stub.request_with(marker)
    assert received["body"] == raw
    fields = {name.lower(): value for name, value in received["headers"].items()}
    assert mesh.tokens["user"] not in json.dumps(received["headers"]), "a user's token reached the backend"
    assert not [name for name in fields if name.startswith("meshnode-")]


def test_chunked_request_body(mesh: Mesh, site: str, stub):
    marker = f"marker-chunked-{site}"
    body = json.dumps({"model": CHAT_MODEL, "messages": [{"role": "user", "content": marker}]}).encode()

    def pieces():
        for start in range(0, len(body), 11):
            yield body[start:start + 11]

    answer = mesh.post(mesh.node(site), "/v1/chat/completions", content=pieces())
    assert answer.status_code == 200, answer.text
    assert stub.request_with(marker)["body"] == body


def test_large_request_body(mesh: Mesh, site: str, stub):
    marker = f"marker-large-{site}"
    content = marker + "x" * 1_000_000
    answer = mesh.chat(mesh.node(site), CHAT_MODEL, messages=[{"role": "user", "content": content}])
    # Too long for the model's 4096 tokens or passed to it: but never cut, hung or broken.
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert json.loads(stub.request_with(marker)["body"])["messages"][0]["content"] == content


def test_events_cut_anywhere_arrive_whole(client: openai.OpenAI):
    chunks = list(client.chat.completions.create(
        model=CHAT_MODEL, messages=MESSAGES, stream=True, extra_body={"stub_events": 40, "stub_piece_bytes": 7}))
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == "".join(f"é{index} " for index in range(40))


def test_many_at_once(mesh: Mesh):
    def ask(number: int) -> bool:
        client = mesh.client(mesh.nodes[number % 3])
        model = MODELS[number % len(MODELS)]
        if number % 2:
            return bool(client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=4).choices)
        return len(list(client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=4, stream=True))) > 1

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        assert all(pool.map(ask, range(96)))
