"""What goes wrong between a node and Globus, and that nothing of it stays: no task, no callback, no connection."""

import json
import os
import re
import signal
import threading
import time

import httpx
import pytest

from certificates import Authority
from globus_emulation import CLIENT, ENDPOINT, SECRET, Emulation, emulation
from nodes import TOKENS, serving, write_configuration
from processes import wait_for
from stub import CHAT_MODEL, Stub

TOKEN = TOKENS["operator"]
QUIET_SECONDS = 30
START_SECONDS = 20
REQUEST_SECONDS = 60


class Site:
    """One node whose models are behind the emulation."""

    def __init__(self, api: str, globus: Emulation):
        self.api = api
        self.globus = globus

    def chat(self, model: str = "stubbed", **fields: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], **fields}
        return httpx.post(f"{self.api}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {TOKEN}"},
                          timeout=REQUEST_SECONDS)

    def state(self, model: str) -> str:
        models = httpx.get(f"{self.api}/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}).json()["data"]
        return next((entry["state"] for entry in models if entry["id"] == model), "gone")

    def gauge(self, name: str) -> float:
        page = httpx.get(f"{self.api}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", page, re.MULTILINE))

    def kill_functions(self) -> None:
        for process in httpx.get(f"{self.globus.url}/emulation/state").json()["processes"]:
            os.kill(process["pid"], signal.SIGKILL)

    def is_quiet(self) -> bool:
        """Nothing waits, nothing may call back, no Python runs."""
        state = httpx.get(f"{self.globus.url}/emulation/state").json()
        return (self.gauge("meshnode_globus_callbacks") == 0 and self.gauge("meshnode_globus_endpoint_queued") == 0
                and self.gauge("meshnode_model_running") == 0 and not state["processes"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stub: Stub):
    folder = tmp_path_factory.mktemp("faults")
    identity = Authority("tests", folder / "ca").issue("other", "o1")
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    raising = "def vllm_inference_function(order):\n    raise ValueError('no model here, see /etc/secret/path')\n"
    endless = "def vllm_inference_function(order):\n    import time\n    while True:\n        time.sleep(0.1)\n"
    large = "def vllm_inference_function(order):\n    return 'x' * (11 << 20)\n"
    pickled = "def vllm_inference_function(order):\n    import datetime\n    return datetime.datetime(2026, 1, 1)\n"
    sources = {"raising": raising, "endless": endless, "large": large, "pickled": pickled}
    ids = {name: f"4444444{index}-4444-4444-8444-444444444444" for index, name in enumerate(sources)}
    internal = folder / "internal"
    internal.write_text("an internal secret of these tests")
    internal.chmod(0o600)
    with emulation(folder, endpoints=[{"id": ENDPOINT, "name": "tests", "workers": 16}], functions=[
            {"id": ids[name], "name": "vllm_inference_function", "source": source} for name, source in sources.items()]) as globus:
        services = {"auth": globus.url, "groups": globus.url, "compute": globus.url}
        models = [{"id": name, "backend": {
            "kind": "globusCompute", "endpoint": ENDPOINT, "server": {"url": f"http://127.0.0.1:{stub.port}"},
            "upstreamModel": CHAT_MODEL, "slots": 64}} for name in ("stubbed", "refused", "counted")]
        models += [{"id": name, "backend": {
            "kind": "globusCompute", "endpoint": ENDPOINT, "style": "first", "function": ids[name], "apiPort": stub.port,
            "deadlineSeconds": 3 if name == "endless" else 8, "slots": 4}} for name in sources]
        configuration = write_configuration(
            folder, identity, "tests", models=models,
            health={"intervalSeconds": 0.5},
            globusCompute={"clientId": CLIENT, "secretFile": str(secret), "services": services,
                           "internalSecretFile": str(internal), "statusSeconds": 2})
        api = "http://" + json.loads(configuration.read_text())["listen"]["api"]
        with serving(configuration):
            running = Site(api, globus)
            wait_for("the function is registered", lambda: running.chat().status_code == 200, START_SECONDS)
            yield running


@pytest.fixture(autouse=True)
def leaves_nothing(site: Site):
    site.globus.heal()
    yield
    site.globus.heal()
    wait_for("no task, callback or process is left", site.is_quiet, QUIET_SECONDS)


@pytest.mark.parametrize("fault", [
    {"match": {"route": "submit"}, "status": 500, "times": 2},
    {"match": {"route": "submit"}, "status": 503, "times": 1, "retryAfter": 1},
    {"match": {"route": "submit"}, "status": 429, "times": 1, "retryAfter": 1},
    {"match": {"route": "submit"}, "closeBefore": True, "times": 1},
    {"match": {"route": "submit"}, "closeAfter": True, "times": 1},
    {"match": {"route": "submit"}, "status": 401, "times": 1},
    {"match": {"route": "batch_status"}, "status": 500, "times": 2},
    {"match": {"route": "batch_status"}, "closeBefore": True, "times": 2},
    {"match": {"route": "submit"}, "delaySeconds": 1.5, "times": 1},
], ids=lambda fault: " ".join(str(part) for part in [*fault["match"].values(), *list(fault)[1:2], fault.get("status", "")]))
def test_passing_trouble_of_the_service_is_not_the_users(site: Site, fault: dict):
    site.globus.fault(**fault)
    answer = site.chat()
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "from the stub"


@pytest.mark.parametrize("status, code, expected", [
    (403, "FUNCTION_NOT_PERMITTED", 502), (404, "ENDPOINT_NOT_FOUND", 502), (422, "SEMANTICALLY_INVALID", 503)])
def test_what_the_service_refuses_is_told_at_once(site: Site, status: int, code: str, expected: int):
    body = json.dumps({"code": code, "message": "Unable to start user endpoint process"})
    site.globus.fault(match={"route": "submit"}, status=status, times=1, body=body)
    answer = site.chat("refused")
    assert answer.status_code == expected, answer.text
    assert answer.json()["error"]["code"].startswith("globus_")


def test_a_worker_that_dies_before_the_function_ran_costs_a_second_try(site: Site):
    before = site.gauge("meshnode_globus_resubmissions_total")
    site.globus.fault(match={"route": "submit"}, workerLost=True, times=1)
    answer = site.chat()
    assert answer.status_code == 200, answer.text
    assert site.gauge("meshnode_globus_resubmissions_total") == before + 1


def test_failures_in_a_row_are_a_state_and_a_users_own_deadline_is_none(site: Site):
    for _ in range(4):
        answer = httpx.post(
            f"{site.api}/v1/chat/completions", timeout=REQUEST_SECONDS, headers={
                "Authorization": f"Bearer {TOKEN}", "Mesh-Deadline": "0.3"},
            json={"model": "counted", "messages": [{"role": "user", "content": "Hello."}], "stub_pause_seconds": 5})
        assert answer.status_code == 504, answer.text
        assert site.chat("counted", stub_status=500).status_code == 500
    assert site.state("counted") == "running", "users who make requests fail take the model from nobody"
    for _ in range(3):
        body = json.dumps({"code": "FUNCTION_NOT_PERMITTED", "message": "not permitted"})
        site.globus.fault(match={"route": "submit"}, status=403, times=1, body=body)
        assert site.chat("counted").status_code == 502
    wait_for("the catalog says failed", lambda: site.state("counted") == "failed", START_SECONDS)
    assert site.chat("counted").status_code == 503
    assert site.chat().status_code == 200, "another model at the same endpoint goes on"


def test_a_function_that_raises(site: Site):
    answer = site.chat("raising")
    assert answer.status_code == 502
    assert "ValueError" in answer.json()["error"]["message"]
    assert "/etc/secret" not in answer.text and "Traceback" not in answer.text


def test_a_result_of_eleven_megabytes(site: Site):
    answer = site.chat("large")
    assert answer.status_code == 502
    assert "MaxResultSizeExceeded" in answer.json()["error"]["message"]


def test_a_result_that_names_a_class(site: Site):
    answer = site.chat("pickled")
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert error["code"] == "globus_bad_result" and "datetime" in error["message"]


def test_a_task_that_never_ends(site: Site):
    """Its deadline ends the request; Compute has no cancel, so the emulation's Python runs on until it is told otherwise."""
    answer = site.chat("endless")
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert site.gauge("meshnode_globus_callbacks") == 0
    site.kill_functions()


def test_a_function_that_cannot_be_stopped_keeps_its_slot(site: Site):
    gone = site.gauge("meshnode_clients_gone_total")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{site.api}/v1/chat/completions", timeout=1, headers={"Authorization": f"Bearer {TOKEN}"},
                   json={"model": "endless", "messages": [{"role": "user", "content": "Hello."}]})
    wait_for("the node has seen the client go", lambda: site.gauge("meshnode_clients_gone_total") > gone, START_SECONDS)
    assert site.gauge("meshnode_model_running") == 1, "the slot is free although the function runs"

    def outcomes() -> list[str]:
        listed = httpx.get(f"{site.api}/mesh/receipts", headers={"Authorization": f"Bearer {TOKEN}"}).json()["receipts"]
        return [receipt["outcome"] for receipt in listed]

    wait_for("the receipt says so", lambda: "clientGone: the task runs on at the endpoint" in outcomes(), START_SECONDS)
    wait_for("its deadline frees the slot", lambda: site.gauge("meshnode_model_running") == 0, START_SECONDS)
    site.kill_functions()


def test_a_lost_task_ends_by_the_users_deadline(site: Site):
    site.globus.fault(match={"route": "submit"}, lostTask=True, times=1)
    began = time.monotonic()
    answer = httpx.post(
        f"{site.api}/v1/chat/completions", timeout=REQUEST_SECONDS,
        json={"model": "stubbed", "messages": [{"role": "user", "content": "Hello."}]},
        headers={"Authorization": f"Bearer {TOKEN}", "Mesh-Deadline": "2"})
    assert answer.status_code == 504, answer.text
    assert time.monotonic() - began >= 2


def test_an_endpoint_that_goes_offline_is_offline_in_the_catalog(site: Site):
    site.globus.fault(endpoint=ENDPOINT, state="offline")
    wait_for("its models are gone from the list", lambda: site.state("endless") == "gone", START_SECONDS)
    site.globus.fault(endpoint=ENDPOINT, state="online")
    wait_for("and come back", lambda: site.state("endless") == "running", START_SECONDS)
    assert site.chat().status_code == 200


def test_fifty_requests_at_once(site: Site):
    def submits() -> list[dict]:
        return [entry for entry in site.globus.requests() if entry["route"] == "submit"]

    before = len(submits())
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(site.chat().status_code)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 50
    made = submits()[before:]
    assert sum(entry["tasks"] for entry in made) == 50
    clients = httpx.get(f"{site.globus.url}/emulation/state").json()["clients"]
    assert clients[CLIENT]["throttled"] == 0 and clients[CLIENT]["maximumIn10Seconds"] <= 20


def test_an_answer_larger_than_a_result_may_be_is_streamed_all_the_same(site: Site, stub: Stub):
    answer = site.chat(stream=True, stub_events=60000)
    assert answer.status_code == 200
    assert len(answer.content) > 10_485_760
    assert answer.text.rstrip().endswith("data: [DONE]")
