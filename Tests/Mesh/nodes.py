"""Nodes that the tests configure and run themselves, with `meshnode serve`."""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
from collections.abc import Iterator

from certificates import Identity
from harness import PROGRAM
from processes import free_port

TOKENS = {role: f"token-of-{role}-0123456789" for role in ("user", "viewer", "operator")}


def write_configuration(folder: pathlib.Path, identity: Identity, federation: str, site: str = "other", node: str = "o1",
                        seeds: list[str] | None = None, **changes: object) -> pathlib.Path:
    """A node's configuration file; JSON is JSON5."""
    state = folder / f"{site}-{node}-state"
    state.mkdir(exist_ok=True)
    configuration = {
        "federation": federation, "site": site, "node": node,
        "listen": {"api": f"127.0.0.1:{free_port()}", "mesh": f"127.0.0.1:{free_port()}"},
        "trust": {"caFile": str(identity.ca_file), "certificateFile": str(identity.certificate_file),
                  "keyFile": str(identity.key_file)},
        "seeds": seeds or [],
        "stateDirectory": str(state),
        "tokens": [{"name": role, "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest()}
                   for role, token in TOKENS.items()],
        **changes,
    }
    path = folder / f"{site}-{node}.json5"
    path.write_text(json.dumps(configuration, indent=2))
    return path


@contextlib.contextmanager
def serving(configuration: pathlib.Path, environment: dict[str, str] | None = None,
            prefix: list[str] | None = None) -> Iterator[tuple[subprocess.Popen, pathlib.Path]]:
    """A running node and the file of all that it says. `prefix` stands before its command line."""
    log = configuration.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*(prefix or []), PROGRAM, "serve", "--config", configuration], stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, env={**os.environ, **(environment or {})})
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()
