"""Sites that have a model in different variants: a prompt goes to one that holds it, and embeddings keep to one."""

import contextlib
from collections.abc import Iterator

import httpx
import pytest

from harness import Mesh, write_topology
from processes import wait_for
from stub import Stub

SEEN_SECONDS = 20


class Variants:
    def __init__(self, mesh: Mesh, short: Stub, long: Stub):
        self.mesh, self.short, self.long = mesh, short, long
        self.entry = mesh.node("alpha")

    def ask(self, marker: str, **fields: object) -> httpx.Response:
        return self.mesh.chat(self.entry, "chat", prompt_cache_key=marker, **fields)

    def embed(self, **headers: str) -> httpx.Response:
        return self.mesh.post(
            self.entry, "/v1/embeddings", headers=headers, json={"model": "vectors", "input": "one"})


@pytest.fixture
def variants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Variants]:
    folder = tmp_path_factory.mktemp("variants")
    with contextlib.closing(Stub()) as short, contextlib.closing(Stub(context=32_768)) as long:
        topology = write_topology("variants.json5", folder, SHORT_PORT=short.port, LONG_PORT=long.port)
        with Mesh(topology, folder) as mesh:
            for model in ("chat", "vectors"):
                wait_for(f"{model} runs at both", lambda: mesh.states(mesh.node("alpha"), model) == {
                    "beta": "running", "gamma": "running"}, SEEN_SECONDS)
            yield Variants(mesh, short, long)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_a_server_refuses_goes_once_to_a_longer_variant(variants: Variants, stream: bool):
    """A node's estimate of the prompt is short: only the server counts its tokens."""
    answers = [variants.ask(f"long {number}", stub_prompt_tokens=20_000, stream=stream) for number in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 12
    assert {answer.headers["x-mesh-site"] for answer in answers} == {"gamma"}
    assert len(variants.short.requests) == len(variants.long.requests) == 12
    assert all("reason=failover; tries=2" in answer.headers["x-mesh-route"] for answer in answers)
    # It says nothing against the shorter one.
    assert variants.ask("short").headers["x-mesh-site"] == "beta"


def test_what_fits_nowhere_is_told_by_the_server(variants: Variants):
    for number in range(6):
        answer = variants.ask(f"huge {number}", stub_prompt_tokens=100_000)
        assert answer.status_code == 400 and answer.json()["error"]["type"] == "BadRequestError"
        assert "maximum context length is" in answer.json()["error"]["message"]
        assert f"is {variants.long.context} tokens" in answer.json()["error"]["message"]
    # Once at each.
    assert len(variants.short.requests) == len(variants.long.requests) == 6


def test_embeddings_keep_to_one_variant(variants: Variants):
    answers = [variants.embed() for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-mesh-variant"].partition(";")[0] for answer in answers} == {"revision=r1"}
    assert variants.embed(**{"Mesh-Require": "revision=r2"}).headers["x-mesh-site"] == "gamma"
    assert variants.embed(**{"Mesh-Require": "variant=any"}).headers["x-mesh-site"] == "gamma"
    refused = variants.embed(**{"Mesh-Require": "variant=r1"})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "Mesh-Require"
    variants.mesh.kill(variants.mesh.node("beta"))
    gone = variants.embed()
    assert gone.status_code in (502, 503), gone.text
    wait_for("alpha knows that beta is gone", lambda: variants.embed().status_code == 503, SEEN_SECONDS)
    assert "variant=any" in variants.embed().json()["error"]["message"]
    assert variants.embed(**{"Mesh-Require": "variant=any"}).headers["x-mesh-site"] == "gamma"
