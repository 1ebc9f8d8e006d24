"""An emulation of Globus, as a process of its own."""

import contextlib
import json
import pathlib
import subprocess
from collections.abc import Iterator

import httpx

from harness import PROGRAM
from processes import wait_for

ALPHA, BETA, NATIVE = (f"cccccccc-0000-4000-8000-00000000000{number}" for number in (1, 2, 9))
SECRET = "the-client-secret-0123456789"
MEMBERS, OPERATORS = (f"aaaaaaaa-0000-4000-8000-00000000000{number}" for number in (1, 2))
START_SECONDS = 20


def scope(client: str) -> str:
    return f"https://auth.globus.org/scopes/{client}/action_all"


def user(number: int, name: str, groups: list[dict], **more: object) -> dict:
    return {"username": name, "sub": f"dddddddd-0000-4000-8000-00000000000{number}", "groups": groups,
            "tokens": [{"token": f"token-of-{name}", "client": ALPHA, "scope": scope(ALPHA)},
                       {"token": f"beta-token-of-{name}", "client": BETA, "scope": scope(BETA)}], **more}


def settings(redirects: list[str]) -> dict:
    return {
        "clients": [{"id": ALPHA, "secret": SECRET, "redirects": redirects}, {"id": BETA, "secret": SECRET},
                    {"id": NATIVE}],
        "users": [
            user(1, "alice@anl.gov", [{"id": MEMBERS}]),
            user(2, "bob@anl.gov", [{"id": MEMBERS, "status": "pending"}]),
            user(3, "carol@anl.gov", [{"id": MEMBERS}, {"id": OPERATORS}]),
            user(4, "eve@elsewhere.org", [{"id": MEMBERS}]),
            # Logged in 40 days ago.
            user(5, "olga@anl.gov", [{"id": MEMBERS}], authTime=40 * 86_400),
        ],
    }


@contextlib.contextmanager
def emulated(folder: pathlib.Path, redirects: list[str] | None = None) -> Iterator[str]:
    """A running emulation; gives its address."""
    configuration, ready, log = folder / "globus.json", folder / "globus.ready", folder / "globus.log"
    configuration.write_text(json.dumps(settings(redirects or [])))
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "secret").chmod(0o600)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, "emulate", "globus", "--port", "0", "--ready-file", ready, "--config", configuration],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_for("the emulation is ready", lambda: "globus emulation at" in log.read_text(), START_SECONDS)
        yield "http://" + log.read_text().split("globus emulation at ")[1].split()[0]
    finally:
        process.kill()
        process.wait()


def fault(globus: str, **what: object) -> None:
    answer = httpx.post(f"{globus}/emulation/faults", json=what)
    assert answer.status_code == 200, answer.text
