"""A site that accepts and says nothing gives way to another, once it is known how soon it usually answers."""

import pytest

from answers import stream
from harness import Mesh
from scripted import TEXT, Script

MEASURED = 5


@pytest.fixture(scope="module")
def script():
    servers = Script()
    yield servers
    servers.close()


@pytest.fixture
def mesh(start_mesh, script: Script) -> Mesh:
    """Each of the two sites has answered as often as it takes to know it."""
    first, second = script.ports
    running = start_mesh("resume.json5", FIRST_PORT=first, SECOND_PORT=second)
    script.play()
    for site in ("beta", "gamma"):
        for _ in range(MEASURED):
            assert stream(running, "twin", resume=False, headers={"Mesh-Site": site}).text == TEXT
    return running


def counted(mesh: Mesh, name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in mesh.get("/metrics").text.splitlines()
               if line.startswith(f"{name} "))


@pytest.mark.parametrize("resume", [False, True], ids=["plain", "resume"])
@pytest.mark.parametrize("fault", ["mute", "head"])
def test_a_site_that_accepts_and_stalls_gives_way(mesh: Mesh, script: Script, fault: str, resume: bool):
    """`firstByteSeconds` is longer than this test may take."""
    script.play((fault, 0))
    answer = stream(mesh, "twin", resume=resume)
    assert answer.text == TEXT and answer.is_done and answer.comments == []
    assert "reason=failover; tries=2" in answer.headers["x-mesh-route"]
    assert counted(mesh, "meshnode_first_bytes_late_total") == 1
    assert counted(mesh, "meshnode_retries_total") == 1
    assert len(script.bodies) == 2


def test_what_has_nowhere_else_to_go_waits(mesh: Mesh, script: Script):
    script.play(("slow", 5))
    answer = stream(mesh, "twin", resume=False, headers={"Mesh-Site": "beta"})
    assert answer.text == TEXT and answer.headers["x-mesh-site"] == "beta"
    assert counted(mesh, "meshnode_first_bytes_late_total") == 0


def test_an_answer_in_one_piece_is_waited_for(mesh: Mesh, script: Script):
    """Its first byte comes with its last token: how long that takes nobody has measured."""
    script.play(("slow", 5))
    answer = mesh.chat(mesh.node("alpha"), "twin", max_tokens=100)
    assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"] == TEXT
    assert len(script.bodies) == 1


def test_a_site_that_nothing_is_known_of_is_waited_for(start_mesh, script: Script):
    first, second = script.ports
    mesh = start_mesh("resume.json5", FIRST_PORT=first, SECOND_PORT=second)
    script.play(("slow", 5))
    answer = stream(mesh, "twin", resume=False)
    assert answer.text == TEXT and "tries=1" in answer.headers["x-mesh-route"]


def test_half_an_answer_and_a_clean_end_is_no_answer(mesh: Mesh, script: Script):
    script.play(("clean", 7))
    broken = stream(mesh, "twin", resume=False)
    assert broken.error["type"] == "mesh_stream_interrupted" and broken.error["tokensDelivered"] == 7
    assert "[DONE]" not in broken.raw


def test_nothing_and_a_clean_end_goes_elsewhere(mesh: Mesh, script: Script):
    script.play(("empty", 0))
    answer = stream(mesh, "twin", resume=False)
    assert answer.text == TEXT and "reason=failover" in answer.headers["x-mesh-route"]
