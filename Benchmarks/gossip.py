"""What gossip costs one real node in a mesh of a thousand records: processor time, and bytes sent."""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import pathlib
import random
import re
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Mesh"))
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: E402
from cryptography import x509  # noqa: E402

import gossip_wire as wire  # noqa: E402
from certificates import Authority, base64url  # noqa: E402
from nodes import TOKENS, serving, write_configuration  # noqa: E402
from processes import free_port, wait_for  # noqa: E402

ALPN = "meshnode/1"
LOAD_SECONDS = 10
#: Nodes of each half that have the real node in their active view: as many as it has in its own.
PARTNERS = 6
TLS_RECORD_BYTES, SEGMENT_BYTES = 22, 52


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def fact(value: object, provenance: str = "declared") -> dict:
    return {"value": value, "provenance": provenance}


class Player:
    """A node that is played: a real certificate and key, a real listener, and records that it signs."""

    def __init__(self, authority: Authority, number: int, side: "Half", generation: int):
        self.site, self.node, self.side = f"site-{number:04d}", "n1", side
        self.federation = authority.federation
        self.identity = authority.issue(self.site, self.node)
        self.key = serialization.load_pem_private_key(self.identity.key_file.read_bytes(), None)
        self.certificate = x509.load_pem_x509_certificate(self.identity.certificate_file.read_bytes())
        self.key_id = self.certificate.fingerprint(hashes.SHA256()).hex()
        self.port = free_port()
        self.generation = generation
        self.sequence = {wire.IDENTITY: 0, wire.CATALOG: 0, wire.LOAD: 0}
        self.connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def sign(self, kind: int, name: str, body: dict) -> None:
        """A record of its own, known to its half at once."""
        self.sequence[kind] += 1
        record = {"body": {name: {"_0": body}}, "federation": self.federation, "issuedAt": int(time.time()),
                  "origin": {"node": self.node, "site": self.site},
                  "version": {"generation": self.generation, "sequence": self.sequence[kind]}}
        header = {"alg": "ES256", "kid": self.key_id, "typ": "meshnode-record+jws"}
        text = f"{base64url(compact(header))}.{base64url(compact(record))}"
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        token = f"{text}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()
        self.side.holding.take(wire.name_hash(self.site, self.node), kind, self.generation, self.sequence[kind], token)

    def tell_all(self) -> None:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.sign(wire.IDENTITY, "identity", {
            "api": f"http://127.0.0.1:{self.port}", "mesh": f"https://127.0.0.1:{self.port}",
            "certificate": base64.b64encode(der).decode(), "certificateExpires": int(time.time()) + 86_400,
            "software": "0.1.0", "draining": False, "left": False, "gossip": 2})
        self.sign(wire.CATALOG, "catalog", {"models": [{
            "id": f"model-{self.site}", "aliases": [], "state": "running", "backend": "openai",
            "repository": fact("meta-llama/Llama-3.1-8B-Instruct"), "revision": fact(None, "unknown"), "dtype": fact("bf16"),
            "contextTokens": fact(131_072), "capabilities": fact(["chat", "completions", "tools"]),
            "engine": fact("vllm", "observed"), "engineVersion": fact("0.9.1", "observed"), "policy": "federation"}]})
        self.tell_load()

    def tell_load(self) -> None:
        self.sign(wire.LOAD, "load", {
            "audit": {"hash": "0" * 64, "sequence": 0},
            "models": [{"id": f"model-{self.site}", "slots": 32, "running": random.randrange(32), "waiting": random.randrange(8),
                        "tokensPerSecond": round(random.random() * 900, 1)}]})


class Count:
    """What came from the real node."""

    def __init__(self) -> None:
        self.gossip = self.exchanges = self.begun = self.other = self.handshakes = 0
        self.tls = self.segments = 0
        self._seen: dict[int, tuple[int, int]] = {}

    def sample(self, writer: asyncio.StreamWriter) -> None:
        """The kernel's count of a connection, before it is closed or when one is to be read."""
        socket = writer.get_extra_info("socket")
        if socket is None or socket.fileno() < 0:
            return
        information = socket.getsockopt(6, 11, 192)
        received, segments = struct.unpack_from("Q", information, 128)[0], struct.unpack_from("I", information, 140)[0]
        before = self._seen.get(id(writer), (0, 0))
        self.tls += received - before[0]
        self.segments += segments - before[1]
        self._seen[id(writer)] = (received, segments)

    def forget(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            self.sample(writer)
        self._seen.pop(id(writer), None)


class Half(wire.Side):
    """Half of the mesh: its nodes know all of one another at once, and of the other half through the real node alone. So that one
    receives each record once and hands each on once, as every node of a mesh does in the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.players: list[Player] = []


class Driver:
    def __init__(self, authority: Authority, folder: pathlib.Path, nodes: int):
        self.count = Count()
        self.halves = [Half(), Half()]
        generation = int(time.time())
        for number in range(nodes):
            half = self.halves[number % 2]
            half.players.append(Player(authority, number, half, generation))
        self.ca = str(authority.file)
        self.players = [player for half in self.halves for player in half.players]
        self.open: set[asyncio.StreamWriter] = set()
        self.real = 0
        self.failed = 0

    # The played nodes as servers

    async def listen(self) -> None:
        for player in self.players:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(player.identity.certificate_file, player.identity.key_file)
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
            context.set_alpn_protocols([ALPN])
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            await asyncio.start_server(
                lambda reader, writer, player=player: self.serve(player, reader, writer), "127.0.0.1", player.port, ssl=context)
            player.tell_all()

    async def serve(self, player: Player, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count.handshakes += 1
        self.open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int((re.search(rb"(?i)content-length: *(\d+)", head) or [0, 0])[1])
                body = await reader.readexactly(length)
                path = head.split(b" ", 2)[1]
                if path != b"/g":
                    self.count.other += len(head) + length
                    writer.write(b"HTTP/1.1 204 \r\n\r\n" if path.endswith(b"/ping") else b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n")
                    continue
                self.count.gossip += len(head) + length
                self.count.exchanges += 1
                reply = player.side.answer(wire.decode(body))
                if reply == wire.ACKNOWLEDGEMENT:
                    writer.write(b"HTTP/1.1 204 \r\n\r\n")
                else:
                    writer.write(b"HTTP/1.1 200 \r\nContent-Length: %d\r\n\r\n" % len(reply) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.count.forget(writer)
            self.open.discard(writer)
            writer.close()

    # The played nodes as clients

    async def connect(self, player: Player) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if player.connection and not player.connection[1].is_closing():
            return player.connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.ca)
        context.load_cert_chain(player.identity.certificate_file, player.identity.key_file)
        context.set_alpn_protocols([ALPN])
        player.connection = await asyncio.open_connection("127.0.0.1", self.real, ssl=context, server_hostname="localhost")
        self.open.add(player.connection[1])
        return player.connection

    def drop(self, player: Player) -> None:
        if player.connection:
            writer = player.connection[1]
            self.count.forget(writer)
            self.open.discard(writer)
            writer.close()
            player.connection = None

    async def ask(self, player: Player, request: bytes) -> wire.Message:
        reader, writer = await self.connect(player)
        writer.write(b"POST /g HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % len(request) + request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = int((re.search(rb"(?i)content-length: *(\d+)", head) or [0, 0])[1])
        body = await reader.readexactly(length)
        self.count.gossip += len(head) + length
        if status == 204:
            return wire.Message(wire.ACK)
        if status != 200:
            raise ConnectionError(f"the real node answered {status}")
        return wire.decode(body)

    async def converse(self, player: Player) -> None:
        """A round that a played node begins with the real one."""
        self.count.begun += 1
        try:
            async with asyncio.timeout(15):
                request, legs = player.side.opening(), 0
                while request is not None and legs < 20:
                    request = player.side.proceed(await self.ask(player, request))
                    legs += 1
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, TimeoutError, AssertionError) as problem:
            self.failed += 1
            print(f"gossip: a played node's round failed: {problem!r}", file=sys.stderr)
            self.drop(player)

    async def rounds(self) -> None:
        """One round a second with the real node in all, by a few partners that change slowly, as active views do."""
        partners = [random.sample(half.players, min(PARTNERS, len(half.players))) for half in self.halves]
        changed = time.monotonic()
        while True:
            group = random.choice(partners)
            await self.converse(random.choice(group))
            if time.monotonic() - changed > 60 / (2 * PARTNERS):
                changed = time.monotonic()
                index = random.randrange(2)
                self.drop(gone := partners[index].pop(0))
                partners[index].append(random.choice([p for p in self.halves[index].players
                                                      if p not in partners[index] and p is not gone] or [gone]))
            await asyncio.sleep(random.uniform(0.8, 1.2))

    async def loads(self, seconds: float) -> None:
        """Each node signs its load anew every `seconds`, evenly spread."""
        while True:
            for player in random.sample(self.players, len(self.players)):
                player.tell_load()
                await asyncio.sleep(seconds / len(self.players))

    def sample(self) -> None:
        for writer in list(self.open):
            with contextlib.suppress(OSError):
                self.count.sample(writer)


class Real:
    """The node under test."""

    def __init__(self, process: subprocess.Popen, listen: dict[str, str]):
        self.process = process
        self.api = listen["api"]

    def processor_seconds(self) -> float:
        """Of all its threads, by the kernel's clock of the process."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def metrics(self) -> dict[str, float]:
        request = urllib.request.Request(
            f"http://{self.api}/metrics", headers={"Authorization": f"Bearer {TOKENS['viewer']}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line and not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    def resident_bytes(self) -> int:
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024


async def measure(driver: Driver, real: Real, seconds: float, repeats: int, what: str) -> dict:
    """Figures of some stretches of time; the median of each, but the worst of processor time as well."""
    rows = []
    for _ in range(repeats):
        driver.sample()
        count = driver.count
        before = (real.processor_seconds(), time.monotonic(), real.metrics(), count.gossip, count.tls, count.segments,
                  count.exchanges, count.begun, count.handshakes)
        await asyncio.sleep(seconds)
        driver.sample()
        metrics = real.metrics()
        passed = time.monotonic() - before[1]

        def rate(name: str) -> float:
            return (metrics[name] - before[2].get(name, 0)) / passed

        rows.append({
            "processor": (real.processor_seconds() - before[0]) / passed,
            "payload": (count.gossip - before[3]) / passed,
            "payload by its own count": rate("meshnode_gossip_sent_bytes_total"),
            "on the wire": (count.tls - before[4] + SEGMENT_BYTES * (count.segments - before[5])) / passed,
            "received": rate("meshnode_gossip_received_bytes_total"),
            "records taken": rate("meshnode_gossip_records_total"),
            "records sent": rate("meshnode_gossip_records_sent_total"),
            "exchanges begun": rate("meshnode_gossip_exchanges_total"),
            "exchanges answered": rate("meshnode_gossip_exchanges_answered_total"),
            "handshakes": (count.handshakes - before[8]) / passed,
        })
    figures = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    figures["processor, worst"] = max(row["processor"] for row in rows)
    figures["what"] = what
    figures["records held"] = metrics["meshnode_gossip_record_bytes"]
    figures["resident"] = real.resident_bytes()
    figures["failed"] = metrics["meshnode_gossip_exchanges_failed_total"]
    figures["refused"] = sum(value for name, value in metrics.items() if name.startswith("meshnode_gossip_refusals_total"))
    return figures


async def run(options: argparse.Namespace) -> list[dict]:
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="gossip-") as name:
        folder = pathlib.Path(name)
        authority = Authority("bench", folder / "trust")
        print(f"making {options.nodes} nodes", file=sys.stderr)
        driver = Driver(authority, folder, options.nodes)
        await driver.listen()
        listen = {"api": f"127.0.0.1:{free_port()}", "mesh": f"127.0.0.1:{free_port()}"}
        driver.real = int(listen["mesh"].rpartition(":")[2])
        # The played nodes call it: they speak the second version of the wire form alone, and a seed is tried in the first.
        path = write_configuration(
            folder, authority.issue("real", "r1"), "bench", "real", "r1", listen=listen, loops=options.loops)
        with serving(path) as (process, log):
            real = Real(process, listen)
            wait_for("the node is ready", lambda: urllib.request.urlopen(f"http://{listen['api']}/readyz").status == 200, 20)
            began = time.monotonic()
            tasks = [asyncio.create_task(driver.rounds())]
            every = options.nodes + 1
            while not all(half.holding.nodes == every for half in driver.halves):
                if process.poll() is not None or time.monotonic() - began > 120:
                    raise SystemExit(
                        f"gossip: not all know all: {[half.holding.nodes for half in driver.halves]} of {every}\n"
                        + log.read_text()[-3000:])
                await asyncio.sleep(0.05)
            joined = time.monotonic() - began
            print(f"all {every} nodes know each other after {joined:.1f} s", file=sys.stderr)
            await asyncio.sleep(options.warm)
            results = [await measure(driver, real, options.seconds, options.repeats, "idle: no record changes")]
            tasks.append(asyncio.create_task(driver.loads(LOAD_SECONDS)))
            await asyncio.sleep(options.warm)
            results.append(await measure(
                driver, real, options.seconds, options.repeats, f"every load signed anew each {LOAD_SECONDS} s"))
            for task in tasks:
                if task.done():
                    task.result()
                task.cancel()
            if options.show_log:
                print(log.read_text()[-6000:], file=sys.stderr)
            for result in results:
                result["joined"] = joined
                result["played rounds failed"] = driver.failed
            return results


def show(results: list[dict], nodes: int) -> None:
    print(f"one real node among {nodes} played ones, {3 * (nodes + 1)} records; medians\n")
    rows = [
        ("processor, % of a core", "processor", 100, 2), ("  the worst stretch", "processor, worst", 100, 2),
        ("sent, TLS payload, B/s", "payload", 1, 0), ("  by its own count", "payload by its own count", 1, 0),
        ("  on the wire, all links, B/s", "on the wire", 1, 0), ("received, TLS payload, B/s", "received", 1, 0),
        ("records taken /s", "records taken", 1, 1), ("records sent /s", "records sent", 1, 1),
        ("exchanges begun /s", "exchanges begun", 1, 2), ("exchanges answered /s", "exchanges answered", 1, 2),
        ("TLS handshakes it began /s", "handshakes", 1, 2), ("records held, KB", "records held", 1e-3, 0),
        ("resident, MB", "resident", 1e-6, 1), ("exchanges failed, ever", "failed", 1, 0), ("records refused, ever", "refused", 1, 0),
    ]
    print(f"{'':32}" + "".join(f"{result['what']:>38}" for result in results))
    for label, key, factor, digits in rows:
        print(f"{label:32}" + "".join(f"{result[key] * factor:>38.{digits}f}" for result in results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=333, help="played nodes, three records each (333)")
    parser.add_argument("--seconds", type=float, default=60, help="of one stretch that is measured (60)")
    parser.add_argument("--repeats", type=int, default=3, help="stretches, of which the median counts (3)")
    parser.add_argument("--warm", type=float, default=75, help="seconds before the first of them (75)")
    parser.add_argument("--loops", type=int, default=0, help="event loops of the node; 0: one a core (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--show-log", action="store_true", help="the end of the node's log on standard error")
    options = parser.parse_args()
    results = asyncio.run(run(options))
    if options.json:
        print(json.dumps(results))
    else:
        show(results, options.nodes)


if __name__ == "__main__":
    main()
