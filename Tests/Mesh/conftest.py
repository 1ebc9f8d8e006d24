"""Fixtures: one federation for the tests that only ask, and fresh ones for those that break things."""

import functools
import subprocess

import httpx._transports.default
import pytest

from harness import PROGRAM, ROOT, Mesh, write_topology
from processes import free_port, wait_until_gone
from stub import Stub

REAL_MODEL = "smollm2-135m-instruct"
REAL_START_SECONDS = 90
SITES = ["alpha", "beta", "gamma"]

# Every `httpx.get` reads the certificates of the whole web: 20 ms of a processor that the nodes could use, thousands of times.
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)


def pytest_configure(config: pytest.Config) -> None:
    if not PROGRAM.exists():
        raise pytest.UsageError(f"{PROGRAM} is not built; scripts/test builds it")


class RealServers:
    """Two llama.cpp servers with a real model, each a child of the tests."""

    def __init__(self):
        self.ports = [free_port(), free_port()]
        self.processes = [
            subprocess.Popen(
                [ROOT / "scripts/real-llm", "run", "--port", str(port), "--slots", "4"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for port in self.ports
        ]
        for process in self.processes:
            # Bounded by the server's own start-up limit, after which it ends and the line is empty.
            assert process.stdout.readline() == "ready\n", "a llama.cpp server did not start"

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        wait_until_gone([process.pid for process in self.processes], 10)


@pytest.fixture(scope="session")
def real_servers():
    if subprocess.run([ROOT / "scripts/real-llm", "available"]).returncode != 0:
        pytest.skip("the real model is not here: scripts/real-llm prepare")
    servers = RealServers()
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def stub():
    server = Stub()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory, stub: Stub):
    """Three sites, not to be harmed."""
    folder = tmp_path_factory.mktemp("mesh")
    with Mesh(write_topology("three.json5", folder, STUB_PORT=stub.port), folder) as running:
        yield running


@pytest.fixture(scope="session")
def real_mesh(tmp_path_factory: pytest.TempPathFactory, real_servers: RealServers):
    """Three sites, of which beta and gamma have the real model; not to be harmed."""
    folder = tmp_path_factory.mktemp("real")
    first, second = real_servers.ports
    with Mesh(write_topology("real.json5", folder, FIRST_PORT=first, SECOND_PORT=second), folder) as running:
        yield running


@pytest.fixture
def start_mesh(tmp_path):
    """Starts federations for one test: `start_mesh("fragile.json5", PORT=…)`."""
    running: list[Mesh] = []

    def start(name: str, **values: object) -> Mesh:
        folder = tmp_path / f"mesh-{len(running)}"
        folder.mkdir()
        running.append(Mesh(write_topology(name, folder, **values), folder))
        return running[-1]

    yield start
    problems = []
    for mesh in running:
        try:
            mesh.__exit__()
        except AssertionError as problem:
            problems.append(problem)
    assert not problems, problems


@pytest.fixture
def fresh_mesh(start_mesh) -> Mesh:
    """Three sites for one test to break."""
    return start_mesh("fragile.json5")


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> str:
    return request.param
