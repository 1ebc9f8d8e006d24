"""A site or node that the operator revokes is out everywhere within seconds, and stays out."""

import pathlib
import signal
import subprocess
import os

import httpx
import pytest

from harness import Mesh, PROGRAM
from processes import wait_for, wait_until_gone
from trust import SEEN_SECONDS, Stream, federation, folder, member, operate


@pytest.fixture
def trust_mesh(start_mesh) -> Mesh:
    return start_mesh("trust.json5")


def models(mesh: Mesh, site: str) -> set[str]:
    return {entry["id"] for entry in mesh.get("/v1/models", role="user", node=mesh.node(site)).json()["data"]}


def test_a_revoked_site_is_out_everywhere(trust_mesh: Mesh):
    alpha, beta, gamma = (trust_mesh.node(site) for site in ("alpha", "beta", "gamma"))
    stream = Stream(trust_mesh, beta, "at-gamma", tokens=2000)
    answer = operate(trust_mesh, "revoke", "gamma", "--reason", "the key was lost")
    assert answer.returncode == 0, answer.stderr
    # Its request under way ends with a typed error, not with a silent cut or a false end.
    stream.ended(SEEN_SECONDS)
    assert stream.failure is None and not stream.done
    assert stream.error["type"] == "mesh_stream_interrupted", stream.error
    assert "revoked" in stream.error["message"] + stream.error["code"]
    for node in (alpha, beta):
        wait_for(f"{node.site} has dropped it", lambda node=node: member(trust_mesh, node, "gamma") is None, SEEN_SECONDS)
        entry, = federation(trust_mesh, node)["revocations"]
        assert (entry["site"], entry["node"], entry["reason"]) == ("gamma", None, "the key was lost")
        wait_for("routing no longer offers it", lambda node=node: "at-gamma" not in models(trust_mesh, node.site),
                 SEEN_SECONDS)
    # The others go on as before.
    assert trust_mesh.chat(alpha, "at-beta").status_code == 200
    # The node itself says so, where its operators look.
    ready = wait_for("gamma is not ready", lambda: (answer := trust_mesh.get("/readyz", None, gamma)).status_code == 503
                     and answer, SEEN_SECONDS)
    assert "revoked" in ready.json()["reason"] and "the key was lost" in ready.json()["reason"]
    wait_for("gamma's log says so", lambda: "THIS NODE WAS REVOKED" in trust_mesh.node_log(gamma), SEEN_SECONDS)
    # And its links are refused by a reason of their own.
    wait_for("the refusal is logged", lambda: "certificate was revoked" in trust_mesh.node_log(beta)
             or "certificate was revoked" in trust_mesh.node_log(alpha), SEEN_SECONDS)


def restarted(mesh: Mesh, site: str) -> subprocess.Popen:
    """The node again, as its supervisor would start it; its own child of the test."""
    node = mesh.node(site)
    os.kill(node.pid, signal.SIGKILL)
    wait_until_gone([node.pid], 20)
    log = (pathlib.Path(node.state) / "again.log").open("wb")
    return subprocess.Popen([PROGRAM, "serve", "--config", pathlib.Path(node.state) / "node.json5"],
                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def test_a_revocation_survives_restarts(trust_mesh: Mesh):
    answer = operate(trust_mesh, "revoke", "gamma/c1" if trust_mesh.node("gamma").node == "c1" else
                     f"gamma/{trust_mesh.node('gamma').node}", "--reason", "retired")
    assert answer.returncode == 0, answer.stderr
    beta, gamma = trust_mesh.node("beta"), trust_mesh.node("gamma")
    wait_for("beta knows", lambda: federation(trust_mesh, beta)["revocations"], SEEN_SECONDS)
    wait_for("gamma knows", lambda: "THIS NODE WAS REVOKED" in trust_mesh.node_log(gamma), SEEN_SECONDS)
    again = [restarted(trust_mesh, "beta"), restarted(trust_mesh, "gamma")]
    try:
        wait_for("beta is back", lambda: trust_mesh.get("/readyz", None, beta).status_code == 200, 20)
        assert federation(trust_mesh, beta)["revocations"][0]["reason"] == "retired"
        wait_for("gamma is back, and says so", lambda: "retired" in trust_mesh.get("/readyz", None, gamma).text, 20)
        wait_for("beta hears of alpha", lambda: (found := member(trust_mesh, beta, "alpha")) and found["state"] == "alive", 20)
        assert member(trust_mesh, beta, "gamma") is None
    finally:
        for process in again:
            process.kill()
            process.wait()


def test_only_an_operator_and_an_authority_revoke(trust_mesh: Mesh):
    beta = trust_mesh.node("beta")
    refused = operate(trust_mesh, "revoke", "gamma", "--reason", "x", node=beta)
    assert refused.returncode == 1 and trust_mesh.node("alpha").api in refused.stderr, refused.stderr
    body = {"site": "gamma", "reason": "x"}
    assert trust_mesh.post(beta, "/mesh/federation/revoke", "viewer", json=body).status_code == 403
    assert trust_mesh.post(beta, "/mesh/federation/revoke", None, json=body).status_code == 401
    own = operate(trust_mesh, "revoke", "alpha", "--reason", "x")
    assert own.returncode == 1 and "itself" in own.stderr, own.stderr
    for arguments in (["a/b/c", "--reason", "x"], ["gamma"], ["/", "--reason", "x"]):
        assert operate(trust_mesh, "revoke", *arguments).returncode == 2
    assert federation(trust_mesh, beta)["revocations"] == []


def test_signed_by_hand_and_handed_to_any_node(trust_mesh: Mesh):
    """No registration authority is asked: the statement is made from the federation's folder."""
    beta, alpha = trust_mesh.node("beta"), trust_mesh.node("alpha")
    answer = operate(trust_mesh, "revoke", "gamma", "--reason", "by hand", "--directory", folder(trust_mesh), node=beta)
    assert answer.returncode == 0, answer.stderr
    wait_for("alpha knows", lambda: federation(trust_mesh, alpha)["revocations"], SEEN_SECONDS)
    wait_for("gamma is out", lambda: member(trust_mesh, alpha, "gamma") is None, SEEN_SECONDS)


def test_statements_that_nobody_may_make(trust_mesh: Mesh):
    beta = trust_mesh.node("beta")
    before = federation(trust_mesh, beta)["ledger"]
    for body in (b"garbage\n", b"a.b.c\n", b"\n"):
        answer = trust_mesh.post(beta, "/mesh/federation/statements", "operator", content=body)
        assert answer.status_code == 400, answer.text
    assert trust_mesh.post(beta, "/mesh/federation/statements", "viewer", content=b"x").status_code == 403
    assert federation(trust_mesh, beta)["ledger"] == before
