"""From nothing to a site more: invitations, joining, all that can be wrong with it, and federations founded by hand."""

import hashlib
import json
import os
import pathlib
import signal
import sqlite3
import stat
import subprocess
import time

import httpx
import pytest
from cryptography import x509

import joining
from harness import PROGRAM, Mesh, run
from joining import Token, Wire, audited, inference, invite, join, served
from processes import dialled, free_port, wait_for

PASSPHRASE = {"MESHNODE_PASSPHRASE": "correct horse battery"}


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    """Three sites, of which alpha's node is the registration authority."""
    from harness import write_topology
    folder = tmp_path_factory.mktemp("joining")
    with Mesh(write_topology("fragile.json5", folder), folder) as mesh:
        yield mesh


@pytest.fixture
def site(request) -> str:
    """A name that no other test uses."""
    return "s" + hashlib.sha256(request.node.name.encode()).hexdigest()[:10]


def set_up(result: subprocess.CompletedProcess, directory: pathlib.Path) -> dict:
    """Checks that a `--json` set-up went well, and keeps what it said."""
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    (directory / "report.json").write_text(result.stdout)
    return report


def joined(mesh: Mesh, site: str, folder: pathlib.Path, *options: object, token: object = None, **others) -> dict:
    result = join(token or invite(mesh, site), folder, "--json", *options, **others)
    return set_up(result, folder / site)


# The whole way


def test_a_fourth_site_answers_a_user_at_the_first(federation, site, tmp_path):
    alpha = federation.node("alpha")
    with inference(tmp_path, f"model-of-{site}") as server:
        began = time.monotonic()
        token = invite(federation, site, "--domain", "anl.gov")
        report = joined(federation, site, tmp_path, "--systemd", token=token, server=server)
        with served(tmp_path / site) as (api, operator, log):
            def answer() -> httpx.Response:
                reply = federation.chat(alpha, f"model-of-{site}")
                assert reply.status_code == 200, reply.text
                return reply

            reply = wait_for("alpha's user is answered", answer, 30)
            seconds = time.monotonic() - began
            assert reply.headers["x-mesh-site"] == site
            assert reply.headers["x-mesh-entry"] == f"alpha/{alpha.node}"
            # The new site's own API, by the token that join left for its operator, reaches models of the others.
            own = httpx.post(f"{api}/v1/chat/completions", headers={"Authorization": f"Bearer {operator}"}, timeout=30,
                             json={"model": "common", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4})
            assert own.status_code == 200 and own.headers["x-mesh-site"] == "alpha", own.text
            members = federation.get("/mesh/federation").json()
            assert site in json.dumps(members)
    print(f"from invitation to answer: {seconds:.2f} s")
    assert report["models"] == [f"model-of-{site}"]
    assert len(token) <= 180 and "\n" not in token
    unit = pathlib.Path(report["systemdUnit"]).read_text()
    assert f"serve --config \"{tmp_path / site}/node.json5\"" in unit
    assert [entry["subject"] for entry in audited(federation, "invite")].count(site) == 1
    assert f"{site}/n1" in [entry["subject"] for entry in audited(federation, "join")]


def test_what_join_leaves_behind(federation, site, tmp_path):
    token = invite(federation, site)
    joined(federation, site, tmp_path, token=token)
    folder = tmp_path / site
    for name in ("node.key", "operator.token", "node.json5"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    text = (folder / "node.json5").read_text()
    secret = (folder / "operator.token").read_text().strip()
    # Nothing secret stands in the configuration, and nothing of the invitation anywhere.
    assert secret not in text and hashlib.sha256(secret.encode()).hexdigest() in text
    for path in folder.rglob("*"):
        if path.is_file():
            assert token not in path.read_text() and Token.read(token).secret not in path.read_bytes()
    certificate = x509.load_pem_x509_certificate((folder / "node.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [
        f"spiffe://{federation.federation}/site/{site}/node/n1"]
    assert run("check", folder / "node.json5").returncode == 0
    # A second run does not touch what is there.
    again = join(token, tmp_path)
    assert again.returncode == 1 and "is there already" in again.stderr
    register = pathlib.Path(federation.node("alpha").state) / "federation.db"
    assert Token.read(token).secret not in register.read_bytes()


def test_servers_are_found_or_named(federation, site, tmp_path):
    with inference(tmp_path, "found") as server:
        result = join(invite(federation, site), tmp_path, "--server", server + "/v1", server="http://127.0.0.1:1")
        assert result.returncode == 0, result.stderr
    text = (tmp_path / site / "node.json5").read_text()
    assert 'id: "found"' in text and f'url: "{server}/v1"' in text
    assert "// http://127.0.0.1:1/v1: nothing answers there yet" in text


def test_more_nodes_of_a_site(federation, site, tmp_path):
    token = invite(federation, site, "--nodes", 2)
    joined(federation, site, tmp_path / "one", token=token, node="n1")
    taken = join(token, tmp_path / "two", node="n1")
    assert taken.returncode == 1 and f"another node has the name {site}/n1" in taken.stderr, taken.stderr
    joined(federation, site, tmp_path / "two", token=token, node="n2")
    # The invitation is used up, and the site's name is taken for whoever does not say that it means the same.
    third = join(token, tmp_path / "three", node="n3")
    assert third.returncode == 1 and "used already" in third.stderr
    again = run("federation", "invite", site, "--node", federation.nodes[0].api, token=federation.tokens["operator"])
    assert again.returncode == 1 and "is a member already" in again.stderr
    joined(federation, site, tmp_path / "three", token=invite(federation, site, "--add-nodes"), node="n3")
    wrong = run("federation", "invite", "nobody-yet", "--add-nodes", "--node", federation.nodes[0].api,
                token=federation.tokens["operator"])
    assert wrong.returncode == 1 and "no member yet" in wrong.stderr


# What can be wrong with an invitation


def refusal(mesh: Mesh, result: subprocess.CompletedProcess, words: str, code: str) -> None:
    """One clear line at the facility; a line in the log and an entry in the audit log at the inviter."""
    assert result.returncode == 1, result.stdout
    line, = result.stderr.strip().splitlines()
    assert words in line, line
    log = mesh.node_log(mesh.node("alpha"))
    assert any("joinRefused" in line and code in line for line in log.splitlines()), code
    # Past eight kinds within a minute the audit log counts them together.
    wait_for("it is audited", lambda: any(code in entry["detail"] for entry in audited(mesh, "joinRefused")), 10)


def test_a_second_use(federation, site, tmp_path):
    token = invite(federation, site)
    joined(federation, site, tmp_path / "first", token=token)
    refusal(federation, join(token, tmp_path / "second", node="n2"), "used already", "invite_used")


def test_an_expired_invitation(federation, site, tmp_path):
    token = invite(federation, site, "--expires", "1h")
    register = pathlib.Path(federation.node("alpha").state) / "federation.db"
    with sqlite3.connect(register, timeout=10) as database:
        database.execute("UPDATE invites SET expiresAt = 1000000000 WHERE site = ?", (site,))
    refusal(federation, join(token, tmp_path), "expired at 2001-09-09T01:46:40Z", "invite_expired")


def test_a_made_up_secret(federation, site, tmp_path):
    token = Token.read(invite(federation, site))
    token.secret = bytes(16)
    refusal(federation, join(token, tmp_path), "not known here", "invite_unknown")


@pytest.mark.parametrize("change", ["cut", "letter", "other", "empty", "later"])
def test_an_altered_token_asks_nobody(federation, site, tmp_path, change):
    wire = Wire(federation.node("alpha").mesh.removeprefix("https://"))
    token = Token.read(invite(federation, site))
    token.address = wire.address
    text = str(token)
    text = {"cut": text[:-3], "letter": text[:20] + ("A" if text[20] != "A" else "B") + text[21:], "other": "sk-123456",
            "empty": "", "later": text}[change]
    if change == "later":
        import base64
        body = b"\x02" + base64.urlsafe_b64decode(text[5:] + "=" * (-len(text[5:]) % 4))[1:-4]
        text = "mnj1_" + base64.urlsafe_b64encode(body + hashlib.sha256(body).digest()[:4]).rstrip(b"=").decode()
    result = join(text, tmp_path)
    wire.close()
    assert result.returncode == 2 and len(result.stderr.strip().splitlines()) == 1, result.stderr
    words = {"other": "no invitation", "empty": "no invitation", "later": "later version"}.get(change, "altered")
    assert words in result.stderr, result.stderr
    assert wire.connections == 0 and not (tmp_path / site).exists()


def test_a_wrong_pin(federation, site, tmp_path):
    token = Token.read(invite(federation, site))
    good = str(token)
    token.pin = bytes(32)
    result = join(token, tmp_path)
    assert result.returncode == 1 and "nothing was sent" in result.stderr, result.stderr
    # The secret stayed here: the invitation is as good as new.
    joined(federation, site, tmp_path, token=good)


def test_an_impostor_gets_no_secret(federation, site, tmp_path):
    """It says what the federation's node says, but has no certificate of it."""
    import ssl
    import threading
    import socket

    from certificates import Authority
    identity = Authority(federation.federation, tmp_path / "impostor").issue("alpha", "a1")
    token = Token.read(invite(federation, site))
    bundle = ask(token.address, "GET", "/meshnode/v1/join/bundle")[1]
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    context.set_alpn_protocols(["meshnode-join/1"])

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as stream:
                    while data := stream.recv(65536):
                        heard.append(data)
                        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                                       + str(len(bundle)).encode() + b"\r\n\r\n" + bundle)
            except (OSError, ssl.SSLError):
                if listener.fileno() < 0:
                    return

    threading.Thread(target=serve, daemon=True).start()
    token.address = f"127.0.0.1:{listener.getsockname()[1]}"
    result = join(token, tmp_path)
    listener.close()
    assert result.returncode == 1 and "not to be trusted" in result.stderr, result.stderr
    assert heard and all(data.startswith(b"GET /meshnode/v1/join/bundle") for data in heard)


def test_a_node_that_is_no_authority_names_who_is(federation, site, tmp_path):
    token = Token.read(invite(federation, site))
    token.address = federation.node("beta").mesh.removeprefix("https://")
    result = join(token, tmp_path)
    alpha = federation.node("alpha")
    assert result.returncode == 1 and "signs no certificates" in result.stderr, result.stderr
    assert f"alpha/{alpha.node} at {alpha.mesh.removeprefix('https://')}" in result.stderr
    asked = run("federation", "invite", "whoever", "--node", federation.node("beta").api,
                token=federation.tokens["operator"])
    assert asked.returncode == 1 and "no registration authority" in asked.stderr
    low = run("federation", "invite", "whoever", "--node", alpha.api, token=federation.tokens["viewer"])
    assert low.returncode == 1 and "role" in low.stderr


def test_only_the_authority_that_invited_is_told_the_secret(federation, site, tmp_path):
    token = Token.read(invite(federation, site))
    alpha = federation.node("alpha").node
    token.place = token.place.removesuffix(f"alpha/{alpha}") + f"beta/{federation.node('beta').node}"
    result = join(token, tmp_path)
    assert result.returncode == 1 and "nothing secret was sent" in result.stderr, result.stderr
    assert f"alpha/{alpha}, not of beta/" in result.stderr, result.stderr


def test_an_invitation_does_not_outlive_a_revocation(federation, site, tmp_path):
    operator = federation.tokens["operator"]
    token = invite(federation, site, "--nodes", 3)
    joined(federation, site, tmp_path / "one", token=token)
    revoked = run("federation", "revoke", site, "--reason", "test", "--node", federation.nodes[0].api, token=operator)
    assert revoked.returncode == 0, revoked.stderr
    refusal(federation, join(token, tmp_path / "two", node="n2"), "was revoked", "site_revoked")
    # Invited anew, the site is back, under the same name and another key.
    anew = invite(federation, site)
    report = joined(federation, site, tmp_path / "anew", token=anew)
    with served(tmp_path / "anew" / site):
        wait_for("it is back", lambda: site in states(federation), 20)
    assert report["site"] == site


def test_an_invitation_does_not_outlive_a_nodes_revocation(federation, site, tmp_path):
    token = invite(federation, site, "--nodes", 2)
    joined(federation, site, tmp_path / "one", token=token)
    revoked = run("federation", "revoke", f"{site}/n1", "--reason", "test", "--node", federation.nodes[0].api,
                  token=federation.tokens["operator"])
    assert revoked.returncode == 0, revoked.stderr
    refusal(federation, join(token, tmp_path / "two", node="n2"), "was revoked", "site_revoked")


def states(mesh: Mesh) -> dict[str, str]:
    """Site to state, of the nodes that the first one knows."""
    sites = mesh.get("/mesh/topology").json()["sites"]
    return {entry["site"]: node["state"] for entry in sites for node in entry["nodes"] if node["state"] == "alive"}


@pytest.mark.parametrize("options, words", [
    (["--node", "Not A Name"], "name such as"), (["--listen-mesh", "nowhere"], "ADDRESS:PORT"),
    (["--advertise-api", "ftp://x"], "--advertise-api"), (["--server", "x y"], "--server"),
])
def test_a_wrong_option_costs_nothing(federation, site, tmp_path, options, words):
    token = invite(federation, site)
    result = subprocess.run([PROGRAM, "federation", "join", "-", *options], input=token, capture_output=True, text=True,
                            timeout=30, cwd=tmp_path)
    assert result.returncode == 2 and words in result.stderr, result.stderr
    joined(federation, site, tmp_path / "right", token=token)


# Interrupted, and tried again


@pytest.mark.parametrize("step", ["connecting", "handshake", "bundle", "secret", "answer", "half an answer"])
def test_a_connection_that_is_cut(federation, site, tmp_path, step):
    wire = Wire(federation.node("alpha").mesh.removeprefix("https://"))
    token = Token.read(invite(federation, site))
    token.address = wire.address
    # Bytes are counted once in a join that is not cut, by another invitation.
    trial_wire = Wire(federation.node("alpha").mesh.removeprefix("https://"))
    trial = Token.read(invite(federation, site + "t"))
    trial.address = trial_wire.address
    seen = {True: 0, False: 0}
    bundle = 0  # what has come back when the secret goes out

    def count(to_server: bool, bytes_so_far: int) -> bool:
        nonlocal bundle
        seen[to_server] = max(seen[to_server], bytes_so_far)
        if to_server:
            bundle = seen[False]
        return False

    trial_wire.cuts = count
    joined(federation, site + "t", tmp_path / "trial", token=trial)
    trial_wire.close()
    request, answer = seen[True], seen[False]
    wire.cuts = {
        "connecting": lambda to_server, n: n == 0,
        "handshake": lambda to_server, n: not to_server and n > 0,
        "bundle": lambda to_server, n: not to_server and n > bundle - 100,
        "secret": lambda to_server, n: to_server and n > request - 200,
        "answer": lambda to_server, n: not to_server and n > bundle + 100,
        "half an answer": lambda to_server, n: not to_server and n > answer - 100,
    }[step]
    cut = join(token, tmp_path)
    assert cut.returncode == 1 and len(cut.stderr.strip().splitlines()) == 1, cut.stderr
    assert "tries again" in cut.stderr, cut.stderr
    key = (tmp_path / site / "node.key").read_bytes()
    assert not (tmp_path / site / "node.json5").exists()
    wire.cuts = lambda to_server, n: False
    report = joined(federation, site, tmp_path, token=token)
    wire.close()
    assert report["site"] == site and (tmp_path / site / "node.key").read_bytes() == key
    # One key, one certificate, one use: nobody else gets in by it.
    used = join(Token.read(str(token)), tmp_path / "other", node="n2")
    assert used.returncode == 1, used.stdout


def test_killed_while_it_waits_for_the_answer(federation, site, tmp_path):
    wire = Wire(federation.node("alpha").mesh.removeprefix("https://"))
    token = Token.read(invite(federation, site))
    token.address = wire.address
    register = pathlib.Path(federation.node("alpha").state) / "federation.db"
    # What comes back once the secret has arrived is held: the authority has written the use down by then.
    def holds(to_server: bool, count: int) -> bool:
        if to_server:
            return False
        with sqlite3.connect(f"file:{register}?mode=ro", uri=True, timeout=10) as database:
            return database.execute(
                "SELECT count(*) FROM uses JOIN invites USING(digest) WHERE site = ?", (site,)).fetchone()[0] > 0

    wire.stalls = holds
    folder = tmp_path
    process = subprocess.Popen(
        [PROGRAM, "federation", "join", "-", "--node", "n1", "--server", "http://127.0.0.1:1"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    process.stdin.write(str(token).encode())
    process.stdin.close()
    assert wire.stalled.wait(20)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(path.name for path in (folder / site).iterdir()) == ["node.key"]
    wire.stalls = lambda to_server, count: False
    joined(federation, site, folder, token=token)
    wire.close()
    with sqlite3.connect(f"file:{register}?mode=ro", uri=True, timeout=10) as database:
        uses = database.execute(
            "SELECT certificates FROM uses JOIN invites USING(digest) WHERE site = ?", (site,)).fetchall()
    assert len(uses) == 1
    import base64
    leaf = x509.load_der_x509_certificate(base64.b64decode(uses[0][0].split()[0]))
    assert leaf == x509.load_pem_x509_certificate((folder / site / "node.pem").read_bytes())


@pytest.mark.parametrize("obstacle", ["state", "ca.pem", "node.pem", "operator.token", "node.json5"])
def test_a_file_that_cannot_be_written(federation, site, tmp_path, obstacle):
    """Each of them in turn, as a full disk or a wrong owner would have it; then the same command once more."""
    token = invite(federation, site)
    (tmp_path / site).mkdir(mode=0o700)
    path = tmp_path / site / obstacle
    if obstacle == "state":
        path.write_text("in the way")
    elif obstacle == "node.json5":
        path = tmp_path / site / "state" / "statements.jws"
        path.mkdir(parents=True)
        (tmp_path / site / "state").chmod(0o700)
    else:
        path.mkdir()
    failed = join(token, tmp_path)
    assert failed.returncode == 1 and path.name in failed.stderr, failed.stderr
    path.unlink() if path.is_file() else path.rmdir()
    report = joined(federation, site, tmp_path, token=token)
    assert run("check", report["configuration"]).returncode == 0


# The port for strangers


def ask(address: str, method: str, path: str, body: bytes = b"", alpn: str = "meshnode-join/1",
        identity=None, source: str = "127.0.0.9") -> tuple[int, bytes]:
    """One request on the mesh port, as somebody without a certificate makes it, from an address of this machine."""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    if identity:
        context.load_cert_chain(*identity)
    host, _, port = address.rpartition(":")
    with dialled((host, int(port)), source_address=(source, 0)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            stream.sendall(head.encode() + body)
            data = b""
            while part := stream.recv(65536):
                data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), rest


def test_strangers_reach_nothing_but_enrolment(federation):
    address = federation.node("gamma").mesh.removeprefix("https://")
    for method, path in [("GET", "/"), ("POST", "/meshnode/v1/gossip"), ("POST", "/v1/chat/completions"),
                         ("POST", "/meshnode/v1/statements"), ("POST", "/meshnode/v1/renew"), ("GET", "/healthz"),
                         ("POST", "/meshnode/v1/park"), ("POST", "/meshnode/v1/carry"),
                         ("POST", "/meshnode/v1/join/bundle"), ("GET", "/meshnode/v1/join")]:
        status, _ = ask(address, method, path, b"{}" if method == "POST" else b"")
        assert status == 404, (method, path)


def test_nodes_do_not_enrol(federation):
    folder = pathlib.Path(federation.node("beta").state)
    for path in ("/meshnode/v1/join", "/meshnode/v1/join/bundle"):
        status, _ = ask(federation.node("alpha").mesh.removeprefix("https://"), "POST", path, b"{}", alpn="meshnode/1",
                        identity=(folder / "node.pem", folder / "node.key"))
        assert status == 404


@pytest.mark.parametrize("body, status", [
    (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b'{"secret":"x"}', 400),
    (b'{"secret":"' + b"A" * 22 + b'","request":"AAAA","node":"n1","names":[]}', 400),
    (b'{"secret":"x","request":"AAAA","node":"../x","names":[]}', 400),
    (b'{"secret":"x","request":"AAAA","node":"n1","names":["' + b'x","' * 20 + b'"]}', 400),
    (b'{"secret":"' + b"A" * 70_000 + b'"}', 413),
])
def test_nonsense_from_strangers(federation, body, status):
    found, answer = ask(federation.node("alpha").mesh.removeprefix("https://"), "POST", "/meshnode/v1/join", body)
    assert found == status and "error" in json.loads(answer)


def test_strangers_are_held_back(fresh_mesh, tmp_path):
    address = fresh_mesh.node("alpha").mesh.removeprefix("https://")
    found = [ask(address, "GET", "/meshnode/v1/join/bundle", source="127.0.0.1")[0] for _ in range(200)]
    # Two a second are let through all the while.
    assert found[:100] == [200] * 100 and found[100:].count(429) > 50
    # Another address is not held back, and whoever joins from the same one waits its turn.
    assert ask(address, "GET", "/meshnode/v1/join/bundle")[0] == 200
    result = join(invite(fresh_mesh, "late"), tmp_path)
    assert result.returncode == 0, result.stderr
    # Nodes are not strangers.
    assert fresh_mesh.chat(fresh_mesh.node("alpha"), "solo").status_code == 200


# Founding


def found(folder: pathlib.Path, *options: object, name: str = "lab", environment: dict = PASSPHRASE):
    return subprocess.run([PROGRAM, "federation", "create", name, *map(str, options)], capture_output=True, text=True,
                          timeout=60, cwd=folder, stdin=subprocess.DEVNULL, env={**os.environ, **environment})


def first_node(folder: pathlib.Path, *options: object) -> dict:
    result = found(folder, "--site", "home", "--node", "h1", "--listen-api", f"127.0.0.1:{free_port()}", "--listen-mesh",
                   f"127.0.0.1:{free_port()}", "--server", f"http://127.0.0.1:{free_port()}", "--json", *options)
    return set_up(result, folder / "home")


def test_a_federation_from_nothing(tmp_path):
    first_node(tmp_path)
    lab = tmp_path / "lab"
    assert sorted(path.name for path in lab.iterdir()) == [
        "bundle.jws", "federation.json", "issuer.key", "issuer.pem", "root.key", "root.pem"]
    assert b"ENCRYPTED" in (lab / "root.key").read_bytes()
    assert stat.S_IMODE((lab / "issuer.key").stat().st_mode) == 0o600
    # The folder can be put away: the node has what it needs.
    lab.rename(tmp_path / "safe")
    with served(tmp_path / "home") as (api, operator, log):
        wait_for("the first node", lambda: httpx.get(f"{api}/readyz").status_code == 200, 20)
        made = run("federation", "invite", "guest", "--node", api, token=operator)
        assert made.returncode == 0, made.stderr
        set_up(join(made.stdout, tmp_path, "--json"), tmp_path / "guest")
        with served(tmp_path / "guest"):
            def both() -> bool:
                sites = httpx.get(f"{api}/mesh/topology", headers={"Authorization": f"Bearer {operator}"}).json()["sites"]
                return {"home", "guest"} == {entry["site"] for entry in sites if entry["nodes"][0]["state"] == "alive"}

            wait_for("both know each other", both, 20)


@pytest.mark.parametrize("options, environment, code, words", [
    ([], {}, 1, "no terminal to ask"), ([], {"MESHNODE_PASSPHRASE": "short"}, 1, "8 to 1024"),
    (["--ca-cert", "x.pem"], PASSPHRASE, 2, "--ca-key"), (["--ca-key", "x.key"], PASSPHRASE, 1, "x.key"),
    (["--cert-in", "x.pem"], PASSPHRASE, 2, "--ca-cert"), (["--key-uri", "nowhere:x"], PASSPHRASE, 1, "cannot be opened"),
    (["--csr-out", "a", "--cert-in", "b"], PASSPHRASE, 2, "comes first"),
])
def test_what_cannot_be_founded(tmp_path, options, environment, code, words):
    # In a session of its own there is no terminal.
    result = subprocess.run([PROGRAM, "federation", "create", "lab", *options], capture_output=True, text=True, timeout=30,
                            cwd=tmp_path, stdin=subprocess.DEVNULL, start_new_session=True,
                            env={**{k: v for k, v in os.environ.items() if k != "MESHNODE_PASSPHRASE"}, **environment})
    assert result.returncode == code and words in result.stderr, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_federation_is_never_overwritten(tmp_path):
    assert found(tmp_path).returncode == 0
    before = (tmp_path / "lab" / "root.pem").read_bytes()
    again = found(tmp_path)
    assert again.returncode == 1 and "is there already" in again.stderr
    assert (tmp_path / "lab" / "root.pem").read_bytes() == before
    assert found(tmp_path, name="Not A Name").returncode == 2


def openssl(folder: pathlib.Path, *arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True, timeout=30)


def own_authority(folder: pathlib.Path, kind: str) -> None:
    """A facility's own authority, made by openssl."""
    curve = {"P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "P-384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
             "RSA": ["rsa:3072"]}[kind]
    openssl(folder, "req", "-x509", "-newkey", *curve, "-keyout", "own.key", "-out", "own.pem", "-days", 30, "-subj",
            "/CN=Our own authority", "-passout", "pass:" + PASSPHRASE["MESHNODE_PASSPHRASE"], "-addext",
            "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    (folder / "own.key").chmod(0o600)


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA"])
def test_under_an_authority_that_is_there(tmp_path, kind):
    own_authority(tmp_path, kind)
    first_node(tmp_path, "--ca-cert", "own.pem", "--ca-key", "own.key")
    assert (tmp_path / "lab" / "root.pem").read_text() in (tmp_path / "own.pem").read_text()
    assert not (tmp_path / "lab" / "root.key").exists()
    with served(tmp_path / "home") as (api, operator, log):
        wait_for("the first node", lambda: httpx.get(f"{api}/readyz").status_code == 200, 20)
        made = run("federation", "invite", "guest", "--node", api, token=operator)
        assert made.returncode == 0, made.stderr
        set_up(join(made.stdout, tmp_path, "--json"), tmp_path / "guest")


def test_an_issuer_that_is_signed_by_hand(tmp_path):
    own_authority(tmp_path, "P-256")
    assert found(tmp_path, "--csr-out", "issuer.csr").returncode == 0
    openssl(tmp_path, "x509", "-req", "-in", "issuer.csr", "-CA", "own.pem", "-CAkey", "own.key", "-days", 20, "-out",
            "signed.pem", "-copy_extensions", "copyall", "-passin", "pass:" + PASSPHRASE["MESHNODE_PASSPHRASE"])
    wrong = found(tmp_path, "--cert-in", "own.pem", "--ca-cert", "own.pem")
    assert wrong.returncode == 1, wrong.stdout
    first_node(tmp_path, "--cert-in", "signed.pem", "--ca-cert", "own.pem")
    with served(tmp_path / "home") as (api, operator, log):
        wait_for("the first node", lambda: httpx.get(f"{api}/readyz").status_code == 200, 20)
        made = run("federation", "invite", "guest", "--node", api, token=operator)
        assert made.returncode == 0, made.stderr
        set_up(join(made.stdout, tmp_path, "--json"), tmp_path / "guest")


def test_a_root_key_behind_a_uri(tmp_path):
    secret = PASSPHRASE["MESHNODE_PASSPHRASE"]
    openssl(tmp_path, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass",
            "pass:" + secret, "-out", "held.key")
    result = found(tmp_path, "--key-uri", f"file:{tmp_path}/held.key")
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "lab" / "root.key").exists() and secret not in result.stderr
    wrong = found(tmp_path, "--key-uri", f"file:{tmp_path}/held.key", name="other",
                  environment={"MESHNODE_PASSPHRASE": "wrong horse battery"})
    assert wrong.returncode == 1 and not (tmp_path / "other" / "root.pem").exists()


# The issuer offline


def request(folder: pathlib.Path, *options: object) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, "federation", "join", "--csr-out", "node.csr", *map(str, options)], cwd=folder,
                          capture_output=True, text=True, timeout=30)


def test_an_issuer_that_is_offline(tmp_path):
    first_node(tmp_path)
    mesh = json.loads((tmp_path / "home/report.json").read_text())["mesh"].removeprefix("https://")
    asked = request(tmp_path, "--federation", "lab", "--site", "guest", "--node", "g1")
    assert asked.returncode == 0, asked.stderr
    signed = run("federation", "sign", tmp_path / "node.csr", "--site", "guest", "--node", "g1", "--directory",
                 tmp_path / "lab", "--seed", mesh, "--domain", "guest.gov", "--out", tmp_path / "answer.json")
    assert signed.returncode == 0, signed.stderr
    pin = x509.load_pem_x509_certificate((tmp_path / "lab/root.pem").read_bytes()).fingerprint(
        __import__("cryptography").hazmat.primitives.hashes.SHA256()).hex()
    assert pin in signed.stderr
    options = ["--listen-api", f"127.0.0.1:{free_port()}", "--listen-mesh", f"127.0.0.1:{free_port()}", "--server",
               f"http://127.0.0.1:{free_port()}", "--json"]
    wrong = subprocess.run([PROGRAM, "federation", "join", "--cert-in", "answer.json", "--pin", "0" * 64, *options],
                           cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert wrong.returncode == 1 and "--pin" in wrong.stderr
    taken = subprocess.run([PROGRAM, "federation", "join", "--cert-in", "answer.json", "--pin", pin, *options], cwd=tmp_path,
                           capture_output=True, text=True, timeout=30)
    set_up(taken, tmp_path / "guest")
    with served(tmp_path / "home") as (api, operator, _), served(tmp_path / "guest"):
        def both() -> bool:
            sites = httpx.get(f"{api}/mesh/topology", headers={"Authorization": f"Bearer {operator}"}).json()["sites"]
            return {"home", "guest"} == {entry["site"] for entry in sites if entry["nodes"][0]["state"] == "alive"}

        wait_for("both know each other", both, 20)


def test_what_is_signed_by_hand_is_checked(tmp_path):
    assert found(tmp_path).returncode == 0
    assert request(tmp_path, "--federation", "lab", "--site", "guest", "--node", "g1").returncode == 0

    def sign(*options: object) -> subprocess.CompletedProcess:
        return run("federation", "sign", tmp_path / "node.csr", "--directory", tmp_path / "lab", *options)

    other = sign("--site", "guest", "--node", "g2")
    assert other.returncode == 1 and "the request is for" in other.stderr
    assert sign("--site", "guest", "--node", "g1", "--domain", "no domain").returncode == 2
    good = sign("--site", "guest", "--node", "g1")
    assert good.returncode == 0
    (tmp_path / "node.csr").write_text((tmp_path / "node.csr").read_text().replace("A", "B", 1))
    assert sign("--site", "guest", "--node", "g1").returncode == 1
    # Somebody else's answer, whose certificate is for another key.
    (tmp_path / "theirs").mkdir()
    assert request(tmp_path / "theirs", "--federation", "lab", "--site", "guest", "--node", "g1").returncode == 0
    (tmp_path / "theirs/answer.json").write_text(good.stdout)
    taken = subprocess.run([PROGRAM, "federation", "join", "--cert-in", "answer.json"], cwd=tmp_path / "theirs",
                           capture_output=True, text=True, timeout=30)
    assert taken.returncode == 1 and "another key" in taken.stderr
    assert not (tmp_path / "theirs/guest/node.pem").exists()
    (tmp_path / "theirs/answer.json").write_text("{}")
    assert subprocess.run([PROGRAM, "federation", "join", "--cert-in", "answer.json"], cwd=tmp_path / "theirs",
                          capture_output=True, text=True, timeout=30).returncode == 2
    missing = request(tmp_path)
    assert missing.returncode == 2 and "--federation" in missing.stderr


def test_the_commands_help():
    for command in ("create", "invite", "join", "sign"):
        shown = run("federation", command, "--help")
        assert shown.returncode == 0 and shown.stderr == "" and f"federation {command}" in shown.stdout
    assert joining.PROGRAM == PROGRAM
