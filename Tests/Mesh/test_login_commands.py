"""Logging in, tokens and API keys by the command line, as users have them."""

import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

import httpx
import pytest

from globus import emulated
from globus_emulation import emulation
from harness import Mesh, PROGRAM, write_topology
from login_stub import CLIENT, LoginStub, SITES, scope_of
from processes import free_port

RUN_SECONDS = 30


@pytest.fixture
def stub():
    server = LoginStub()
    yield server
    server.close()


class User:
    """Somebody with a home directory of their own."""

    def __init__(self, home: pathlib.Path):
        self.home = home
        self.file = home / ".config/meshnode/tokens.json"
        hidden = ("MESHNODE_TOKEN", "XDG_CONFIG_HOME", "DISPLAY", "WAYLAND_DISPLAY")
        self.environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environment["HOME"] = str(home)

    def start(self, *arguments: object, **variables: str) -> subprocess.Popen:
        return subprocess.Popen(
            [str(PROGRAM), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**self.environment, **variables})

    def run(self, *arguments: object, typed: str = "", **variables: str) -> subprocess.CompletedProcess:
        process = self.start(*arguments, **variables)
        out, err = process.communicate(typed, timeout=RUN_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def succeed(self, *arguments: object, **options: str) -> subprocess.CompletedProcess:
        result = self.run(*arguments, **options)
        assert result.returncode == 0, result
        return result

    def fail(self, *arguments: object, code: int = 1, **options: str) -> str:
        """The one line on standard error."""
        result = self.run(*arguments, **options)
        assert result.returncode == code and not result.stdout, result
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result
        return lines[0]

    def login(self, stub: LoginStub, *options: str, refuse: bool = False, paste=lambda address: address) -> tuple[int, str, str]:
        process = self.start("login", "--node", stub.urls["alpha"], *options)
        page = page_of(process)
        code = paste(stub.authorize(page, refuse))
        out, err = process.communicate(f"{code}\n", timeout=RUN_SECONDS)
        return process.returncode, out, err

    def stored(self) -> dict:
        return json.loads(self.file.read_text())

    def age(self, seconds: int) -> None:
        """Makes the stored tokens older."""
        stored = self.stored()
        for login in stored["federations"].values():
            for token in login["tokens"].values():
                token["expires"] -= seconds
        self.file.write_text(json.dumps(stored))


def page_of(process: subprocess.Popen) -> str:
    """The address that a login says to open."""
    for line in process.stdout:
        if found := re.fullmatch(r"(https?://\S+)\n", line):
            return found[1]
    raise AssertionError(process.stderr.read())


def code_of(address: str) -> str:
    return re.search(r"[?&]code=([^&]+)", address)[1]


@pytest.fixture
def user(tmp_path: pathlib.Path) -> User:
    return User(tmp_path)


@pytest.fixture
def member(user: User, stub: LoginStub) -> User:
    """Somebody who has logged in."""
    code, out, err = user.login(stub)
    assert code == 0, (out, err)
    return user


@pytest.mark.parametrize("paste", [code_of, lambda address: address], ids=["code", "address"])
def test_login(user: User, stub: LoginStub, paste):
    code, out, err = user.login(stub, paste=paste)
    assert code == 0, err
    assert "alpha, beta" in out and not err
    assert user.file.stat().st_mode & 0o777 == 0o600 and user.file.parent.stat().st_mode & 0o777 == 0o700
    login = user.stored()["federations"]["tests"]
    assert set(login["tokens"]) == set(SITES.values())
    assert {entry["scope"] for entry in login["tokens"].values()} == {scope_of(server) for server in SITES.values()}
    for token in login["tokens"].values():
        assert token["accessToken"] not in out and token["refreshToken"] not in out


def test_login_by_this_machines_browser(user: User, stub: LoginStub):
    process = user.start("login", "--node", stub.urls["alpha"], "--local")
    address = stub.authorize(page_of(process))
    assert re.match(r"http://127\.0\.0\.1:\d+\?", address)
    # Another page of the same browser may come by first.
    for foreign in (re.sub(r"state=[^&]+", "state=x", address), address.split("?")[0] + "/favicon.ico"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(foreign, timeout=RUN_SECONDS)
        assert refused.value.code == 400
    assert b"logged in" in urllib.request.urlopen(address, timeout=RUN_SECONDS).read()
    out, err = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 0 and "logged in at tests" in out, err


def test_login_at_the_emulation_of_globus(user: User, stub: LoginStub, tmp_path: pathlib.Path):
    """The same bytes as Globus Auth takes, judged by somebody else."""
    servers = [{"id": server, "secret": f"secret-of-{server}-0123456789"} for server in SITES.values()]
    person = {"username": "ada@alpha.example", "sub": "44444444-4444-4444-8444-444444444444"}
    with emulation(tmp_path, clients=[{"id": CLIENT, "kind": "native"}, *servers], users=[person]) as globus:
        stub.auth = globus.url
        process = user.start("login", "--node", stub.urls["alpha"])
        code = httpx.get(page_of(process), headers={"Accept": "application/json"}).json()["code"]
        out, err = process.communicate(f"{code}\n", timeout=RUN_SECONDS)
        assert process.returncode == 0 and "alpha, beta" in out, err
        tokens = {site: user.succeed("token", "--node", url).stdout.strip() for site, url in stub.urls.items()}
        for site, token in tokens.items():
            assert introspect(globus.url, site, token)["username"] == person["username"]
        assert introspect(globus.url, "alpha", tokens["beta"]) == {"active": False}
        renewed = user.succeed("token", "--force").stdout.strip()
        assert renewed != tokens["alpha"] and introspect(globus.url, "alpha", renewed)["active"]
        user.succeed("logout")
        for site, token in (("alpha", renewed), ("beta", tokens["beta"])):
            assert introspect(globus.url, site, token) == {"active": False}


def introspect(auth: str, site: str, token: str) -> dict:
    server = SITES[site]
    answer = httpx.post(f"{auth}/v2/oauth2/token/introspect", data={"token": token},
                        auth=(server, f"secret-of-{server}-0123456789"))
    return answer.raise_for_status().json()


@pytest.mark.parametrize("options", [(), ("--local",)])
def test_login_refused_by_its_user(user: User, stub: LoginStub, options: tuple):
    process = user.start("login", "--node", stub.urls["alpha"], *options)
    address = stub.authorize(page_of(process), refuse=True)
    if options:
        urllib.request.urlopen(address, timeout=RUN_SECONDS).read()
    _, err = process.communicate("" if options else f"{address}\n", timeout=RUN_SECONDS)
    assert process.returncode == 1 and "access_denied" in err
    assert not user.file.exists()


@pytest.mark.parametrize("typed", ["", "\n", "two words\n", "nonsense\n"])
def test_login_with_a_bad_code(user: User, stub: LoginStub, typed: str):
    result = user.run("login", "--node", stub.urls["alpha"], typed=typed)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, result
    assert not user.file.exists()


def test_login_is_ended_by_ctrl_c(user: User, stub: LoginStub):
    process = user.start("login", "--node", stub.urls["alpha"])
    page_of(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == -signal.SIGINT


def test_login_again(member: User, stub: LoginStub):
    result = member.succeed("login", "--node", stub.urls["alpha"])
    assert "already logged in" in result.stdout
    code, _, _ = member.login(stub, "--force")
    assert code == 0 and len(stub.asked("authorization_code")) == 2


def test_a_node_without_login(user: User):
    assert "cannot reach" in user.fail("login", "--node", f"http://127.0.0.1:{free_port()}")


def test_token(member: User, stub: LoginStub):
    tokens = {}
    for site, server in SITES.items():
        result = member.succeed("token", "--node", stub.urls[site])
        tokens[site] = result.stdout
        assert re.fullmatch(r"\S+\n", result.stdout) and stub.access[result.stdout.strip()] == server
        assert re.search(r"valid for (47 h 59|48 h 0) min, until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", result.stderr)
    assert member.succeed("token").stdout == tokens["alpha"]
    as_json = json.loads(member.succeed("token", "--json", "--node", stub.urls["beta"]).stdout)
    assert as_json["token"] == tokens["beta"].strip() and as_json["site"] == "beta"
    assert 172_000 < as_json["expiresInSeconds"] <= 172_800
    # Known nodes need not be there.
    stub.close()
    assert member.succeed("token", "--node", stub.urls["beta"]).stdout == tokens["beta"]


def test_token_is_renewed(member: User, stub: LoginStub):
    first = member.succeed("token").stdout
    member.age(172_800 - 700)
    assert member.succeed("token").stdout == first and not stub.asked("refresh_token")
    member.age(200)
    running = [member.start("token") for _ in range(4)]
    renewed = {process.communicate(timeout=RUN_SECONDS)[0] for process in running}
    assert len(renewed) == 1 and first not in renewed and len(stub.asked("refresh_token")) == 1
    assert member.file.stat().st_mode & 0o777 == 0o600
    assert member.succeed("token", "--force").stdout not in renewed


def test_token_when_auth_is_away(member: User, stub: LoginStub):
    first = member.succeed("token").stdout
    stub.away = True
    member.age(172_800 - 300)
    result = member.succeed("token")
    assert result.stdout == first and "not renewed" in result.stderr
    member.age(300)
    assert "503" in member.fail("token")


def test_token_when_the_login_has_ended(member: User, stub: LoginStub):
    member.age(172_800)
    stub.revoked |= set(stub.refresh)
    line = member.fail("token")
    assert "invalid_grant" in line and f"meshnode login --node {stub.urls['alpha']}" in line


def test_token_without_login(user: User, stub: LoginStub):
    assert "not logged in; run: meshnode login" in user.fail("token")
    assert f"meshnode login --node {stub.urls['beta']}" in user.fail("token", "--node", stub.urls["beta"])


def test_token_is_not_given_to_strangers(member: User, stub: LoginStub):
    """A node that calls itself alpha's, and wants alpha's scope, is none until alpha's own node says so."""
    stranger = LoginStub()
    try:
        stranger.urls = dict(stub.urls)
        address = f"http://127.0.0.1:{stranger.servers[0].server_address[1]}"
        assert f"meshnode login --node {address}" in member.fail("token", "--node", address)
        assert "meshnode login" in member.fail("models", "--node", address)
        stub.urls["alpha"] = address  # now alpha's node says so
        assert member.succeed("token", "--node", address).stdout.strip() in stub.access
    finally:
        stranger.close()


def test_several_federations(member: User, stub: LoginStub):
    other = LoginStub("others")
    try:
        assert member.login(other)[0] == 0
        line = member.fail("token")
        assert "others" in line and "tests" in line and "--federation" in line
        assert member.succeed("token", "--federation", "others").stdout.strip() in other.access
        assert member.succeed("token", "--node", stub.urls["beta"]).stdout.strip() in stub.access
        assert "logged in at: others, tests" in member.fail("token", "--federation", "third")
    finally:
        other.close()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_tokens_that_others_can_read(member: User, stub: LoginStub, mode: int):
    member.file.chmod(mode)
    for arguments in (("token",), ("models",), ("logout",), ("login", "--node", stub.urls["alpha"])):
        assert f"chmod 600 {member.file}" in member.fail(*arguments)


def test_damaged_tokens(member: User):
    member.file.write_text(member.file.read_text()[:-20])
    assert "damaged" in member.fail("token")


def test_logout(member: User, stub: LoginStub):
    member.succeed("logout")
    assert not member.file.exists()
    assert {form["token"] for form in stub.asked("revoke")} == set(stub.access) | set(stub.refresh)
    assert "not logged in" in member.fail("logout")


def test_logout_when_auth_is_away(member: User, stub: LoginStub):
    stub.away = True
    result = member.succeed("logout")
    assert "not revoked" in result.stderr and not member.file.exists()


def test_commands_use_the_login(member: User, stub: LoginStub):
    assert "model-of-alpha" in member.succeed("models").stdout
    assert "model-of-beta" in member.succeed("models", "--node", stub.urls["beta"]).stdout
    # What is named explicitly goes before it.
    assert "does not know this token" in member.fail("models", "--node", stub.urls["alpha"], MESHNODE_TOKEN="x" * 20)
    stub.revoked |= set(stub.access)
    line = member.fail("models")
    assert "action_all" in line and "meshnode login --force" in line


def test_no_token_at_all(user: User):
    assert "meshnode login" in user.fail("models", code=2)


def test_keys(member: User, stub: LoginStub):
    made = member.succeed("keys", "create", "my editor", "--days", "7", "--model", "a", "--model", "b", "--network", "10.0.0.0/8",
                          "--tokens-per-day", "1000", "--project", "p")
    assert re.fullmatch(r"mk-\S+\n", made.stdout) and "k1" in made.stderr and made.stdout.strip() not in made.stderr
    assert stub.asked("key") == [{
        "name": "my editor", "expiresInSeconds": 604_800, "models": ["a", "b"], "networks": ["10.0.0.0/8"],
        "tokensPerDay": 1000, "project": "p"}]
    plain = json.loads(member.succeed("keys", "create", "plain", "--json").stdout)
    assert plain["id"] == "k2" and stub.asked("key")[1] == {"name": "plain"}
    listed = member.succeed("keys", "list").stdout
    assert "my editor" in listed and "a, b" in listed and "plain" in listed and "mk-" not in listed
    assert "revoked k1" in member.succeed("keys", "revoke", "k1").stdout
    assert "my editor" not in member.succeed("keys", "list").stdout
    left = json.loads(member.succeed("keys", "list", "--json").stdout)["data"]
    assert [key["id"] for key in left] == ["k2"]
    assert "for operators" in member.fail("keys", "list", "--all")
    assert "no such key" in member.fail("keys", "revoke", "k9")


def test_a_real_federation(user: User, tmp_path: pathlib.Path):
    """Real nodes behind an emulation of Globus: what they say of themselves is what the commands read."""
    with emulated(tmp_path) as globus:
        topology = write_topology("globus-login.json5", tmp_path, GLOBUS=globus, SECRET=tmp_path / "secret")
        with Mesh(topology, tmp_path) as mesh:
            alpha, beta = mesh.node("alpha").api, mesh.node("beta").api
            process = user.start("login", "--node", alpha)
            code = httpx.get(page_of(process), headers={"Accept": "application/json"}).json()["code"]
            out, err = process.communicate(f"{code}\n", timeout=RUN_SECONDS)
            assert process.returncode == 0 and "alpha, beta" in out, err
            for node in (alpha, beta):
                token = user.succeed("token", "--node", node).stdout.strip()
                answer = httpx.get(f"{node}/v1/models", headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 200, answer.text
                assert "open" in user.succeed("models", "--node", node).stdout
            assert "role viewer" in user.fail("status")
            key = user.succeed("keys", "create", "my editor", "--model", "open", "--tokens-per-day", "1000").stdout.strip()
            chat = {"model": "open", "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4}
            url, headers = f"{alpha}/v1/chat/completions", {"Authorization": f"Bearer {key}"}
            assert httpx.post(url, headers=headers, json=chat, timeout=RUN_SECONDS).status_code == 200
            made = json.loads(user.succeed("keys", "list", "--json").stdout)["data"]
            assert [entry["name"] for entry in made] == ["my editor"] and key not in json.dumps(made)
            assert "my editor" in user.succeed("keys", "list").stdout
            user.succeed("keys", "revoke", made[0]["id"])
            assert httpx.post(url, headers=headers, json=chat, timeout=RUN_SECONDS).status_code == 401
