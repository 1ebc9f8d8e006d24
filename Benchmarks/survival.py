"""Three sites, a real model at two of them, and clients that ask without a pause, while each part is killed in turn: what clients see."""

import argparse
import collections
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Mesh"))
from harness import PROGRAM, Mesh, Node  # noqa: E402
from processes import free_port, is_running, wait_for, wait_until_gone  # noqa: E402
from sdk_clients import MODEL, Crowd, Request  # noqa: E402

ENTRY, SERVING = "alpha", ["beta", "gamma"]
BACK_SECONDS, BUSY_SECONDS, CLIENTS_NOTICE_SECONDS = 60, 90, 10


class Server:
    """A llama.cpp server, which can be killed and started again on its port."""

    def __init__(self, slots: int):
        self.port, self.slots = free_port(), slots
        self.process = self.launch()

    def launch(self) -> subprocess.Popen:
        return subprocess.Popen(
            [ROOT / "scripts/real-llm", "run", "--port", str(self.port), "--slots", str(self.slots)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def wait(self) -> None:
        # Bounded by the server's own start-up limit, after which it ends and the line is empty.
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("survival: a llama.cpp server did not start")

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        self.process = self.launch()
        self.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()


class Serving:
    """A site's node, which can be killed and started again as it was."""

    def __init__(self, node: Node):
        self.node, self.pid = node, node.pid
        self.process: subprocess.Popen | None = None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()
        wait_until_gone([self.pid], 10)

    def start(self) -> None:
        with (pathlib.Path(self.node.state) / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--config", pathlib.Path(self.node.state) / "node.json5"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.process.pid

    def close(self) -> None:
        if self.process and is_running(self.pid):
            self.kill()


def topology(ports: list[int], queue: float) -> dict:
    def site(name: str, port: int) -> dict:
        return {"site": name, "models": [{"id": MODEL, "backend": {
            "kind": "openai", "url": f"http://127.0.0.1:{port}/v1"}}]}
    return {
        "federation": "survival", "limits": {"queueSeconds": queue}, "timing": {"health": {"intervalSeconds": 0.5}},
        "sites": [{"site": ENTRY, "models": [{"id": "other", "backend": {"kind": "simulated"}}]},
                  *(site(name, port) for name, port in zip(SERVING, ports, strict=True))]}


def metric(mesh: Mesh, name: str, site: str = ENTRY) -> int:
    lines = mesh.get("/metrics", node=mesh.node(site)).text.splitlines()
    return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))))


def entry_killed(mesh: Mesh, options: argparse.Namespace) -> dict:
    """The entry node dies with all connections of its clients: what they left is given up, and they are served elsewhere."""
    crowd = Crowd([mesh.node(ENTRY).api], mesh.tokens["user"], options.clients, options.tokens, options.deadline, options.deadline)
    crowd.phase = "entry killed"
    crowd.start()
    for site in SERVING:
        wait_for(f"{site} serves", lambda site=site: crowd.under_way(site) >= 1, BUSY_SECONDS)
    crowd.is_ending = True
    mesh.kill(mesh.node(ENTRY))
    began = time.monotonic()
    wait_for("the slots are free again", lambda: sum(
        metric(mesh, f"meshnode_admission_{what}", site) for site in SERVING for what in ("running", "waiting")) == 0, BUSY_SECONDS)
    freed = time.monotonic() - began
    hanging = crowd.end(CLIENTS_NOTICE_SECONDS)
    told = sum(one.outcome in ("failed", "cut") for one in crowd.requests)
    crowd = Crowd([mesh.node(site).api for site in SERVING], mesh.tokens["user"], options.clients, options.tokens,
                  options.deadline, options.deadline)
    crowd.is_ending = True
    crowd.start()
    hanging += crowd.end(options.deadline + 5)
    return {"connectionsLost": told, "hanging": len(hanging), "slotsFreeAfterSeconds": round(freed, 2),
            "answeredElsewhere": sum(one.outcome == "answered" for one in crowd.requests), "askedElsewhere": len(crowd.clients)}


class Run:
    """The killings, one after the other."""

    def __init__(self, mesh: Mesh, servers: dict[str, Server], crowd: Crowd, options: argparse.Namespace):
        self.mesh, self.crowd, self.options = mesh, crowd, options
        self.parts = {f"{kind} {site}": part for site in SERVING
                      for kind, part in (("node", Serving(mesh.node(site))), ("server", servers[site]))}
        self.back: dict[str, float] = {}
        self.broken: dict[str, int] = {}

    def go(self) -> None:
        self.crowd.start()
        for site in SERVING:
            wait_for(f"{site} serves", lambda site=site: self.crowd.under_way(site) > 0, BUSY_SECONDS)
        time.sleep(self.options.steady)
        for name, part in self.parts.items():
            self.kill(name, part)

    def kill(self, name: str, part: Server | Serving) -> None:
        site = name.split()[1]
        wait_for(f"{site} writes several streams", lambda: self.crowd.under_way(site) >= self.options.streams, BUSY_SECONDS)
        self.crowd.phase = f"{name} killed"
        self.broken[name] = self.crowd.under_way(site)
        part.kill()
        say(f"{name}: killed with {self.broken[name]} streams under way")
        time.sleep(self.options.dead)
        self.crowd.phase = f"{name} back"
        began = time.monotonic()
        part.start()
        wait_for(f"{site} answers again", lambda: self.crowd.answered_by(site, began) > 0, BACK_SECONDS)
        self.back[name] = time.monotonic() - began
        say(f"{name}: answers again after {self.back[name]:.1f} s")

    def close(self) -> None:
        for part in self.parts.values():
            part.close()


def say(text: str) -> None:
    print(f"survival: {text}", file=sys.stderr, flush=True)


def summary(requests: list[Request], hanging: int) -> dict:
    outcomes = collections.Counter(one.outcome for one in requests)
    taken = [one.took for one in requests if one.outcome == "answered"]
    return {
        "requests": len(requests), "streamed": sum(one.streamed for one in requests), "answered": outcomes["answered"],
        "failedBeforeFirstByte": outcomes["failed"], "refusedInAHurry": outcomes["refused"],
        "streamsContinued": sum(one.continued > 0 for one in requests),
        "streamsEndedWithTypedError": outcomes["error"], "cutSilently": outcomes["cut"],
        "beyondDeadline": sum(one.is_late for one in requests) + hanging,
        "secondsMedian": round(statistics.median(taken), 2) if taken else None,
        "secondsLongest": round(max((one.took for one in requests), default=0), 2)}


COLUMNS = {"requests": "requests", "answered": "answered", "failedBeforeFirstByte": "failed", "refusedInAHurry": "hurried",
           "streamsContinued": "continued", "streamsEndedWithTypedError": "typed error", "cutSilently": "cut",
           "beyondDeadline": "late"}


def table(result: dict) -> str:
    rows = [*result["phases"].items(), ("all", result["all"])]
    lines = [f"{'':22}" + "".join(f"{title:>13}" for title in COLUMNS.values())]
    lines += [f"{name:22}" + "".join(f"{row[key]:13}" for key in COLUMNS) for name, row in rows]
    for name, seconds in result["backSeconds"].items():
        lines.append(f"{name}: {result['streamsUnderWay'][name]} streams under way when it was killed; "
                     f"answered again {seconds:.1f} s after its start")
    lines.append(f"seconds of an answer: median {result['all']['secondsMedian']}, longest {result['all']['secondsLongest']}")
    lines.append("at the entry node: " + ", ".join(f"{name} {value}" for name, value in result["entry"].items()))
    end = result["entryKilled"]
    lines.append(f"entry node killed: {end['connectionsLost']} clients lost their connection, slots free again after "
                 f"{end['slotsFreeAfterSeconds']} s, {end['answeredElsewhere']} of {end['askedElsewhere']} answered at other nodes")
    return "\n".join(lines)


COUNTERS = ["meshnode_retries_total", "meshnode_retries_denied_total", "meshnode_first_bytes_late_total",
            "meshnode_continued_total", "meshnode_interrupted_total"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=40, help="that ask at once (default: 40)")
    arguments.add_argument("--tokens", type=int, default=12, help="of each answer (default: 12)")
    arguments.add_argument("--slots", type=int, default=8, help="of each inference server (default: 8)")
    arguments.add_argument("--streams", type=int, default=3, help="a site writes at least when it is killed (default: 3)")
    arguments.add_argument("--steady", type=float, default=5, help="seconds before the first killing (default: 5)")
    arguments.add_argument("--dead", type=float, default=8, help="seconds that each part stays dead (default: 8)")
    arguments.add_argument("--deadline", type=float, default=120, help="seconds of a request's deadline (default: 120)")
    arguments.add_argument("--hurry", type=float, default=8, help="seconds of every tenth request's (default: 8)")
    arguments.add_argument("--keep", type=pathlib.Path, help="folder for logs and all requests")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    options = arguments.parse_args()
    began = time.monotonic()
    servers = {site: Server(options.slots) for site in SERVING}
    try:
        for server in servers.values():
            server.wait()
        with tempfile.TemporaryDirectory(prefix="meshnode-bench-") as temporary:
            folder = options.keep or pathlib.Path(temporary)
            folder.mkdir(parents=True, exist_ok=folder != options.keep)
            file = folder / "survival.json5"
            file.write_text(json.dumps(topology([server.port for server in servers.values()], options.deadline)))
            with Mesh(file, folder) as mesh:
                crowd = Crowd([mesh.node(ENTRY).api], mesh.tokens["user"], options.clients, options.tokens,
                              options.deadline, options.hurry)
                run = Run(mesh, servers, crowd, options)
                try:
                    run.go()
                    crowd.phase = "at the end"
                    hanging = crowd.end(options.deadline + 5)
                    entry = {name: metric(mesh, name) for name in COUNTERS}
                    say("all ended; now the entry node")
                    entry_end = entry_killed(mesh, options)
                finally:
                    crowd.is_ending = True
                    run.close()
    finally:
        for server in servers.values():
            server.close()
    phases = list(dict.fromkeys(one.phase for one in sorted(crowd.requests, key=lambda one: one.began)))
    result = {
        "clients": options.clients, "seconds": round(time.monotonic() - began, 1),
        "phases": {phase: summary([one for one in crowd.requests if one.phase == phase], 0) for phase in phases},
        "all": summary(crowd.requests, len(hanging)), "streamsUnderWay": run.broken,
        "backSeconds": {name: round(seconds, 1) for name, seconds in run.back.items()}, "entry": entry,
        "entryKilled": entry_end}
    print(json.dumps(result) if options.json else table(result))
    bad = [one for one in crowd.requests if one.outcome in ("failed", "cut", "error") or one.is_late] + hanging
    for one in bad[:12]:
        say(f"{one.phase}: request {one.request_id}, {'streamed' if one.streamed else 'whole'}, {one.outcome or 'hangs'} after "
            f"{one.took:.1f} s of {one.deadline:g}: {one.fault}")
    if options.keep:
        (options.keep / "requests.json").write_text(json.dumps([
            {"number": one.number, "id": one.request_id, "phase": one.phase, "streamed": one.streamed, "site": one.site,
             "took": round(one.took, 2), "deadline": one.deadline, "outcome": one.outcome, "fault": one.fault,
             "continued": one.continued, "status": one.status, "raw": one.raw.decode(errors="replace")[-600:]}
            for one in sorted(crowd.requests, key=lambda one: one.began)], indent=1))
    total, end = result["all"], result["entryKilled"]
    is_bad = total["failedBeforeFirstByte"] or total["cutSilently"] or total["beyondDeadline"] or end["hanging"]
    sys.exit(1 if is_bad or end["answeredElsewhere"] < end["askedElsewhere"] else 0)


if __name__ == "__main__":
    main()
