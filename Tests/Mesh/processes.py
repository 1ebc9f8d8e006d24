"""Processes as the kernel shows them: children, listening ports, and bounded waits. Nothing here sleeps for luck."""

import contextlib
import os
import pathlib
import random
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

POLL_SECONDS = 0.05
Value = TypeVar("Value")


class TimedOut(AssertionError):
    """What was waited for did not happen within its bound."""


def wait_for(what: str, probe: Callable[[], Value], seconds: float) -> Value:
    """Calls `probe` until its result is true and returns that; an error in `probe` counts as not yet."""
    deadline = time.monotonic() + seconds
    problem: Exception | None = None
    while True:
        try:
            if value := probe():
                return value
            problem = None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown when the time is up
            problem = error
        if time.monotonic() >= deadline:
            raise TimedOut(f"not within {seconds:g} s: {what}" + (f" ({problem!r})" if problem else ""))
        time.sleep(POLL_SECONDS)


def is_running(pid: int) -> bool:
    """A zombie has ended: it only waits for its parent to look."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def descendants(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def wait_until_gone(pids: Iterable[int], seconds: float) -> None:
    remaining = set(pids)

    def none_left() -> bool:
        remaining.intersection_update({pid for pid in remaining if is_running(pid)})
        return not remaining

    try:
        wait_for("processes ended", none_left, seconds)
    except TimedOut:
        raise AssertionError(f"still running after {seconds:g} s: {[command_line(pid) for pid in remaining]}") from None


def command_line(pid: int) -> list[str]:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def listening_ports(pid: int) -> set[int]:
    """The TCP ports on which a process listens (IPv4)."""
    inodes = set()
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    except OSError:
        return set()
    ports = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


GIVEN: set[int] = set()


def free_port() -> int:
    """Below what the kernel gives to connections, and what `up` takes: free until it is bound."""
    while True:
        port = random.randrange(12_000, 20_000)
        if port in GIVEN:
            continue
        GIVEN.add(port)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def dialled(address: tuple[str, int], seconds: float = 10, **more: object) -> Iterator[socket.socket]:
    """A connection that sends at once: beside Nagle's algorithm the kernel would keep each TLS request back for 40 ms."""
    with socket.create_connection(address, timeout=seconds, **more) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def resident_bytes(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmRSS for {pid}")
