"""Receipts: what a node tells of where it sent requests, and that the choice can be made again from them."""

import contextlib
import http.server
import json
import pathlib
import sqlite3
import subprocess
import threading

import httpx
import pytest

from harness import Mesh, run
from processes import wait_for
from shapes import MODEL_STATE, REASON, assert_shape, count, flag, instant, number, text, texts, unknown_or

CANDIDATE = {
    "site": text, "node": text, "local": flag, "state": MODEL_STATE, "slots": count, "running": count, "waiting": count,
    "sentSince": count, "free": number, "score": unknown_or(number), "ageSeconds": unknown_or(number),
    "roundTripSeconds": unknown_or(number), "failedSecondsAgo": unknown_or(number), "excluded": unknown_or(text)}
RECEIPT = {
    "id": count, "requestId": text, "at": instant, "model": text, "user": text, "entry": text, "site": unknown_or(text),
    "reason": unknown_or(REASON), "tries": count, "bounces": count, "candidates": [CANDIDATE], "outcome": text}
DECISION = {
    "version": count, "settings": {"failureRest": count}, "limits": {"refusals": count, "failovers": count},
    "places": [{"site": text, "node": text, "isLocal": flag}],
    "steps": [{"now": count, "random": count, "ended": lambda value: isinstance(value, str), "excluded": lambda value: True}]}
ELSEWHERE = {"beta": "gamma", "gamma": "beta"}


def receipts(mesh: Mesh, query: str = "", site: str = "alpha") -> list[dict]:
    answer = mesh.get(f"/mesh/receipts{query}", node=mesh.node(site))
    assert answer.status_code == 200, answer.text
    return answer.json()["receipts"]


def kept(mesh: Mesh) -> list[str]:
    """Requests whose receipts alpha has on its disk, the newest first."""
    database = pathlib.Path(mesh.node("alpha").state) / "receipts.db"
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT requestId FROM receipts ORDER BY id DESC")]


def command(mesh: Mesh, *arguments: object, site: str = "alpha") -> subprocess.CompletedProcess:
    return run(*arguments, "--node", mesh.node(site).api, token=mesh.tokens["viewer"])


def failover(mesh: Mesh) -> tuple[dict, str]:
    """A request that was sent to a site which is dead and not known to be: its receipt, and the site."""
    entry = mesh.node("alpha")
    dead = mesh.chat(entry, "pair").headers["x-mesh-site"]
    mesh.kill(mesh.node(dead))
    for _ in range(40):
        answer = mesh.chat(entry, "pair")
        assert answer.status_code == 200, answer.text
        receipt = mesh.receipt(answer, entry)
        if receipt["tries"] > 1:
            return receipt, dead
    raise AssertionError("no request went to the dead site")


def test_a_failover_is_told_whole_and_outlives_a_restart(start_mesh):
    mesh = start_mesh("receipts.json5")
    receipt, dead = failover(mesh)
    assert_shape(receipt, {**RECEIPT, "decision": DECISION})
    assert receipt["outcome"] == "answered" and receipt["entry"].startswith("alpha/")
    steps = receipt["decision"]["steps"]
    places = receipt["decision"]["places"]
    went = [places[step["picked"]["index"]]["site"] for step in steps]
    assert went == [dead, ELSEWHERE[dead]]
    assert receipt["reason"] == "failover" and receipt["site"] == ELSEWHERE[dead] and receipt["tries"] == 2
    assert steps[0]["ended"].startswith("failed: ") and steps[0]["consequence"] == "failed"
    assert steps[1]["ended"] == "answered" and steps[1]["picked"]["reason"] == "failover"

    told = command(mesh, "receipts", receipt["id"])
    assert told.returncode == 0, told.stderr
    assert f"1. after 0.000 s to {dead}/" in told.stdout and f"to {ELSEWHERE[dead]}/" in told.stdout
    replayed = command(mesh, "receipts", receipt["id"], "--replay")
    assert replayed.returncode == 0, replayed.stderr
    assert "2 choices, the same" in replayed.stdout
    again = json.loads(command(mesh, "receipts", receipt["requestId"], "--replay", "--json").stdout)
    assert again["same"] is True and again["picked"] == again["replayed"] and len(again["picked"]) == 2

    wait_for("the receipt is on the disk", lambda: receipt["requestId"] in kept(mesh), 10)
    # No signal, no time to tidy up.
    mesh.kill(mesh.node("alpha"))
    mesh.__exit__()
    mesh.ready_file.unlink()
    after = Mesh(mesh.topology, mesh.state.parent)
    try:
        found = after.get(f"/mesh/receipts/{receipt['id']}", node=after.node("alpha"))
        assert found.json() == receipt
        listed = receipts(after, "?reason=failover")
        assert [entry["id"] for entry in listed] == [receipt["id"]] and "decision" not in listed[0]
        assert command(after, "receipts", receipt["id"], "--replay").returncode == 0
        newer = after.receipt(after.chat(after.node("alpha"), "pair"), after.node("alpha"))
        ids = [entry["id"] for entry in receipts(after)]
        assert ids == sorted(ids, reverse=True) and receipts(after)[0]["requestId"] == newer["requestId"]
    finally:
        after.__exit__()


def test_a_damaged_file_is_set_aside(start_mesh):
    mesh = start_mesh("receipts.json5")
    database = pathlib.Path(mesh.node("alpha").state) / "receipts.db"
    assert database.stat().st_mode & 0o777 == 0o600
    mesh.__exit__()
    mesh.ready_file.unlink()
    for side in ("-wal", "-shm"):
        database.with_name(database.name + side).unlink(missing_ok=True)
    database.write_bytes(b"this is no database at all, but long enough to be told from an empty file by its first page")
    again = Mesh(mesh.topology, mesh.state.parent)
    try:
        aside = list(database.parent.glob("receipts.db.damaged-*"))
        assert len(aside) == 1 and aside[0].name in again.log_text()
        answer = again.chat(again.node("alpha"), "pair")
        assert answer.status_code == 200 and again.receipt(answer, again.node("alpha"))["outcome"] == "answered"
        assert len(receipts(again)) == 1
    finally:
        again.__exit__()


def test_the_list_and_its_filters(mesh: Mesh):
    for model in ("common", "solo", "pair"):
        answer = mesh.chat(mesh.node("alpha"), model)
        assert answer.status_code == 200 and mesh.receipt(answer)["model"] == model
    everything = receipts(mesh, "?limit=1000")
    for entry in everything:
        assert_shape(entry, RECEIPT)
    latest = everything[0]
    assert latest["model"] == "pair" and latest["site"] in ("beta", "gamma") and latest["outcome"] == "answered"
    by_site = {candidate["site"]: candidate for candidate in latest["candidates"]}
    assert by_site[latest["site"]]["excluded"] is None and 0 < by_site[latest["site"]]["score"] <= 1
    assert receipts(mesh, "?limit=1") == [latest]
    assert {entry["model"] for entry in receipts(mesh, "?model=solo")} == {"solo"}
    assert {entry["site"] for entry in receipts(mesh, "?site=beta&outcome=answered")} == {"beta"}
    assert receipts(mesh, f"?since={latest['at']}&limit=1") == [latest]
    assert latest in receipts(mesh, "?since=10m&model=pair")
    assert receipts(mesh, "?since=2999-01-01T00:00:00Z") == []
    assert receipts(mesh, "?site=nowhere") == [] and receipts(mesh, "?model=nothing") == []


@pytest.mark.parametrize(("query", "parameter"), [
    ("/mesh/receipts?limit=0", "limit"), ("/mesh/receipts?limit=1001", "limit"), ("/mesh/receipts?limit=many", "limit"),
    ("/mesh/receipts?limit=-1", "limit"), ("/mesh/receipts?since=yesterday", "since"), ("/mesh/receipts?since=-5m", "since"),
    ("/mesh/receipts?since=99999999999999999999d", "since"), ("/mesh/receipts?outcome=fine", "outcome"),
    ("/mesh/receipts?reason=none", "reason"), ("/mesh/receipts?model=", "model"), ("/mesh/receipts?site=" + "x" * 300, "site"),
    ("/mesh/receipts/" + "9" * 65, "id"), ("/mesh/receipts/%00", "id"),
    ("/mesh/route", "model"), ("/mesh/route?model=pair&tokens=-1", "tokens"), ("/mesh/route?model=pair&tokens=x", "tokens"),
    ("/mesh/route?model=pair&user=", "user"), ("/mesh/route?model=pair&user=a&as=b", "as")])
def test_bad_parameters_are_named(mesh: Mesh, query: str, parameter: str):
    answer = mesh.get(query)
    if parameter == "id" and answer.status_code == 404:
        # An id that nobody has.
        assert answer.json()["error"]["code"] == "receipt_not_found"
        return
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == parameter


@pytest.mark.parametrize("name", ["1", "18446744073709551615", "99999999999999999999", "req_none"])
def test_a_receipt_that_is_not_there(mesh: Mesh, name: str):
    answer = mesh.get(f"/mesh/receipts/{name}")
    assert answer.status_code == 404 and name in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/mesh/receipts", "/mesh/receipts/1", "/mesh/route?model=pair"])
def test_who_may_read_them(mesh: Mesh, path: str):
    assert mesh.get(path, role=None).status_code == 401
    assert mesh.get(path, role="user").status_code == 403


def test_nothing_of_what_was_said_is_in_them(mesh: Mesh):
    secret = "the-users-own-words-7291"
    answer = mesh.chat(mesh.node("alpha"), "pair", messages=[{"role": "user", "content": secret}])
    whole = json.dumps(mesh.receipt(answer, mesh.node("alpha")), ensure_ascii=False)
    assert secret not in whole
    assert answer.json()["choices"][0]["message"]["content"] not in whole
    for token in mesh.tokens.values():
        assert token not in whole


def test_a_request_that_no_site_can_take(mesh: Mesh):
    answer = mesh.chat(mesh.node("alpha"), "pair", headers={"Mesh-Require": "revision=none-such"})
    assert answer.status_code == 400
    receipt = mesh.receipt(answer, mesh.node("alpha"))
    assert receipt["outcome"].startswith("failed: ") and receipt["site"] is None and receipt["tries"] == 0
    assert all("revision" in candidate["excluded"] for candidate in receipt["candidates"])
    [step] = receipt["decision"]["steps"]
    assert step.get("picked") is None and step["loads"] == [None] * len(receipt["candidates"])
    told = command(mesh, "receipts", receipt["id"])
    assert "nothing was left to try" in told.stdout
    assert command(mesh, "receipts", receipt["id"], "--replay").returncode == 0


def test_commands(mesh: Mesh):
    mesh.receipt(mesh.chat(mesh.node("alpha"), "pair"))
    listed = command(mesh, "receipts", "--limit", 5, "--model", "pair")
    assert listed.returncode == 0 and "OUTCOME" in listed.stdout and "answered" in listed.stdout
    [newest] = json.loads(command(mesh, "receipts", "--limit", 1, "--model", "pair", "--json").stdout)["receipts"]
    told = command(mesh, "receipts", newest["id"])
    assert newest["requestId"] in told.stdout and "answered by" in told.stdout
    assert json.loads(command(mesh, "receipts", newest["id"], "--json").stdout)["decision"]["steps"]
    plain = command(mesh, "route", "pair")
    assert "a request now would go to" in plain.stdout and "ROUND TRIP" not in plain.stdout
    explained = command(mesh, "route", "pair", "--explain", "--tokens", 100)
    assert explained.returncode == 0 and "ROUND TRIP" in explained.stdout and "SENT SINCE" in explained.stdout
    too_long = command(mesh, "route", "pair", "--tokens", 99_000_000)
    assert "no site can take a request now" in too_long.stdout and "context" in too_long.stdout


@pytest.mark.parametrize(("arguments", "code", "word"), [
    (["receipts", "--replay"], 2, "--replay needs the ID"),
    (["receipts", "1", "--site", "beta"], 2, "--site"),
    (["receipts", "--outcome", "fine"], 2, "--outcome"),
    (["receipts", "--limit", "0"], 2, "--limit"),
    (["receipts", "--since", "yesterday"], 1, "since takes a time"),
    (["receipts", "req_none"], 1, "no receipt req_none"),
    (["route", "pair", "--tokens", "-1"], 2, "--tokens")])
def test_bad_use_of_the_commands(mesh: Mesh, arguments: list, code: int, word: str):
    result = command(mesh, *arguments)
    assert result.returncode == code and word in result.stderr, result
    assert len(result.stderr.strip().splitlines()) == 1 and not result.stdout


def test_a_receipt_that_was_changed_does_not_replay(mesh: Mesh, tmp_path: pathlib.Path):
    """`--replay` decides by the receipt alone: from a server that tells another story it gives another answer."""
    whole = mesh.receipt(mesh.chat(mesh.node("alpha"), "pair"))
    picked = whole["decision"]["steps"][0]["picked"]["index"]
    whole["decision"]["steps"][0]["loads"][picked].update(running=100_000)
    answers = {"/mesh/receipts/1": json.dumps(whole), "/mesh/receipts/2": '{"id":1}', "/mesh/receipts/3": json.dumps(
        {**whole, "decision": {**whole["decision"], "steps": whole["decision"]["steps"] * 50}})}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = answers[self.path].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for number, word in (("1", "does not replay"), ("2", "not understood"), ("3", "holds no choices")):
            result = run("receipts", number, "--replay", "--node", f"http://127.0.0.1:{server.server_port}", token="x" * 20)
            assert result.returncode == 1 and word in result.stderr, result
    finally:
        server.shutdown()


def test_limits_hold(start_mesh):
    """A ring of sixteen, ten kept on the disk."""
    mesh = start_mesh("receipts.json5")
    url = f"{mesh.node('alpha').api}/v1/chat/completions"
    body = {"model": "common", "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 1}
    with httpx.Client(headers=mesh.headers("user"), timeout=30) as client:
        sent = [client.post(url, json=body).headers["x-request-id"] for _ in range(60)]
    wait_for("the latest ten are on the disk", lambda: kept(mesh) == sent[:-11:-1], 10)
    assert [entry["requestId"] for entry in receipts(mesh, "?limit=1000")] == sent[:-17:-1]
