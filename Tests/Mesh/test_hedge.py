"""Hedged requests: one more attempt where the first byte is later than nearly all were; the first to answer has it."""

import httpx
import pytest

from answers import Streamed, stream
from harness import Mesh, run, write_topology
from processes import wait_for
from scripted import TEXT, TOKENS, Script

SITES = ("beta", "gamma")
# Answers of each kind that each site is known by.
MEASURED = 20
# What one second attempt must be earned by.
EARNED_BY = 50
FREED_SECONDS = 10


@pytest.fixture(scope="module")
def script():
    servers = Script()
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, script: Script):
    folder = tmp_path_factory.mktemp("hedge")
    first, second = script.ports
    with Mesh(write_topology("hedge.json5", folder, FIRST_PORT=first, SECOND_PORT=second), folder) as mesh:
        for site in SITES:
            for _ in range(MEASURED):
                ask(mesh, True, site)
                ask(mesh, False, site)
        yield mesh


@pytest.fixture
def mesh(running: Mesh, script: Script) -> Mesh:
    """Both sites were measured and have answered of late, and one second attempt is to be had."""
    wait_for("all slots are free", lambda: busy(running) == 0, FREED_SECONDS)
    script.play()
    for number in range(EARNED_BY):
        ask(running, number % 2 == 0, SITES[number // 2 % 2])
    script.play()
    return running


def ask(mesh: Mesh, is_stream: bool, site: str | None = None) -> Streamed | httpx.Response:
    headers = {"Mesh-Site": site} if site else {}
    if is_stream:
        return stream(mesh, "twin", resume=False, headers=headers, stream_options={"include_usage": True})
    return mesh.chat(mesh.node("alpha"), "twin", headers=headers, max_tokens=len(TOKENS))


def text_of(answer: Streamed | httpx.Response) -> str:
    if isinstance(answer, Streamed):
        # Of one of the two, and once.
        assert answer.is_done and [usage["completion_tokens"] for usage in answer.usage] == [len(TOKENS)]
        return answer.text
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def counted(mesh: Mesh, name: str, site: str = "alpha") -> float:
    lines = mesh.get("/metrics", node=mesh.node(site)).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def busy(mesh: Mesh) -> float:
    return sum(counted(mesh, "meshnode_admission_running", site) for site in SITES)


def hedged(mesh: Mesh) -> tuple[float, float]:
    return counted(mesh, "meshnode_hedged_total"), counted(mesh, "meshnode_hedges_won_total")


def steps(mesh: Mesh, answer: Streamed | httpx.Response) -> list[tuple[str, bool]]:
    """How each try ended, and whether it was the second of two; the receipt replays."""
    receipt = mesh.receipt(answer)
    told = run("receipts", receipt["requestId"], "--replay", "--node", mesh.node("alpha").api, token=mesh.tokens["viewer"])
    assert told.returncode == 0, told.stdout + told.stderr
    return [(step["ended"].partition(":")[0], step.get("hedge", False)) for step in receipt["decision"]["steps"]]


def test_no_more_than_its_share(mesh: Mesh, script: Script):
    """Of all that this mesh was asked, two in a hundred at most are asked twice, however many are late."""
    # Each is later than all before it, or it would not be late any more.
    for seconds in (0.3, 0.5, 0.7, 0.9, 1.1):
        script.play(("slow", seconds))
        assert text_of(ask(mesh, True)) == TEXT
    made, won = hedged(mesh)
    assert 1 <= made == won
    assert counted(mesh, "meshnode_hedges_denied_total") >= 1
    assert made <= 0.02 * (len(SITES) * 2 * MEASURED + EARNED_BY + 5)


@pytest.mark.parametrize("is_stream", [True, False], ids=["stream", "whole"])
def test_the_second_answers_and_the_first_is_let_go(mesh: Mesh, script: Script, is_stream: bool):
    made, won = hedged(mesh)
    script.play(("mute", 0))
    answer = ask(mesh, is_stream)
    assert text_of(answer) == TEXT
    assert "reason=hedged; tries=2" in answer.headers["x-mesh-route"]
    assert hedged(mesh) == (made + 1, won + 1)
    assert len(script.bodies) == 2
    receipt = mesh.receipt(answer)
    assert receipt["site"] == answer.headers["x-mesh-site"] and receipt["reason"] == "hedged"
    assert steps(mesh, answer) == [("outrun", False), ("answered", True)]
    # Its server never answers: the slot is free because the connection was closed.
    wait_for("the first one's slot is free", lambda: busy(mesh) == 0, FREED_SECONDS)


def test_the_first_answers_after_all(mesh: Mesh, script: Script):
    made, won = hedged(mesh)
    script.play(("slow", 1), ("mute", 0))
    answer = ask(mesh, True)
    assert text_of(answer) == TEXT
    assert "reason=hedged" not in answer.headers["x-mesh-route"]
    assert hedged(mesh) == (made + 1, won)
    assert steps(mesh, answer) == [("answered", False), ("outrun", True)]
    wait_for("the second one's slot is free", lambda: busy(mesh) == 0, FREED_SECONDS)


def test_the_second_fails_and_the_first_goes_on(mesh: Mesh, script: Script):
    script.play(("slow", 1), ("empty", 0))
    answer = ask(mesh, True)
    assert text_of(answer) == TEXT
    assert steps(mesh, answer) == [("answered", False), ("failed", True)]


def test_the_first_fails_and_the_second_goes_on(mesh: Mesh, script: Script):
    script.play(("late", 0.5), ("slow", 1))
    answer = ask(mesh, True)
    assert text_of(answer) == TEXT
    assert "reason=hedged; tries=2" in answer.headers["x-mesh-route"]
    assert steps(mesh, answer) == [("failed", False), ("answered", True)]


def test_a_server_of_its_own_that_sends_its_head_alone(running: Mesh, script: Script):
    """vLLM sends a stream's head before it has computed anything: that is no first byte."""
    script.play()
    for _ in range(EARNED_BY):
        assert stream(running, "twin", at="beta", resume=False).headers["x-mesh-site"] == "beta"
    script.play(("head", 0))
    answer = stream(running, "twin", at="beta", resume=False)
    assert answer.text == TEXT and answer.headers["x-mesh-site"] == "gamma"
    assert "reason=hedged; tries=2" in answer.headers["x-mesh-route"]
    wait_for("its slot is free", lambda: busy(running) == 0, FREED_SECONDS)


def test_the_client_leaves_both(mesh: Mesh, script: Script):
    made, _ = hedged(mesh)
    script.play(("mute", 0), ("mute", 0))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{mesh.node('alpha').api}/v1/chat/completions", headers=mesh.headers("user"), timeout=1,
                   json={"model": "twin", "messages": [{"role": "user", "content": "Hello."}], "stream": True})
    assert len(script.bodies) == 2 and hedged(mesh)[0] == made + 1
    wait_for("both slots are free", lambda: busy(mesh) == 0, FREED_SECONDS)


def test_what_is_long_is_not_hedged(mesh: Mesh, script: Script):
    made, _ = hedged(mesh)
    script.play(("slow", 0.3))
    question = [{"role": "user", "content": "word " * 3000}]
    answer = stream(mesh, "twin", resume=False, messages=question)
    assert answer.text == TEXT and "tries=1" in answer.headers["x-mesh-route"]
    assert hedged(mesh)[0] == made and len(script.bodies) == 1


def test_it_is_off_by_default(start_mesh, script: Script):
    first, second = script.ports
    mesh = start_mesh("resume.json5", FIRST_PORT=first, SECOND_PORT=second)
    script.play()
    for number in range(EARNED_BY + 10):
        assert ask(mesh, True, SITES[number % 2]).text == TEXT
    script.play(("slow", 0.5))
    answer = ask(mesh, True)
    assert answer.text == TEXT and "tries=1" in answer.headers["x-mesh-route"]
    assert hedged(mesh) == (0, 0) and len(script.bodies) == 1
