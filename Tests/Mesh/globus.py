"""Two sites' clients and some people, as the emulation of Globus knows them."""

import contextlib
import pathlib
from collections.abc import Iterator

import httpx

from globus_emulation import emulation

ALPHA, BETA, NATIVE = (f"cccccccc-0000-4000-8000-00000000000{number}" for number in (1, 2, 9))
SECRET = "the-client-secret-0123456789"
MEMBERS, OPERATORS = (f"aaaaaaaa-0000-4000-8000-00000000000{number}" for number in (1, 2))


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
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "secret").chmod(0o600)
    with emulation(folder, endpoints=[], **settings(redirects or [])) as running:
        yield running.url


def fault(globus: str, **what: object) -> None:
    answer = httpx.post(f"{globus}/emulation/faults", json=what)
    assert answer.status_code == 200, answer.text
