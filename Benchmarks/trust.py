"""A root rollover and many renewals under running streams, and a revocation: what is dropped, and how long it takes."""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Mesh"))
from processes import descendants, wait_for, wait_until_gone  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("MESHNODE", ROOT / ".build/release/meshnode"))
SITES = ["a", "b", "c", "d", "e"]
TOKENS_PER_SECOND = 20
READY_SECONDS, STOP_SECONDS, REQUEST_SECONDS = 90, 20, 120


class Mesh:
    """Five sites, a node each; the first is the registration authority."""

    def __init__(self, folder: pathlib.Path):
        self.state = folder / "state"
        ready, topology = folder / "ready.json", folder / "bench.json5"
        backend = {"kind": "simulated", "timeToFirstTokenSeconds": 0.05, "tokensPerSecond": TOKENS_PER_SECOND, "slots": 64}
        topology.write_text(json.dumps({
            "federation": "bench", "sites": [{"site": site, "models": [{"id": f"at-{site}", "backend": backend}]}
                                             for site in SITES]}))
        with (folder / "up.log").open("wb") as output:
            self.process = subprocess.Popen(
                [PROGRAM, "up", topology, "--state", self.state, "--ready-file", ready],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_for("the federation is up", lambda: ready.exists() or self.process.poll() is not None, READY_SECONDS)
        if self.process.poll() is not None:
            raise SystemExit(f"trust: meshnode up ended: {(folder / 'up.log').read_text()[-2000:]}")
        told = json.loads(ready.read_text())
        self.tokens = told["tokens"]
        self.nodes = [node["api"] for node in told["nodes"]]

    def close(self) -> None:
        children = descendants(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
            wait_until_gone(children, STOP_SECONDS)
        finally:
            self.process.kill()

    def ask(self, node: int, method: str, path: str, role: str | None = "operator", body: dict | None = None):
        connection = http.client.HTTPConnection(self.nodes[node].partition("//")[2], timeout=REQUEST_SECONDS)
        fields = {"Content-Type": "application/json"}
        if role:
            fields["Authorization"] = f"Bearer {self.tokens[role]}"
        connection.request(method, path, None if body is None else json.dumps(body), fields)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def command(self, *arguments: str) -> float:
        """Seconds that a `meshnode federation` command took; it must succeed."""
        began = time.monotonic()
        done = subprocess.run(
            [PROGRAM, "federation", *arguments, "--node", self.nodes[0]], capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL, env={**os.environ, "MESHNODE_TOKEN": self.tokens["operator"]})
        if done.returncode != 0:
            raise SystemExit(f"trust: federation {' '.join(arguments)}: {done.stderr}")
        return time.monotonic() - began


@contextlib.contextmanager
def mesh() -> Iterator[Mesh]:
    with tempfile.TemporaryDirectory(prefix="meshnode-bench-") as folder:
        running = Mesh(pathlib.Path(folder))
        try:
            yield running
        finally:
            running.close()


class Stream(threading.Thread):
    """One streamed answer, from a node that has the model elsewhere."""

    def __init__(self, running: Mesh, number: int, tokens: int):
        super().__init__(daemon=True)
        self.mesh, self.entry = running, number % len(SITES)
        self.model = f"at-{SITES[(number + 1 + number // len(SITES) % (len(SITES) - 1)) % len(SITES)]}"
        self.tokens, self.received, self.fault = tokens, 0, "it did not end"
        self.longest_gap = 0.0
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection(
            self.mesh.nodes[self.entry].partition("//")[2], timeout=REQUEST_SECONDS)
        body = {"model": self.model, "stream": True, "max_tokens": self.tokens,
                "messages": [{"role": "user", "content": "Hello."}]}
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {
                "Authorization": f"Bearer {self.mesh.tokens['user']}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            last = time.monotonic()
            for line in answer:
                if not line.startswith(b"data: "):
                    continue
                now = time.monotonic()
                self.longest_gap, last = max(self.longest_gap, now - last), now
                if line.startswith(b"data: [DONE]"):
                    self.fault = ""
                elif b'"error":' in line:
                    self.fault = line.decode()
                else:
                    self.received += 1
        except OSError as problem:
            self.fault = repr(problem)


class Asker(threading.Thread):
    """Short requests without a pause, from each node to the next one's model."""

    def __init__(self, running: Mesh):
        super().__init__(daemon=True)
        self.mesh, self.sent, self.faults, self.stopped = running, 0, [], False
        self.start()

    def run(self) -> None:
        while not self.stopped:
            entry = self.sent % len(SITES)
            status, text = self.mesh.ask(entry, "POST", "/v1/chat/completions", "user", {
                "model": f"at-{SITES[(entry + 1) % len(SITES)]}", "max_tokens": 1,
                "messages": [{"role": "user", "content": "Hello."}]})
            self.sent += 1
            if status != 200:
                self.faults.append(f"{status} {text[:300]!r}")


def revocation(running: Mesh) -> list[float]:
    """Seconds from the order until each node has the last site out: dropped at the others, and told itself."""
    last = len(SITES) - 1
    seen: dict[int, float] = {}

    def watch(node: int) -> None:
        while node not in seen:
            if node == last:
                is_out = running.ask(node, "GET", "/readyz", None)[0] == 503
            else:
                told = json.loads(running.ask(node, "GET", "/mesh/federation")[1])
                is_out = bool(told["revocations"]) and all(entry["site"] != SITES[last] for entry in told["members"])
            if is_out:
                seen[node] = time.monotonic()

    watchers = [threading.Thread(target=watch, args=(node,), daemon=True) for node in range(len(SITES))]
    for watcher in watchers:
        watcher.start()
    began = time.monotonic()
    status, text = running.ask(0, "POST", "/mesh/federation/revoke", body={"site": SITES[last], "reason": "benchmark"})
    if status != 200:
        raise SystemExit(f"trust: the revocation was refused: {text!r}")
    for watcher in watchers:
        watcher.join(60)
    if len(seen) < len(SITES):
        raise SystemExit(f"trust: after a minute only {len(seen)} of {len(SITES)} nodes have it")
    return [seen[node] - began for node in range(len(SITES))]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--streams", type=int, default=50, help="under way at once (default: 50)")
    arguments.add_argument("--renewals", type=int, default=100, help="of leaves, one after the other (default: 100)")
    arguments.add_argument("--seconds", type=float, default=60, help="that each stream lasts at least (default: 60)")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    options = arguments.parse_args()
    with mesh() as running:
        asker = Asker(running)
        streams = [Stream(running, number, int(options.seconds * TOKENS_PER_SECOND)) for number in range(options.streams)]
        wait_for("all streams began", lambda: all(stream.received > 0 for stream in streams), REQUEST_SECONDS)
        phases = {phase: running.command("rollover", phase, "--directory", str(running.state))
                  for phase in ("start", "switch", "finish")}
        renewals = []
        for number in range(options.renewals):
            began = time.monotonic()
            status, text = running.ask(number % len(SITES), "POST", "/mesh/federation/renew")
            if status != 200:
                raise SystemExit(f"trust: renewal {number} failed: {text!r}")
            renewals.append(time.monotonic() - began)
        under_way = sum(stream.is_alive() for stream in streams)
        for stream in streams:
            stream.join(REQUEST_SECONDS)
        asker.stopped = True
        asker.join(REQUEST_SECONDS)
        dropped = [stream for stream in streams if stream.fault or stream.received < stream.tokens]
        seconds = revocation(running)
    result = {
        "streams": len(streams), "streamsUnderWayAtTheEnd": under_way, "streamsDropped": len(dropped),
        "longestGapSeconds": round(max(stream.longest_gap for stream in streams), 3),
        "requests": asker.sent, "requestsFailed": len(asker.faults),
        "rolloverSeconds": {phase: round(taken, 2) for phase, taken in phases.items()},
        "renewals": len(renewals), "renewalSecondsMedian": round(statistics.median(renewals), 4),
        "renewalSecondsLongest": round(max(renewals), 4),
        "revocationSeconds": [round(taken, 3) for taken in seconds], "revocationSecondsAll": round(max(seconds), 3)}
    if options.json:
        print(json.dumps(result))
    else:
        print(f"streams            {result['streams']}, of which {under_way} still ran when all was done")
        print(f"streams dropped    {len(dropped)}")
        print(f"longest gap        {result['longestGapSeconds']} s between two tokens")
        print(f"short requests     {asker.sent}, failed {len(asker.faults)}")
        print(f"rollover           {', '.join(f'{phase} {taken:.1f} s' for phase, taken in phases.items())}")
        print(f"renewals           {len(renewals)}, median {statistics.median(renewals) * 1000:.0f} ms, "
              f"longest {max(renewals) * 1000:.0f} ms")
        print(f"revoked at all {len(SITES)}   {max(seconds):.3f} s")
    for stream in dropped[:5]:
        print(f"trust: dropped: {stream.received} of {stream.tokens} tokens: {stream.fault}", file=sys.stderr)
    for fault in asker.faults[:5]:
        print(f"trust: failed: {fault}", file=sys.stderr)
    sys.exit(1 if dropped or asker.faults else 0)


if __name__ == "__main__":
    main()
