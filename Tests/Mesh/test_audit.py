"""The audit log: what is written, where it goes, and that a log which was altered is found out."""

import contextlib
import json
import pathlib
import re
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading

import httpx
import pytest

from certificates import Authority
from harness import ROOT, Mesh, run
from nodes import TOKENS, serving, write_configuration
from processes import wait_for
from test_trust import is_accepted

OPERATOR = {"Authorization": f"Bearer {TOKENS['operator']}"}
SENT_SECONDS = 20
WITNESSED_SECONDS = 40


class Node:
    """One node by itself."""

    def __init__(self, folder: pathlib.Path, **changes: object):
        self.authority = Authority("tests", folder / "ca")
        self.configuration = write_configuration(folder, self.authority.issue("other", "o1"), "tests", **changes)
        settings = json.loads(self.configuration.read_text())
        # A node makes its state directory by itself.
        pathlib.Path(settings["stateDirectory"]).rmdir()
        self.api = f"http://{settings['listen']['api']}"
        self.mesh = f"https://{settings['listen']['mesh']}"
        self.state = pathlib.Path(settings["stateDirectory"])

    def is_ready(self) -> bool:
        return httpx.get(f"{self.api}/readyz").status_code == 200

    def drain(self) -> None:
        assert httpx.post(f"{self.api}/mesh/drain", headers=OPERATOR).status_code == 200

    def entries(self) -> list[dict]:
        return httpx.get(f"{self.api}/mesh/audit?after=0&limit=1000", headers=OPERATOR).json()["entries"]


def verify(configuration: pathlib.Path, *more: object, token: str | None = None):
    return run("audit", "verify", "--config", configuration, *more, token=token)


def stop(process) -> None:
    process.terminate()
    assert process.wait(20) == 0


def test_what_operators_do_is_written(tmp_path):
    node = Node(tmp_path)
    with serving(node.configuration) as (process, _):
        wait_for("ready", node.is_ready, 20)
        node.drain()
        assert httpx.post(f"{node.api}/mesh/undrain", headers=OPERATOR).status_code == 200
        made = httpx.post(f"{node.api}/v1/keys", headers=OPERATOR, json={"name": "laptop"}).json()
        assert httpx.delete(f"{node.api}/v1/keys/{made['id']}", headers=OPERATOR).status_code == 200
        body = {"kind": "user", "subject": "bob", "reason": "left"}
        block = httpx.post(f"{node.api}/mesh/blocks", headers=OPERATOR, json=body).json()
        assert httpx.delete(f"{node.api}/mesh/blocks/{block['id']}", headers=OPERATOR).status_code == 200
        entries = wait_for("all is written", lambda: len(found := node.entries()) >= 8 and found, SENT_SECONDS)
        assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
        told = [(entry["kind"], entry["actor"], entry["subject"], entry["detail"].split(",")[0]) for entry in entries[2:]]
        assert told == [
            ("operator", "operator", "node", "drain"), ("operator", "operator", "node", "undrain"),
            ("operator", "operator", f"key {made['id']}", "made"), ("operator", "operator", f"key {made['id']}", "revoked"),
            ("block", "operator", "user bob", "set"), ("block", "operator", "user bob", "lifted")]
        listed = run("audit", "list", "--node", node.api, token=TOKENS["operator"])
        assert listed.returncode == 0 and "undrain" in listed.stdout and "left" in listed.stdout
        for role in ("user", "viewer"):
            refused = httpx.get(f"{node.api}/mesh/audit", headers={"Authorization": f"Bearer {TOKENS[role]}"})
            assert refused.status_code == 403
        assert httpx.get(f"{node.api}/mesh/audit?after=x", headers=OPERATOR).status_code == 400
        assert verify(node.configuration).returncode == 0, "also while the node runs"
        stop(process)
    done = verify(node.configuration)
    assert done.returncode == 0 and "is whole: entries 1 to 9" in done.stdout, done
    # No secret is in it, and nobody else may read it.
    for path in node.state.glob("audit.db*"):
        assert path.stat().st_mode & 0o077 == 0
        data = path.read_bytes()
        assert made["key"].rpartition("_")[2].encode() not in data
        assert not any(token.encode() in data for token in TOKENS.values())


@pytest.mark.parametrize("statement, sequence", [
    ("UPDATE entries SET actor = 'nobody' WHERE sequence = 3", 3),
    ("DELETE FROM entries WHERE sequence = 2", 2),
    ("UPDATE entries SET hash = (SELECT hash FROM entries WHERE sequence = 1) WHERE sequence = 4", 4),
])
def test_what_is_altered_is_found(tmp_path, statement: str, sequence: int):
    node = Node(tmp_path)
    with serving(node.configuration) as (process, _):
        wait_for("ready", node.is_ready, 20)
        for _ in range(4):
            node.drain()
        stop(process)
    with contextlib.closing(sqlite3.connect(node.state / "audit.db")) as database:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement)
        database.commit()
    done = verify(node.configuration)
    assert done.returncode == 1 and f"breaks at entry {sequence}" in done.stderr, done
    told = verify(node.configuration, "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["breaksAt"] == sequence and not json.loads(told.stdout)["ok"]


def test_others_witness_it(tmp_path, start_mesh):
    """A log that was cut, and one that was begun anew, hold by themselves, and not against what a peer was told."""
    mesh: Mesh = start_mesh("fragile.json5")
    alpha, beta = mesh.node("alpha"), mesh.node("beta")
    for _ in range(5):
        assert mesh.post(alpha, "/mesh/drain", role="operator").status_code == 200

    def written() -> dict | None:
        head = mesh.get("/mesh/audit", role="operator", node=alpha).json()["head"]
        return head if head["sequence"] > 5 else None

    head = wait_for("all is written", written, SENT_SECONDS)

    def heads() -> list[dict]:
        return mesh.get("/mesh/audit/witnesses?site=alpha", node=beta).json()["heads"]

    wait_for("beta has heard of it",
             lambda: any(one["sequence"] >= head["sequence"] for one in heads()), WITNESSED_SECONDS)
    assert all(one["site"] == "alpha" for one in heads())
    configuration = next(path for path in pathlib.Path(alpha.state).rglob("node.json5"))
    token = mesh.tokens["viewer"]
    whole = verify(configuration, "--witness", beta.api, "--witness", mesh.node("gamma").api, token=token)
    assert whole.returncode == 0 and "witnessed heads agree" in whole.stdout, whole
    assert " 0 witnessed" not in whole.stdout
    mesh.kill(alpha)
    database_file = json.loads(json.dumps(str(next(pathlib.Path(alpha.state).rglob("audit.db")))))
    with contextlib.closing(sqlite3.connect(database_file)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DELETE FROM entries WHERE sequence > 3")
        database.commit()
    assert verify(configuration).returncode == 0, "by itself nothing is wrong with it"
    cut = verify(configuration, "--witness", beta.api, token=token)
    assert cut.returncode == 1 and "breaks at entry 4" in cut.stderr and "cut" in cut.stderr, cut


def test_refusals_are_counted(tmp_path):
    node = Node(tmp_path)
    stranger = Authority("elsewhere", tmp_path / "elsewhere").issue("other", "o2")
    with serving(node.configuration) as (process, _):
        wait_for("ready", node.is_ready, 20)
        for _ in range(30):
            assert not is_accepted(node.mesh, stranger)
        stop(process)
    with contextlib.closing(sqlite3.connect(node.state / "audit.db")) as database:
        found = database.execute("SELECT count, actor, detail FROM entries WHERE kind = 'refusal'").fetchall()
    assert sum(count for count, _, _ in found) == 30
    assert len(found) == 2 and all(actor == "127.0.0.1" and "elsewhere" in detail for _, actor, detail in found)
    assert verify(node.configuration).returncode == 0


def test_the_document_says_how_to_check_a_copy(tmp_path):
    """The program in docs/audit.md, as it stands there."""
    program = re.search(r"```python\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)[1]
    node = Node(tmp_path)
    with serving(node.configuration) as (process, _):
        wait_for("ready", node.is_ready, 20)
        node.drain()
        stop(process)

    def check() -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-c", program], cwd=node.state, capture_output=True, text=True)

    assert check().returncode == 0, check().stderr
    with contextlib.closing(sqlite3.connect(node.state / "audit.db")) as database:
        database.execute("DROP TRIGGER entries_are_not_changed")
        database.execute("UPDATE entries SET actor = 'nobody' WHERE sequence = 3")
        database.commit()
    assert "entry 3" in check().stderr


# Elsewhere too.


def test_the_journal_is_told(tmp_path):
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        journal.settimeout(SENT_SECONDS)
        node = Node(tmp_path, audit={"journald": True, "journaldSocket": str(path)})
        with serving(node.configuration) as (process, _):
            wait_for("ready", node.is_ready, 20)
            node.drain()
            while True:
                fields = dict(line.split("=", 1) for line in journal.recv(65536).decode().splitlines())
                if "drain" in fields["MESSAGE"]:
                    break
            assert fields["MESHNODE_NODE"] == "other/o1" and fields["SYSLOG_IDENTIFIER"] == "meshnode-audit"
            assert fields["MESHNODE_AUDIT_ACTOR"] == "operator" and fields["PRIORITY"] == "5"
            entry = node.entries()[int(fields["MESHNODE_AUDIT_SEQUENCE"]) - 1]
            assert entry["detail"] == "drain" and entry["hash"] == fields["MESHNODE_AUDIT_HASH"]
            # A journal that has gone is said so, and waited for by nobody.
            journal.close()
            path.unlink()
            node.drain()
            wait_for("the drain is written", lambda: [e["detail"] for e in node.entries()].count("drain") == 2, SENT_SECONDS)
            stop(process)


class Receiver:
    """A syslog server by TLS (RFC 5425)."""

    def __init__(self, identity, port: int = 0):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(identity.certificate_file, identity.key_file)
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.messages: list[str] = []
        self.problems: list[str] = []
        self.connections: list[ssl.SSLSocket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain: socket.socket) -> None:
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                self.connections.append(connection)
                data = b""
                while part := connection.recv(65536):
                    data += part
                    while match := re.match(rb"([1-9][0-9]*) ", data):
                        end = match.end() + int(match[1])
                        if len(data) < end:
                            break
                        self.messages.append(data[match.end():end].decode())
                        data = data[end:]
        except OSError as problem:
            self.problems.append(str(problem))

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()


HEADER = re.compile(
    r'<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) meshnode (\d+) (\S+) '
    r'\[meshnode@32473 node="other/o1" sequence="(\d+)" actor="([^"]*)" subject="([^"]*)" count="1" hash="([0-9a-f]{64})"\] '
    "\ufeff(.*)")


def syslog(folder: pathlib.Path, authority: Authority, port: int, host: str = "localhost") -> dict:
    return {"syslog": {"host": host, "port": port, "caFile": str(authority.file)}}


def test_a_syslog_server_is_told(tmp_path):
    authority = Authority("logs", tmp_path / "logs")
    identity = authority.issue("logs", "l1")
    receiver = Receiver(identity)
    node = Node(tmp_path, audit=syslog(tmp_path, authority, receiver.port))
    with serving(node.configuration) as (process, log):
        wait_for("ready", node.is_ready, 20)
        node.drain()
        wait_for("it was sent", lambda: any(" drain" in message for message in receiver.messages), SENT_SECONDS)
        parsed = [HEADER.fullmatch(message) for message in receiver.messages]
        assert all(parsed), receiver.messages
        entries = node.entries()
        assert [int(match[6]) for match in parsed] == [entry["sequence"] for entry in entries]
        assert [match[9] for match in parsed] == [entry["hash"] for entry in entries]
        assert {match[1] for match in parsed} == {"109", "108"} and parsed[-1][7] == "operator"
        # The server goes away: what happens meanwhile is sent when it is back, and nobody waits for it.
        receiver.close()
        node.drain()
        node.drain()
        wait_for("that is said", lambda: "does not take audit entries" in log.read_text(), SENT_SECONDS)
        again = Receiver(identity, receiver.port)
        node.drain()
        wanted = {entry["sequence"] for entry in node.entries()}

        def heard() -> set[int]:
            return {int(match[6]) for match in map(HEADER.fullmatch, receiver.messages + again.messages) if match}

        wait_for("the last was sent", lambda: max(wanted) in heard(), SENT_SECONDS)
        stop(process)
    missing = {entry for entry in wanted if entry not in heard()}
    # What was handed to a connection in the moment that it died is lost: the protocol has no receipts.
    assert len(missing) <= 1, missing
    assert any(" stops" in message for message in again.messages), "the last words are sent too"
    again.close()


@pytest.mark.parametrize("case", ["another authority", "another name"])
def test_a_syslog_server_that_is_not_the_one(tmp_path, case: str):
    authority = Authority("logs", tmp_path / "logs")
    other = Authority("others", tmp_path / "others")
    receiver = Receiver((other if case == "another authority" else authority).issue("logs", "l1"))
    host = "localhost" if case == "another authority" else "127.0.0.2"
    if case == "another name":
        receiver.close()
        receiver.listener = socket.create_server(("127.0.0.2", 0))
        receiver.port = receiver.listener.getsockname()[1]
        threading.Thread(target=receiver.accept, daemon=True).start()
    node = Node(tmp_path, audit=syslog(tmp_path, authority, receiver.port, host))
    with serving(node.configuration) as (process, log):
        wait_for("ready", node.is_ready, 20)
        wait_for("it is refused", lambda: "the server's certificate is refused" in log.read_text(), SENT_SECONDS)
        assert receiver.messages == []
        assert process.poll() is None
    receiver.close()


@pytest.mark.parametrize("audit, word", [
    ({"syslog": {"host": "a b"}}, "audit.syslog.host"), ({"syslog": {"host": "logs", "port": 0}}, "audit.syslog.port"),
    ({"journald": "yes"}, "audit.journald"), ({"journaldSocket": "relative"}, "audit.journaldSocket"),
    ({"syslog": {"host": "logs", "caFile": "/nowhere/ca.pem"}}, "audit.syslog.caFile"), ({"syslogs": {}}, "syslogs"),
])
def test_check_names_what_is_wrong(tmp_path, audit: dict, word: str):
    node = Node(tmp_path, audit=audit)
    done = run("check", node.configuration)
    assert done.returncode == 2 and word in done.stderr, done
