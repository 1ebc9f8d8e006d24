"""A broken stream goes on at another site, where `Mesh-Resume: continue` asks for it; otherwise it ends with a typed error."""

import os
import signal

import httpx
import openai
import pytest

from answers import QUESTION, Streamed, stream
from conftest import REAL_MODEL, RealServers
from harness import Mesh, gauge, write_topology
from processes import listening_ports, wait_for
from scripted import PROMPT_TOKENS, TEXT, TOKENS, Script

ELSEWHERE = {"beta": "gamma", "gamma": "beta"}


@pytest.fixture(scope="module")
def script():
    servers = Script()
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, script: Script):
    """For the tests that break servers of their own only."""
    folder = tmp_path_factory.mktemp("resume")
    first, second = script.ports
    with Mesh(write_topology("resume.json5", folder, FIRST_PORT=first, SECOND_PORT=second), folder) as running:
        yield running


@pytest.fixture
def fragile(start_mesh, script: Script) -> Mesh:
    first, second = script.ports
    return start_mesh("resume.json5", FIRST_PORT=first, SECOND_PORT=second)


def kill_node(mesh: Mesh):
    return lambda site: mesh.kill(mesh.node(site))


def kill_busy_backend(mesh: Mesh):
    """Ends the one simulated server that has a request."""
    def kill(_: str) -> None:
        nodes = {node.pid for node in mesh.nodes}
        for pid in mesh.descendants() - nodes:
            for port in listening_ports(pid):
                try:
                    if gauge(f"http://127.0.0.1:{port}", "vllm:num_requests_running") > 0:
                        return os.kill(pid, signal.SIGKILL)
                except (httpx.HTTPError, AssertionError):
                    continue
        raise AssertionError("no simulated server has a request")
    return kill


def assert_whole(broken: Streamed, unbroken: Streamed) -> None:
    """Nothing but the comments tells one from the other."""
    assert broken.is_done and unbroken.is_done
    assert broken.contents == unbroken.contents
    assert broken.reasons == unbroken.reasons and len(broken.reasons) == 1
    assert broken.usage == unbroken.usage
    assert len(broken.identities()) == 1
    assert len([delta for delta in broken.deltas if "role" in delta]) == 1


LENGTHS = [{"max_tokens": 60, "stream_options": {"include_usage": True}}, {"max_completion_tokens": 50},
           {"stream_options": {"include_usage": True}}]


@pytest.mark.parametrize("fields", LENGTHS, ids=["max-tokens", "max-completion-tokens", "no-limit"])
def test_the_serving_node_is_killed(fragile: Mesh, fields: dict):
    unbroken = stream(fragile, "pair", **fields)
    assert unbroken.comments == []
    broken = stream(fragile, "pair", when={7: kill_node(fragile)}, **fields)
    first = broken.headers["x-mesh-site"]
    assert broken.comments == [f": continued at site {ELSEWHERE[first]}"]
    assert_whole(broken, unbroken)
    receipt = fragile.receipt(broken)
    assert (receipt["reason"], receipt["site"], receipt["outcome"]) == ("continued", ELSEWHERE[first], "answered")
    assert gauge_of(fragile, "meshnode_continued_total") == 1


def gauge_of(mesh: Mesh, name: str) -> float:
    text = mesh.get("/metrics").text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")))


def test_the_serving_node_s_server_is_killed(fragile: Mesh):
    """The serving node says so in the stream: the entry node takes that for what it is."""
    unbroken = stream(fragile, "pair", max_tokens=60)
    assert_whole(stream(fragile, "pair", max_tokens=60, when={9: kill_busy_backend(fragile)}), unbroken)


@pytest.mark.parametrize("count", [21, 22, 23])
def test_a_real_model_goes_on(start_mesh, real_servers: RealServers, count: int):
    """To read a text gives other roundings than to write it: asked is what the model has no two minds about at any token."""
    first_port, second_port = real_servers.ports
    mesh = start_mesh("real.json5", FIRST_PORT=first_port, SECOND_PORT=second_port)
    question = [{"role": "user", "content": "Count from 1 to 20, separated by commas."}]
    fields = {"messages": question, "max_tokens": 60, "stream_options": {"include_usage": True}}
    unbroken = stream(mesh, REAL_MODEL, **fields)
    assert len(unbroken.contents) > 30
    broken = stream(mesh, REAL_MODEL, when={count: kill_node(mesh)}, **fields)
    first = broken.headers["x-mesh-site"]
    assert broken.comments == [f": continued at site {ELSEWHERE[first]}"]
    assert broken.text == unbroken.text
    assert broken.usage == unbroken.usage and broken.reasons == unbroken.reasons
    # llama.cpp puts the present second into each event as `created`, in an unbroken stream too.
    assert len({(name, model) for name, _, model in broken.identities()}) == 1 and broken.is_done


def test_two_sites_die_one_after_another(fragile: Mesh):
    unbroken = stream(fragile, "triple", max_tokens=90)
    assert unbroken.headers["x-mesh-site"] == "alpha"
    broken = stream(
        fragile, "triple", max_tokens=90, when={8: kill_busy_backend(fragile), 30: kill_node(fragile)})
    assert len(broken.comments) == 2 and broken.comments[0] != broken.comments[1]
    assert_whole(broken, unbroken)


def test_with_the_sdk(fragile: Mesh):
    client = fragile.client(fragile.node("alpha"))

    def ask(count: int | None):
        answer = client.chat.completions.create(
            model="pair", messages=QUESTION, temperature=0, max_tokens=40, stream=True,
            stream_options={"include_usage": True}, extra_headers={"Mesh-Resume": "continue"})
        chunks = []
        for chunk in answer:
            chunks.append(chunk)
            if len(chunks) == count:
                fragile.kill(fragile.node(answer.response.headers["x-mesh-site"]))
        return chunks

    unbroken, broken = ask(None), ask(8)

    def text(chunks: list) -> str:
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    assert text(broken) == text(unbroken)
    assert len({chunk.id for chunk in broken}) == 1
    assert [chunk.usage for chunk in broken if chunk.usage] == [chunk.usage for chunk in unbroken if chunk.usage]


def test_without_asking_it_ends_with_a_typed_error(fragile: Mesh):
    broken = stream(fragile, "pair", resume=False, max_tokens=400, when={5: kill_node(fragile)})
    assert_interrupted(broken)


def assert_interrupted(broken: Streamed, code: str | None = None) -> None:
    assert not broken.is_done and "[DONE]" not in broken.raw
    error = broken.error
    assert error["type"] == "mesh_stream_interrupted" and error["param"] is None
    assert error["site"] and error["message"]
    assert code is None or error["code"] == code
    assert error["tokensDelivered"] == len(broken.contents)


def test_no_other_site_has_it(fragile: Mesh):
    assert_interrupted(stream(fragile, "solo", max_tokens=400, when={5: kill_node(fragile)}))


# What a broken answer lacks, whatever breaks it: nothing.
FAULTS = ["lost", "clean", "error", "stall"]
POINTS = [0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 16, 30, 40]


@pytest.mark.parametrize("fault", FAULTS)
def test_however_it_breaks(lasting: Mesh, script: Script, fault: str):
    script.play()
    unbroken = stream(lasting, "twin", stream_options={"include_usage": True})
    assert unbroken.text == TEXT
    script.play((fault, 12))
    assert_whole(stream(lasting, "twin", stream_options={"include_usage": True}), unbroken)
    assert len(script.bodies) == 2


@pytest.mark.parametrize("limit", [None, 41, 30])
@pytest.mark.parametrize("point", POINTS)
def test_wherever_it_breaks(lasting: Mesh, script: Script, point: int, limit: int | None):
    """Also behind space, which the server strips from what it is given and writes again, and behind escapes."""
    fields = {"stream_options": {"include_usage": True}, **({"max_tokens": limit} if limit else {})}
    script.play()
    unbroken = stream(lasting, "twin", **fields)
    script.play(("lost", point))
    broken = stream(lasting, "twin", **fields)
    assert broken.text == unbroken.text == "".join(TOKENS[:limit])
    assert broken.is_done
    assert broken.reasons == unbroken.reasons
    assert broken.usage == unbroken.usage == [{
        "prompt_tokens": PROMPT_TOKENS, "completion_tokens": len(TOKENS[:limit]),
        "total_tokens": PROMPT_TOKENS + len(TOKENS[:limit])}]
    assert len(broken.identities()) == 1


def test_it_breaks_at_three_sites_and_more(lasting: Mesh, script: Script):
    """Two sites have it, and both break: what the client has counts as delivered, all of it."""
    script.play(("lost", 4), ("lost", 6))
    broken = stream(lasting, "twin")
    assert_interrupted(broken, "upstream_lost")
    assert broken.text == "".join(TOKENS[:10])
    assert len(broken.comments) == 1


def test_a_site_that_will_not_go_on(lasting: Mesh, script: Script):
    script.play(("lost", 4), ("refuse", 0))
    broken = stream(lasting, "twin")
    assert_interrupted(broken, "upstream_lost")
    assert broken.comments == []


def test_a_site_that_goes_on_with_something_else(lasting: Mesh, script: Script):
    script.play(("lost", 4), ("reasoning", 2))
    broken = stream(lasting, "twin")
    assert not broken.is_done
    assert broken.text == "".join(TOKENS[:6])
    assert broken.error["code"] == "continuation_unfit"


def test_what_is_no_text_is_not_gone_on_with(lasting: Mesh, script: Script):
    script.play(("reasoning", 4))
    broken = stream(lasting, "twin")
    assert not broken.is_done
    assert broken.error["code"] == "upstream_lost"
    assert len(script.bodies) == 1


@pytest.mark.parametrize("usage", [False, True])
def test_it_breaks_behind_its_last_token(lasting: Mesh, script: Script, usage: bool):
    """The text is whole: only its end, or its usage, is still to come."""
    fields = {"stream_options": {"include_usage": usage}}
    script.play(("finished", 100))
    broken = stream(lasting, "twin", **fields)
    assert broken.is_done and broken.text == TEXT and broken.reasons == ["stop"]
    assert len(script.bodies) == (2 if usage else 1)
    assert len(broken.usage) == (1 if usage else 0)
    if usage:
        assert broken.usage[0]["completion_tokens"] == len(TOKENS)


def test_all_else_of_the_request_stays(lasting: Mesh, script: Script):
    script.play(("lost", 5))
    stream(lasting, "twin", max_tokens=35, seed=7, stop=["never"], user="someone", unknown_field={"a": [1, "é"]})
    first, second = script.bodies
    assert second.pop("continue_final_message") is True and second.pop("add_generation_prompt") is False
    assert second["messages"].pop() == {"role": "assistant", "content": "".join(TOKENS[:5]).rstrip()}
    assert (first.pop("max_tokens"), second.pop("max_tokens")) == (35, 30)
    assert first == second


UNFIT = {
    "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
    "logprobs": {"logprobs": True},
    "structured": {"response_format": {"type": "json_object"}},
    "two-choices": {"n": 2},
    "prefilled": {"messages": [*QUESTION, {"role": "assistant", "content": "Well, "}]},
}


@pytest.mark.parametrize("fields", UNFIT.values(), ids=UNFIT.keys())
def test_what_cannot_go_on(fragile: Mesh, fields: dict):
    broken = stream(fragile, "triple", max_tokens=400, when={5: kill_busy_backend(fragile)}, **fields)
    assert not broken.is_done
    assert broken.error["type"] == "mesh_stream_interrupted"
    assert broken.comments == []


def test_another_revision_does_not_go_on(lasting: Mesh, script: Script):
    script.play(("lost", 5))
    assert_interrupted(stream(lasting, "odd"))
    assert len(script.bodies) == 1


@pytest.mark.parametrize("value", ["restart", "Continue", "continue, continue", "true", "x" * 2000])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"])
def test_another_word_is_refused(lasting: Mesh, path: str, value: str):
    answer = lasting.post(lasting.node("alpha"), path, headers={"Mesh-Resume": value}, json={"model": "pair"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "Mesh-Resume"
    assert answer.json()["error"]["code"] == "invalid_header"


def test_it_changes_nothing_where_nothing_breaks(lasting: Mesh):
    whole = lasting.chat(lasting.node("alpha"), "pair", headers={"Mesh-Resume": "continue"})
    assert whole.status_code == 200 and whole.json()["choices"][0]["message"]["content"]
    with pytest.raises(openai.NotFoundError):
        lasting.client(lasting.node("alpha")).chat.completions.create(
            model="none", messages=QUESTION, stream=True, extra_headers={"Mesh-Resume": "continue"})
    asked, unasked = stream(lasting, "pair", max_tokens=20), stream(lasting, "pair", max_tokens=20, resume=False)
    assert asked.contents == unasked.contents and asked.comments == unasked.comments == []


def test_the_client_leaves_while_it_goes_on(lasting: Mesh, script: Script):
    script.play(("lost", 4), ("stall", 2))
    headers = {**lasting.headers("user"), "Mesh-Resume": "continue"}
    body = {"model": "twin", "messages": QUESTION, "stream": True}
    with httpx.stream("POST", f"{lasting.node('alpha').api}/v1/chat/completions", json=body, headers=headers,
                      timeout=30) as answer:
        raw = b""
        for part in answer.iter_raw():
            raw += part
            if b": continued" in raw:
                break
    wait_for("the receipt says so", lambda: lasting.get("/mesh/receipts?limit=1").json()["receipts"][0]["outcome"]
             == "clientGone", 10)
