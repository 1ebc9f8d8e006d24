"""Nodes that only gossip, and what each of them thinks of the others."""

import contextlib
import json
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator

import httpx

from certificates import Authority
from nodes import TOKENS, serving, write_configuration
from processes import free_port, wait_for

VIEWER = {"Authorization": f"Bearer {TOKENS['viewer']}"}


class Gossiper:
    """A node without models: site `alpha` has the node `alpha/n1`."""

    def __init__(self, authority: Authority, folder: pathlib.Path, site: str, address: str = "127.0.0.1",
                 prefix: list[str] | None = None, **changes: object):
        self.name = f"{site}/n1"
        self.prefix = prefix
        self.listen = {"api": f"{address}:{free_port()}", "mesh": f"{address}:{free_port()}"}
        self.folder = folder
        self.authority = authority
        self.site = site
        self.changes = changes
        self.identity = authority.issue(site, "n1")
        self.process: subprocess.Popen | None = None
        self.log: pathlib.Path | None = None

    @property
    def mesh(self) -> str:
        return self.listen["mesh"]

    @property
    def state(self) -> pathlib.Path:
        return self.folder / f"{self.site}-n1-state"

    @contextlib.contextmanager
    def running(self, seeds: Iterable["Gossiper"] = (), **changes: object) -> Iterator["Gossiper"]:
        path = write_configuration(
            self.folder, self.identity, self.authority.federation, self.site, "n1", [seed.mesh for seed in seeds],
            listen=self.listen, loops=1, **{**self.changes, **changes})
        with serving(path, prefix=self.prefix) as (self.process, self.log):
            wait_for(f"{self.name} answers", lambda: httpx.get(f"http://{self.listen['api']}/readyz").status_code == 200, 20)
            yield self

    def stop(self) -> None:
        """As its operator would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def topology(self) -> dict:
        return httpx.get(f"http://{self.listen['api']}/mesh/topology", headers=VIEWER, timeout=5).json()

    def states(self) -> dict[str, str]:
        return {f"{site['site']}/{node['node']}": node["state"]
                for site in self.topology()["sites"] for node in site["nodes"]}

    def metric(self, name: str, label: str = "") -> float:
        text = httpx.get(f"http://{self.listen['api']}/metrics", headers=VIEWER, timeout=5).text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
                   if line.startswith((f"{name} ", f"{name}{{")) and label in line)

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def all_alive(nodes: list[Gossiper]) -> bool:
    names = {node.name for node in nodes}
    return all(node.states() == dict.fromkeys(names, "alive") for node in nodes)


class Watch:
    """Looks at what some nodes think of all others, ten times a second, until it is ended."""

    def __init__(self, nodes: list[Gossiper]):
        self.nodes = nodes
        #: (seconds since the start, observer, observed, state), one each time that it is another than before.
        self.seen: list[tuple[float, str, str, str]] = []
        self.began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        last: dict[tuple[str, str], str] = {}
        while not self._ended.wait(0.1):
            for node in self.nodes:
                with contextlib.suppress(httpx.HTTPError, json.JSONDecodeError):
                    for other, state in node.states().items():
                        if last.get((node.name, other)) != state:
                            last[node.name, other] = state
                            self.seen.append((time.monotonic() - self.began, node.name, other, state))

    def states(self, observed: str | None = None, observer: str | None = None) -> set[str]:
        return {state for _, by, of, state in self.seen
                if observed in (None, of) and observer in (None, by)}
