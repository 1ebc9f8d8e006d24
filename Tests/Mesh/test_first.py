"""A FIRST gateway as a site's backend, asked through another site; and tokens that change while a node runs."""

import contextlib
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Iterator

import httpx
import pytest

from certificates import Authority
from first_gateway import CLIENT, CLUSTER, COLD, FRAMEWORK, MODEL, SCOPE, FirstGateway, job
from nodes import TOKENS, serving, tell, write_configuration
from processes import free_port, wait_for

FEDERATION = "first-tests"
SECONDS = 20
QUICK = {"intervalSeconds": 0.3, "timeoutSeconds": 2}


@dataclasses.dataclass
class Pair:
    """A site with a gateway behind it, and one without any model, where the questions go."""

    gateway: FirstGateway
    api: str
    own_api: str
    log: pathlib.Path
    folder: pathlib.Path

    def get(self, path: str) -> dict:
        return httpx.get(f"{self.api}{path}", headers={"Authorization": f"Bearer {TOKENS['viewer']}"}, timeout=SECONDS).json()

    def chat(self, model: str = "llama", api: str | None = None, **fields: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], **fields}
        return httpx.post(f"{api or self.api}/v1/chat/completions", json=body, timeout=SECONDS,
                          headers={"Authorization": f"Bearer {TOKENS['user']}"})

    def site(self, model: str) -> dict:
        for site in self.get("/mesh/topology")["sites"]:
            for entry in site["models"]:
                if entry["id"] == model:
                    return entry
        return {}

    def wait_state(self, model: str, state: str) -> dict:
        return wait_for(f"{model} is {state}",
                        lambda: (found := self.site(model)).get("state") == state and found, SECONDS)


def events(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]


def words(datas: list[str]) -> str:
    return "".join(choice["delta"].get("content", "") for data in datas if data != "[DONE]"
                   for choice in json.loads(data).get("choices", []))


def write_secret(path: pathlib.Path, text: str) -> pathlib.Path:
    """Puts a file in place whole, as whoever renews a token should."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.chmod(0o600)
    os.replace(beside, path)
    return path


@contextlib.contextmanager
def pair(folder: pathlib.Path, gateway: FirstGateway, **backend: object) -> Iterator[Pair]:
    authority = Authority(FEDERATION, folder / "trust")
    behind = {"kind": "first", "url": gateway.url, "cluster": CLUSTER, "framework": FRAMEWORK, **backend}
    models = [{"id": "llama", "backend": {**behind, "upstreamModel": MODEL, "walltimeSeconds": 86400}},
              {"id": "mixtral", "backend": {**behind, "upstreamModel": COLD, "walltimeSeconds": 86400}}]
    mesh = f"127.0.0.1:{free_port()}"
    ports = {"api": f"127.0.0.1:{free_port()}", "mesh": mesh}
    server = write_configuration(folder, authority.issue("argonne", "a1"), FEDERATION, site="argonne", node="a1",
                                 listen=ports, models=models, health=QUICK)
    entry = write_configuration(folder, authority.issue("purdue", "p1"), FEDERATION, site="purdue", node="p1", seeds=[mesh])
    for node in (server, entry):
        tell(node, [authority.admission(site) for site in ("argonne", "purdue")])
    with serving(server) as (process, log), serving(entry) as (other, _):
        found = Pair(gateway, f"http://{json.loads(entry.read_text())['listen']['api']}", f"http://{ports['api']}", log, folder)

        def is_known() -> bool:
            assert process.poll() is None and other.poll() is None, log.read_text()
            return found.site("llama").get("state", "unknown") != "unknown"

        wait_for("the entry knows the models", is_known, SECONDS)
        yield found


@pytest.fixture(scope="module")
def gateway() -> Iterator[FirstGateway]:
    running = FirstGateway()
    yield running
    running.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, gateway: FirstGateway) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("first")
    token = write_secret(folder / "token", "the-site-token\n")
    with pair(folder, gateway, tokenFile=str(token)) as started:
        yield started


@pytest.fixture
def site(running: Pair) -> Iterator[Pair]:
    """The pair as it was at the beginning."""
    gateway = running.gateway
    yield running
    gateway.jobs = {"running": [job(MODEL)]}
    gateway.maintenance = gateway.site_maintenance = False
    gateway.denied = ""
    gateway.tokens = None
    running.wait_state("llama", "running")


def test_a_chat_goes_to_the_cluster_with_the_site_token(site: Pair):
    answer = site.chat(seed=7)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "from behind FIRST"
    assert answer.headers["x-mesh-site"] == "argonne"
    sent = site.gateway.inferences()[-1]
    assert sent["path"] == f"/resource_server/{CLUSTER}/{FRAMEWORK}/v1/chat/completions"
    assert sent["token"] == "the-site-token"
    assert json.loads(sent["body"])["model"] == MODEL and json.loads(sent["body"])["seed"] == 7
    assert TOKENS["user"] not in str(sent), "the user's token has left the mesh"


def test_a_stream_comes_whole(site: Pair):
    datas = events(site.chat(stream=True, first_words=20))
    assert words(datas) == "".join(f"w{index} " for index in range(20))
    assert datas[-1] == "[DONE]"


@pytest.mark.parametrize("jobs, state", [
    ({"running": [job(f"other,{MODEL}", Walltime="01:00:00")]}, "running"),
    ({"running": [job(MODEL, "starting")]}, "starting"),
    ({"running": [job(MODEL, "disconnected")]}, "disconnected"),
    ({"queued": [job(MODEL, "queued", **{"Estimated Start Time": "Fri Jan  1 12:00:00 2100 (Chicago time)"})]}, "queued"),
    ({"stopped": [{"Models": MODEL, "Framework": FRAMEWORK, "Cluster": CLUSTER}]}, "stopped"),
    ({"running": [{**job(MODEL), "Framework": "another"}]}, "stopped"),
    ({}, "stopped"),
])
def test_states_are_what_the_jobs_say(site: Pair, jobs: dict, state: str):
    site.gateway.jobs = jobs
    entry = site.wait_state("llama", state)
    assert site.wait_state("mixtral", "stopped")["backend"] == "first"
    if state == "queued":
        assert entry["etaSeconds"] > 86400
    if state == "running":
        assert wait_for("the walltime is known", lambda: site.site("llama")["walltimeRemainingSeconds"], SECONDS) == 82800
    if state != "running":
        assert site.chat().status_code == 503


def test_maintenance_of_the_cluster_and_of_all(site: Pair):
    site.gateway.maintenance = True
    site.wait_state("llama", "maintenance")
    site.gateway.maintenance = False
    site.wait_state("llama", "running")
    site.gateway.site_maintenance = True
    site.wait_state("llama", "maintenance")


def test_an_account_that_is_refused_fails_and_says_why(site: Pair):
    site.gateway.denied = "Permission denied due to Globus Group restrictions."
    site.wait_state("llama", "failed")
    log = wait_for("the log says why", lambda: "Globus Group restrictions" in (text := site.log.read_text()) and text, SECONDS)
    assert "the-site-token" not in log


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault, status", [("too_long", 400)])
def test_the_inference_server_own_400_arrives_whole(site: Pair, fault: str, status: int, stream: bool):
    answer = site.chat(first_fault="too_long_first" if stream else fault, stream=stream)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["message"].startswith("This model's maximum context length is 8192 tokens {not 9000}.")
    assert error["code"] == 400 and error["param"] == "messages"


@pytest.mark.parametrize("fault, status, message", [
    ("too_long_flat", 400, "too long"),
    ("denied", 502, "Globus Group restrictions"),
    ("unknown_cluster", 502, "does not exist"),
    ("missing_field", 422, "messages: Field required"),
    ("control_field", 422, "messages: Field required"),
    ("timeout", 504, "TimeoutError"),
    ("tokens_per_minute", 429, "Too many tokens."),
    ("nginx_rate", 429, "Too many requests"),
    ("throttle", 429, "Too many requests."),
    ("offline", 503, "is offline"),
    ("broken", 500, "Internal Server Error"),
])
@pytest.mark.parametrize("own", [False, True], ids=["through another site", "at the site"])
def test_errors_have_one_shape(site: Pair, fault: str, status: int, message: str, own: bool):
    answer = site.chat(first_fault=fault, api=site.own_api if own else None)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert message in error["message"] and set(error) >= {"message", "type", "param", "code"}
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) > 0


def test_an_error_as_first_event_is_an_error(site: Pair):
    answer = site.chat(first_fault="error_first", stream=True)
    assert answer.status_code == 503 and "is offline" in answer.json()["error"]["message"]


@pytest.mark.parametrize("fault, code", [
    ("stall", "upstream_truncated"), ("no_done", "upstream_truncated"), ("error_later", "upstream_error")])
def test_a_broken_stream_says_so(site: Pair, fault: str, code: str):
    datas = events(site.chat(first_fault=fault, stream=True, first_words=8))
    assert "[DONE]" not in datas
    error = json.loads(datas[-1])["error"]
    assert (error["type"], error["code"], error["tokensDelivered"]) == ("mesh_stream_interrupted", code, 4)
    assert words(datas[:-1]) == "w0 w1 w2 w3 "


# Tokens


def test_a_token_file_is_read_again(site: Pair):
    gateway = site.gateway
    write_secret(site.folder / "token", "the-second-token")
    gateway.tokens = {"the-second-token"}
    # At once, for the old token's refusal shows that it is time to look.
    assert site.chat().status_code == 200
    assert gateway.inferences()[-1]["token"] == "the-second-token"
    (site.folder / "token").unlink()
    wait_for("the log tells that the file is gone", lambda: "the one held is kept" in site.log.read_text(), SECONDS)
    assert site.chat().status_code == 200
    write_secret(site.folder / "token", "the-site-token")
    gateway.tokens = None
    wait_for("the next token is used", lambda: site.chat().status_code == 200
             and gateway.inferences()[-1]["token"] == "the-site-token", SECONDS)
    assert "token\"" not in site.log.read_text() and "the-second-token" not in site.log.read_text()


def test_a_file_that_others_can_read_ends_the_start(tmp_path: pathlib.Path, gateway: FirstGateway):
    token = write_secret(tmp_path / "token", "t" * 20)
    token.chmod(0o644)
    authority = Authority(FEDERATION, tmp_path / "trust")
    configuration = write_configuration(
        tmp_path, authority.issue("argonne", "a1"), FEDERATION, site="argonne", node="a1", models=[{
            "id": "m", "backend": {"kind": "first", "url": gateway.url, "cluster": CLUSTER, "framework": FRAMEWORK,
                                   "tokenFile": str(token)}}])
    with serving(configuration) as (process, log):
        assert process.wait(SECONDS) == 1
        assert "chmod 600" in log.read_text()


def test_a_program_tells_the_token(tmp_path: pathlib.Path):
    """It is run again when the gateway refuses what it told before; what it says on standard error is logged without the token."""
    gateway = FirstGateway()
    program = tmp_path / "token.py"
    count = tmp_path / "count"
    program.write_text(
        f"import pathlib, sys\ncount = pathlib.Path({str(count)!r})\n"
        "number = len(count.read_text()) if count.exists() else 0\ncount.write_text('x' * (number + 1))\n"
        "print('asked', number, 'times', file=sys.stderr)\n"
        "if pathlib.Path(str(count) + '.broken').exists(): sys.exit(3)\n"
        "print(f'told-token-{number}', file=sys.stderr)\nprint(f'told-token-{number}')\n")
    try:
        with pair(tmp_path, gateway, tokenCommand=[sys.executable, str(program)]) as started:
            assert started.chat().status_code == 200
            assert gateway.tokens_seen() == {"told-token-0"}
            gateway.tokens = {"told-token-1"}
            assert started.chat().status_code == 200
            # The program breaks: the token held stays in use.
            (tmp_path / "count.broken").touch()
            gateway.tokens = {"told-token-2"}
            wait_for("the log tells that the program failed", lambda: "exit code 3" in started.log.read_text(), SECONDS)
            gateway.tokens = {"told-token-1"}
            wait_for("the token held is used", lambda: started.chat().status_code == 200, SECONDS)
            log = started.log.read_text()
            assert "asked 0 times" in log and "told-token" not in log
    finally:
        gateway.close()


def test_a_token_is_issued_and_renewed(tmp_path: pathlib.Path):
    """By client credentials; a token that is over is renewed, one that was revoked is replaced at its refusal."""
    gateway = FirstGateway()
    gateway.life_seconds = 4
    secret = write_secret(tmp_path / "secret", CLIENT[1])
    token = {"clientId": CLIENT[0], "secretFile": str(secret), "scope": SCOPE, "authURL": gateway.origin}
    try:
        with pair(tmp_path, gateway, token=token) as started:
            assert started.chat().status_code == 200
            wait_for("it is renewed by itself", lambda: len(gateway.issued) >= 3, SECONDS)
            assert started.chat().status_code == 200
            refused = len([request for request in gateway.requests if request["status"] == 401])
            assert refused == 0, "a token was used beyond its end"
            gateway.tokens = set()
            wait_for("another is asked for and used", lambda: started.chat().status_code == 200, SECONDS)
            assert CLIENT[1] not in started.log.read_text() and "issued-token" not in started.log.read_text()
    finally:
        gateway.close()
