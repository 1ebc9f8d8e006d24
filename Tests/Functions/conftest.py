"""Fixtures: the two ends, certificates, and workers that are gone after the test."""

import pathlib
import ssl
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Mesh"))

from certificates import Authority  # noqa: E402
from ends import Listener  # noqa: E402
from workers import Worker, pythons  # noqa: E402

TOKEN = "node-secret-abcdefghijklmnopqrstuvwxyz01234"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("tests", tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def server_context(authority: Authority) -> ssl.SSLContext:
    identity = authority.issue("alpha", "one")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    return context


@pytest.fixture(params=sorted(pythons(), key=lambda version: int(version.partition(".")[2])))
def python(request: pytest.FixtureRequest) -> str:
    return pythons()[request.param]


@pytest.fixture
def listen():
    """Opens listeners that are closed after the test."""
    opened: list[Listener] = []

    def start(*arguments, **named) -> Listener:
        opened.append(Listener(*arguments, **named))
        return opened[-1]

    yield start
    for listener in opened:
        listener.close()


@pytest.fixture
def node(listen, server_context: ssl.SSLContext) -> Listener:
    return listen(server_context)


@pytest.fixture
def server(listen) -> Listener:
    return listen()


@pytest.fixture
def work():
    """Starts workers that are gone after the test."""
    running: list[Worker] = []

    def start(*arguments, **named) -> Worker:
        running.append(Worker(*arguments, **named))
        return running[-1]

    yield start
    for worker in running:
        worker.close()


@pytest.fixture
def infer(work, authority: Authority, node: Listener, server: Listener):
    """Starts our inference function between the two ends; what a test names replaces what is usual."""

    def start(callback: dict | None = {}, server_fields: dict = {}, request: dict = {}, timeouts: dict = {},
              order: dict = {}, **named) -> Worker:
        usual = {
            "version": 1, "task": "task-1",
            "request": {"path": "/v1/chat/completions", "body": '{"model":"m","stream":true}', "stream": True,
                        "headers": {"X-Request-Id": "r1"}, **request},
            "server": {"url": f"http://127.0.0.1:{server.port}", "keyEnvironment": None, **server_fields},
            "callback": None if callback is None else {
                "url": f"https://127.0.0.1:{node.port}/resource_server/api/meshnode/answer/task-1", "token": TOKEN,
                "ca": authority.file.read_text(), "proxy": None, "connectSeconds": 5, **callback},
            "timeouts": {"connectSeconds": 5, "firstByteSeconds": 20, "stallSeconds": 20, "totalSeconds": 30, **timeouts},
            "resultBytes": 8388608, **order}
        return work("inference.py", "meshnode_inference", usual, **named)

    return start
