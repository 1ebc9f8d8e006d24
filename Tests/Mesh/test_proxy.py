"""Connections outwards through HTTP proxies: mesh links and backends; proxies that refuse, cut what is silent, or look inside."""

import concurrent.futures
import contextlib
import json

import httpx
import pytest

from certificates import Authority
from connect_proxy import ConnectProxy
from nodes import TOKENS, serving, tell, write_configuration
from processes import free_port, wait_for

FEDERATION = "behind-proxies"
IDLE_SECONDS = 2.5
# Idle links live twice as long at most: shorter than the proxy waits, longer than gossip does between two exchanges.
KEEP_ALIVE = {"linkKeepAliveSeconds": 1.0}
READY_SECONDS = 30


class Ended(Exception):
    """A node ended at its start; what it said."""


class Site:
    """A node that runs, and how to talk to it."""

    def __init__(self, configuration, log):
        fields = json.loads(configuration.read_text())
        self.api = f"http://{fields['listen']['api']}"
        self.mesh_port = int(fields["listen"]["mesh"].rpartition(":")[2])
        self.log = log

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.api}{path}", headers={"Authorization": f"Bearer {TOKENS['viewer']}"}, timeout=30)

    def chat(self, model: str, **fields: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], **fields}
        return httpx.post(f"{self.api}/v1/chat/completions", json=body, timeout=60,
                          headers={"Authorization": f"Bearer {TOKENS['user']}"})

    def metric(self, name: str, label: str) -> float:
        text = self.get("/metrics").text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
                   if line.startswith(f"{name}{{") and label in line)

    def state(self, model: str) -> str | None:
        for entry in self.get("/mesh/catalog").json()["models"]:
            if entry["id"] == model:
                return entry["sites"][0]["state"]
        return None


@pytest.fixture
def sites(tmp_path):
    """Starts sites by name; each may have its own settings."""
    authority = Authority(FEDERATION, tmp_path / "trust")
    admissions = [authority.admission(site) for site in ("near", "far", "here", "there")]
    with contextlib.ExitStack() as stack:
        def start(site: str, seeds: list[str] | None = None, **settings: object) -> Site:
            path = write_configuration(
                tmp_path, authority.issue(site, f"{site[0]}1"), FEDERATION, site, f"{site[0]}1", seeds,
                timeouts=KEEP_ALIVE, health={"intervalSeconds": 0.5}, **settings)
            tell(path, admissions)
            process, log = stack.enter_context(serving(path))
            running = Site(path, log)
            wait_for(f"{site} answers or ends", lambda: process.poll() is not None
                     or httpx.get(f"{running.api}/healthz").status_code == 200, READY_SECONDS)
            if process.poll() is not None:
                raise Ended(log.read_text())
            return running

        yield start


def stub_model(port: int, scheme: str = "http") -> list[dict]:
    return [{"id": "stub-chat", "backend": {"kind": "openai", "url": f"{scheme}://127.0.0.1:{port}/v1", "slots": 8}}]


def test_links_outlive_proxies_that_cut_silent_ones(sites, stub):
    """One that says so and one that does not, each between two sites that know of no others."""
    with ConnectProxy(idle_seconds=IDLE_SECONDS) as telling, ConnectProxy(idle_seconds=IDLE_SECONDS, silently=True) as silent:
        ways = []
        for near, far, proxy in (("near", "far", telling), ("here", "there", silent)):
            port = sites(far, models=stub_model(stub.port)).mesh_port
            ways.append((sites(near, [f"127.0.0.1:{port}"], proxy={"url": proxy.url, "noProxy": []}), proxy, port))

        def handshakes(on: str) -> list[float]:
            return [near.metric("meshnode_mesh_handshakes_total", f'on="{on}"') for near, _, _ in ways]

        for near, proxy, port in ways:
            wait_for("the model is known", lambda: near.state("stub-chat") == "running", READY_SECONDS)
            # Longer than any tunnel lives that is not kept alive.
            wait_for("links are there", lambda: proxy.oldest(port) > IDLE_SECONDS, READY_SECONDS)
        made = handshakes("background")
        for _, proxy, port in ways:
            wait_for("a link outlives the proxy's patience",
                     lambda: proxy.oldest(port) > 4 * IDLE_SECONDS, READY_SECONDS)
        # Kept, not made anew each time.
        assert handshakes("background") == made
        before = handshakes("request")
        for near, _, _ in ways:
            for _ in range(5):
                assert near.chat("stub-chat").status_code == 200
        assert handshakes("request") == before
        pause = 1.5 * IDLE_SECONDS
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            # An answer that takes its time says nothing for longer than the proxy waits.
            slow = [pool.submit(near.chat, "stub-chat", stub_pause_seconds=pause) for near, _, _ in ways]
            # So does a stream between two of its events.
            streams = [pool.submit(near.chat, "stub-chat", stream=True, stub_events=2, stub_pause_seconds=pause)
                       for near, _, _ in ways]
        for answer in (one.result() for one in slow):
            assert answer.status_code == 200, answer.text
            assert answer.json()["choices"][0]["message"]["content"] == "from the stub"
        for stream in (one.result() for one in streams):
            assert stream.status_code == 200 and stream.text.endswith("data: [DONE]\n\n"), stream.text
        assert all(proxy.asked_for(port) >= 1 for _, proxy, port in ways)


@pytest.mark.parametrize("refuse, credentials, wanted", [
    (403, None, "refuses connections to 127.0.0.1:{port} (403): ask who runs it to allow CONNECT there"),
    (407, None, "asks for credentials (407): set proxy.userFile and proxy.passwordFile"),
    (407, ("someone", "wrong-password-0x5ec"), "does not take our credentials (407)"),
    (502, None, "cannot reach 127.0.0.1:{port} (502)"),
    (None, None, "cannot be reached: cannot connect to"),
])
def test_a_proxy_that_refuses_is_named_with_what_to_do(sites, tmp_path, refuse, credentials, wanted):
    dead = free_port()
    with ConnectProxy(refuse=refuse) as proxy:
        url = proxy.url if refuse else f"http://127.0.0.1:{dead}"
        settings: dict = {"url": url, "noProxy": []}
        if credentials:
            settings |= secret_files(tmp_path, *credentials)
        far_port = free_port()
        near = sites("near", [f"127.0.0.1:{far_port}"], proxy=settings)
        line = f"proxy {url} " + wanted.format(port=far_port)
        wait_for(f"the log says: {line}", lambda: line in near.log.read_text(), READY_SECONDS)
        assert "wrong-password-0x5ec" not in near.log.read_text()


def secret_files(folder, user: str, password: str) -> dict[str, str]:
    files = {"userFile": folder / "proxy.user", "passwordFile": folder / "proxy.password"}
    for path, text in zip(files.values(), (user, password)):
        path.write_text(text + "\n")
        path.chmod(0o600)
    return {key: str(path) for key, path in files.items()}


def test_credentials_open_a_proxy(sites, stub, tmp_path):
    with ConnectProxy(credentials="jane:s3cr3t-of-jane") as proxy:
        far = sites("far", models=stub_model(stub.port))
        near = sites("near", [f"127.0.0.1:{far.mesh_port}"],
                     proxy={"url": proxy.url, "noProxy": [], **secret_files(tmp_path, "jane", "s3cr3t-of-jane")})
        wait_for("the model is known", lambda: near.state("stub-chat") == "running", READY_SECONDS)
        assert near.chat("stub-chat").status_code == 200
        assert "s3cr3t-of-jane" not in near.log.read_text()


def test_backends_go_through_it_and_this_machine_does_not_unless_asked(sites, stub):
    with ConnectProxy() as proxy:
        through = sites("through", models=stub_model(stub.port), proxy={"url": proxy.url, "noProxy": []})
        wait_for("the server is seen", lambda: through.state("stub-chat") == "running", READY_SECONDS)
        assert through.chat("stub-chat").status_code == 200
        assert proxy.asked_for(stub.port) >= 1
    with ConnectProxy() as proxy:
        beside = sites("beside", models=stub_model(stub.port), proxy={"url": proxy.url})
        wait_for("the server is seen", lambda: beside.state("stub-chat") == "running", READY_SECONDS)
        assert beside.chat("stub-chat").status_code == 200
        assert proxy.targets == []


def test_a_proxy_that_looks_inside_is_told_by_its_issuer(sites, stub, tmp_path):
    inspector = Authority("acme-inspection", tmp_path / "acme")
    with ConnectProxy(inspector=inspector) as proxy:
        far = sites("far")
        near = sites("near", [f"127.0.0.1:{far.mesh_port}"], proxy={"url": proxy.url, "noProxy": []},
                     models=stub_model(stub.port, "https"))
        for port in (far.mesh_port, stub.port):
            said = (f'what answers at 127.0.0.1:{port} shows a certificate issued by "CN=acme-inspection root". If that is a '
                    f"TLS-inspecting proxy, ask the network team to exempt 127.0.0.1:{port} from inspection")
            wait_for(f"the log names issuer and port {port}", lambda: said in near.log.read_text(), READY_SECONDS)


def test_exposed_credentials_are_not_used(sites, tmp_path):
    files = secret_files(tmp_path, "jane", "pw")
    (tmp_path / "proxy.password").chmod(0o644)
    with pytest.raises(Ended, match="chmod 600"):
        sites("near", proxy={"url": "http://127.0.0.1:9", **files})
