"""Certificates are renewed and roots roll over while requests run; nothing is dropped."""

import datetime
import json
import pathlib
import subprocess

import httpx
import pytest

from certificates import Authority
from harness import PROGRAM, Mesh
from nodes import TOKENS, serving, write_configuration
from processes import free_port, wait_for
from trust import SEEN_SECONDS, Stream, federation, folder, member, operate


@pytest.fixture
def trust_mesh(start_mesh) -> Mesh:
    return start_mesh("trust.json5")


def test_renewal_drops_no_stream(trust_mesh: Mesh):
    beta = trust_mesh.node("beta")
    before = member(trust_mesh, beta, "beta")["certificateExpires"]
    # To beta, from beta, and past it.
    streams = [Stream(trust_mesh, trust_mesh.node(entry), f"at-{site}", tokens=60)
               for entry, site in (("alpha", "beta"), ("beta", "gamma"), ("gamma", "alpha"), ("gamma", "beta"))]
    answer = operate(trust_mesh, "renew", "--json", node=beta)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["issuedBy"].startswith("alpha/")
    alpha = trust_mesh.node("alpha")
    wait_for("alpha knows the new certificate",
             lambda: member(trust_mesh, alpha, "beta")["certificateExpires"] != before, SEEN_SECONDS)
    # Not a single request in between is refused: not by the old identity, not by the new one.
    for _ in range(5):
        for entry, model in (("beta", "at-alpha"), ("alpha", "at-beta"), ("gamma", "at-beta")):
            response = trust_mesh.chat(trust_mesh.node(entry), model, max_tokens=2)
            assert response.status_code == 200, response.text
    for stream in streams:
        stream.ended()
        assert stream.done and stream.error is None and stream.failure is None, (stream.error, stream.failure)


def test_requests_at_the_very_moment_of_renewal(trust_mesh: Mesh):
    """The user's identity is asserted under a key that is replaced meanwhile."""
    beta = trust_mesh.node("beta")
    with httpx.Client(timeout=30) as client:
        for round_ in range(4):
            assert operate(trust_mesh, "renew", node=beta).returncode == 0
            for _ in range(5):
                answer = client.post(f"{beta.api}/v1/chat/completions", headers=trust_mesh.headers("user"), json={
                    "model": "at-alpha", "max_tokens": 2, "messages": [{"role": "user", "content": "Hello."}]})
                assert answer.status_code == 200, (round_, answer.text)
    assert "refused" not in trust_mesh.node_log(trust_mesh.node("alpha"))


def test_a_renewed_pair_is_on_disk(trust_mesh: Mesh):
    gamma = trust_mesh.node("gamma")
    state = pathlib.Path(gamma.state)
    before = (state / "node.pem").read_bytes(), (state / "node.key").read_bytes()
    assert operate(trust_mesh, "renew", node=gamma).returncode == 0
    after = (state / "node.pem").read_bytes(), (state / "node.key").read_bytes()
    assert before[0] != after[0] and before[1] != after[1]
    assert not (state / "node.key.next").exists()
    assert (state / "node.key").stat().st_mode & 0o077 == 0


def rollover(mesh: Mesh, phase: str, *more: str):
    return operate(mesh, "rollover", phase, "--directory", folder(mesh), *more, seconds=90)


def test_a_root_rolls_over_under_load(trust_mesh: Mesh):
    alpha = trust_mesh.node("alpha")
    root = federation(trust_mesh, alpha)["bundle"]["roots"][0]["sha256"]
    streams = [Stream(trust_mesh, trust_mesh.node(entry), f"at-{site}", tokens=300)
               for entry in ("alpha", "beta", "gamma") for site in ("alpha", "beta", "gamma") if entry != site]
    # Each phase is refused before the one in front of it is complete.
    for phase in ("switch", "finish"):
        refused = rollover(trust_mesh, phase)
        assert refused.returncode == 1 and "refused" in refused.stderr, refused.stderr
    started = rollover(trust_mesh, "start", "--json")
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["phase"] == "widened"
    refused = rollover(trust_mesh, "finish")
    assert refused.returncode == 1 and "switch" in refused.stderr, refused.stderr
    switched = rollover(trust_mesh, "switch", "--json")
    assert switched.returncode == 0, switched.stderr
    assert json.loads(switched.stdout)["phase"] == "switched"
    finished = rollover(trust_mesh, "finish")
    assert finished.returncode == 0, finished.stderr
    for node in trust_mesh.nodes:
        def has_new(node=node) -> bool:
            seen = federation(trust_mesh, node)
            roots = [entry["sha256"] for entry in seen["bundle"]["roots"]]
            return len(roots) == 1 and roots != [root] and all(entry["root"] == roots[0] for entry in seen["members"])
        wait_for(f"{node.site} trusts the new root alone", has_new, SEEN_SECONDS)
        # A start reads the new roots from the file that it always did.
        assert (pathlib.Path(node.state) / "ca.pem").read_text().count("BEGIN CERTIFICATE") == 1
    assert trust_mesh.chat(trust_mesh.node("beta"), "at-gamma").status_code == 200
    # All go on, or came to their ends.
    counts = [stream.received for stream in streams]
    for stream, count in zip(streams, counts):
        wait_for("more of the answer", lambda: stream.received > count or not stream.is_alive(), SEEN_SECONDS)
        ended_well = stream.done or stream.is_alive()
        assert ended_well and stream.error is None and stream.failure is None, (stream.error, stream.failure)
    for stream in streams:
        stream.leave()


def test_a_node_that_is_away_holds_no_phase_up_but_is_named(trust_mesh: Mesh):
    trust_mesh.kill(trust_mesh.node("gamma"))
    alpha = trust_mesh.node("alpha")
    wait_for("gamma is known to be away", lambda: member(trust_mesh, alpha, "gamma")["state"] == "unreachable", 60)
    started = rollover(trust_mesh, "start", "--json")
    assert started.returncode == 0, started.stderr
    told = json.loads(started.stdout)
    assert told["phase"] == "widened" and told["away"] == [f"gamma/{trust_mesh.node('gamma').node}"], told


class Federation:
    """Nodes with short certificates by an authority of the tests, of which the first renews them."""

    def __init__(self, folder: pathlib.Path, life: datetime.timedelta):
        self.folder, self.life = folder, life
        self.authority = Authority("tests", folder / "ca", path_length=1)
        self.issuer = self.authority.issuer()
        self.seed = f"127.0.0.1:{free_port()}"

    def node(self, site: str, is_authority: bool = False, is_first: bool = False, **changes: object) -> pathlib.Path:
        """Its configuration; the first, which an authority is too, is the others' seed."""
        is_first = is_first or is_authority
        early = datetime.timedelta(seconds=-300)
        identity = self.authority.issue(site, "n1", begins_in=early, ends_in=self.life)
        trust = {"caFile": str(identity.ca_file), "certificateFile": str(identity.certificate_file),
                 "keyFile": str(identity.key_file)}
        listen = {"api": f"127.0.0.1:{free_port()}", "mesh": self.seed if is_first else f"127.0.0.1:{free_port()}"}
        if is_authority:
            trust["issuer"] = {"certificateFile": str(self.issuer.certificate_file), "keyFile": str(self.issuer.key_file)}
        path = write_configuration(self.folder, identity, "tests", site=site, node="n1",
                                   seeds=[] if is_first else [self.seed], trust=trust, listen=listen, **changes)
        state = pathlib.Path(json.loads(path.read_text())["stateDirectory"])
        (state / "statements.jws").write_text(self.authority.admission(site, ["*"]) + "\n")
        return path


def api(configuration: pathlib.Path) -> str:
    return "http://" + json.loads(configuration.read_text())["listen"]["api"]


def seen(configuration: pathlib.Path) -> dict:
    answer = httpx.get(f"{api(configuration)}/mesh/federation", headers={"Authorization": f"Bearer {TOKENS['viewer']}"})
    return answer.json()


def test_a_leaf_renews_itself_at_half_life(tmp_path: pathlib.Path):
    made = Federation(tmp_path, datetime.timedelta(seconds=12))
    authority, leaf = made.node("first", is_authority=True), made.node("second")
    with serving(authority), serving(leaf):
        wait_for("the leaf renewed itself", lambda: seen(leaf)["self"]["renewals"] >= 1, 25)
        wait_for("so did the authority", lambda: seen(authority)["self"]["renewals"] >= 1, 25)
        # A week from now, and known to the other.
        wait_for("the other knows", lambda: {entry["certificateExpires"] for entry in seen(authority)["members"]}
                 == {entry["certificateExpires"] for entry in seen(leaf)["members"]}, SEEN_SECONDS)


def test_without_an_authority_the_leaf_lives_on_and_complains(tmp_path: pathlib.Path):
    made = Federation(tmp_path, datetime.timedelta(seconds=10))
    leaf = made.node("second")
    with serving(leaf) as (process, log):
        wait_for("a warning from half life", lambda: "could not be renewed" in log.read_text(), 10)
        assert httpx.get(f"{api(leaf)}/healthz").status_code == 200
        wait_for("an error from 80 %", lambda: "RENEW SOON" in log.read_text(), 10)
        wait_for("louder at its end", lambda: "CERTIFICATE ENDED" in log.read_text(), 10)
        assert process.poll() is None, "its own users are served on"
        assert seen(leaf)["self"]["failedRenewals"] >= 3


def test_a_renewal_cut_short_is_completed_at_the_start(tmp_path: pathlib.Path):
    """Between the certificate and the key's rename: the new certificate stands there, the new key is still `.next`."""
    authority = Authority("tests", tmp_path / "ca")
    old, new = authority.issue("other", "o1"), authority.issue("other", "o1")
    old.certificate_file.write_bytes(new.certificate_file.read_bytes())
    following = pathlib.Path(f"{old.key_file}.next")
    following.write_bytes(new.key_file.read_bytes())
    following.chmod(0o600)
    configuration = write_configuration(tmp_path, old, "tests")
    with serving(configuration) as (process, log):
        wait_for("ready", lambda: httpx.get(f"{api(configuration)}/readyz").status_code == 200, 20)
        assert process.poll() is None, log.read_text()
    assert not following.exists() and old.key_file.read_bytes() == new.key_file.read_bytes()


def test_a_stream_past_the_certificates_end_is_ended(tmp_path: pathlib.Path):
    """What a certificate proved holds until its end, and the client is told so; a renewed one would have had it long before."""
    made = Federation(tmp_path, datetime.timedelta(seconds=10))
    ready = tmp_path / "server.ready"
    server = subprocess.Popen(
        [PROGRAM, "emulate", "inference", "--port", "0", "--model", "m", "--tokens-per-second", "5", "--ready-file", ready],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("the server listens", ready.exists, 20)
        model = {"id": "m", "backend": {"kind": "simulated", "url": f"http://{ready.read_text().split()[0]}"}}
        serving_node = made.node("short", models=[model])
        made.life = datetime.timedelta(days=1)
        entry = made.node("long", is_first=True)
        headers = {"Authorization": f"Bearer {TOKENS['user']}"}
        with serving(entry), serving(serving_node):
            wait_for("the entry knows the model", lambda: any(
                found["id"] == "m" for found in httpx.get(f"{api(entry)}/v1/models", headers=headers).json()["data"]), 12)
            wait_for("both know each other's admission",
                     lambda: all(len(seen(node)["admissions"]) == 2 for node in (entry, serving_node)), SEEN_SECONDS)
            body = {"model": "m", "stream": True, "max_tokens": 500, "messages": [{"role": "user", "content": "Hello."}]}
            with httpx.stream("POST", f"{api(entry)}/v1/chat/completions", headers=headers, json=body, timeout=40) as answer:
                assert answer.status_code == 200, answer.read()
                events = [json.loads(line[6:]) for line in answer.iter_lines()
                          if line.startswith("data: ") and line != "data: [DONE]"]
            assert len(events) > 1 and events[-1]["error"]["code"] == "certificate_ended", events[-1]
            assert all("error" not in event for event in events[:-1])
    finally:
        server.kill()
        server.wait()
