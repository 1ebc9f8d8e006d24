"""The emulation of Globus, as `meshnode emulate globus` runs it, for tests."""

import contextlib
import json
import pathlib
import subprocess
from collections.abc import Iterator

import httpx

from harness import PROGRAM
from processes import wait_for

START_SECONDS = 20
CLIENT = "11111111-1111-4111-8111-111111111111"
SECRET = "secret-of-the-site-0123456789"
ENDPOINT = "22222222-2222-4222-8222-222222222222"


class Emulation:
    def __init__(self, url: str, log: pathlib.Path):
        self.url = url
        self.log = log

    def fault(self, **rule: object) -> None:
        answer = httpx.post(f"{self.url}/emulation/faults", json=rule)
        assert answer.status_code == 200, answer.text

    def heal(self) -> None:
        httpx.delete(f"{self.url}/emulation/faults").raise_for_status()

    def requests(self) -> list[dict]:
        answer = httpx.get(f"{self.url}/emulation/log").json()
        return answer if isinstance(answer, list) else answer["requests"]


@contextlib.contextmanager
def emulation(folder: pathlib.Path, **changes: object) -> Iterator[Emulation]:
    """One client and one endpoint, unless `changes` says otherwise."""
    configuration = {
        "clients": [{"id": CLIENT, "secret": SECRET, "kind": "confidential"}], "users": [],
        "endpoints": [{"id": ENDPOINT, "name": "tests", "workers": 2}],
        "pollLatencySeconds": 0.1, **changes,
    }
    path, ready, log = folder / "globus.json", folder / "globus.ready", folder / "globus.log"
    path.write_text(json.dumps(configuration))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, "emulate", "globus", "--port", "0", "--ready-file", ready, "--config", path],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_for("the emulation of Globus", lambda: ready.exists() or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, log.read_text()
        yield Emulation(f"http://{ready.read_text().strip().removeprefix('http://')}", log)
    finally:
        process.terminate()
        process.wait(START_SECONDS)
