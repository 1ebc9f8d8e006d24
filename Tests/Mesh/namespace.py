"""Networks of their own for a test: one behind a firewall that lets nothing in, and several hosts whose links can be cut."""

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator

FIREWALL = """
table inet meshnode {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    counter name dropped
  }
  counter dropped { }
}
"""
#: Where ip and nft are, also for those whose PATH does not say so.
ENVIRONMENT = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
_numbers = itertools.count(1)


def run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, env=ENVIRONMENT)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()} (needs root, iproute2 and nftables)"
    return done.stdout


class Namespace:
    def __init__(self, name: str, outside: str, inside: str):
        self.name = name
        #: This machine's address on the link, and that of the network behind the firewall.
        self.outside = outside
        self.inside = inside

    def command(self, *command: str) -> list[str]:
        """A command line that runs in there."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def dropped(self) -> int:
        """Packets that the firewall did not let in."""
        counter = run(*self.command("nft", "list", "counter", "inet", "meshnode", "dropped"))
        return int(counter.split("packets")[1].split()[0])


@contextlib.contextmanager
def outbound_only() -> Iterator[Namespace]:
    """A network that can call out to this machine, and cannot be called."""
    number = next(_numbers)
    name = f"mesh{os.getpid() % 10000}n{number}"
    network = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}.{number * 4}"
    base, last = network.rsplit(".", 1)
    outside, inside = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    here, there = f"m{os.getpid() % 10000}h{number}", f"m{os.getpid() % 10000}t{number}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        run("ip", "address", "add", f"{outside}/30", "dev", here)
        run("ip", "link", "set", here, "up")
        place = Namespace(name, outside, inside)
        run(*place.command("ip", "address", "add", f"{inside}/30", "dev", there))
        run(*place.command("ip", "link", "set", there, "up"))
        run(*place.command("ip", "link", "set", "lo", "up"))
        run(*place.command("nft", "-f", "-"), text=FIREWALL)
        yield place
    finally:
        # The link goes with it.
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=30, env=ENVIRONMENT)
        subprocess.run(["ip", "link", "delete", here], capture_output=True, timeout=30, env=ENVIRONMENT)


CUTS = """
table inet cuts {
  set silenced { type ipv4_addr; }
  set uncalled { type ipv4_addr . inet_service; }
  chain input {
    type filter hook input priority 0; policy accept;
    ip saddr @silenced counter drop
    ip saddr . tcp dport @uncalled counter drop
  }
}
"""


class Host:
    """A machine of a test's network."""

    def __init__(self, name: str, address: str):
        self.name = name
        self.address = address

    def command(self, *command: str) -> list[str]:
        """A command line that runs there."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def _change(self, verb: str, name: str, element: str) -> None:
        run(*self.command("nft", verb, "element", "inet", "cuts", name, f"{{ {element} }}"))

    def hear_nothing_of(self, other: "Host") -> None:
        """Drops all that comes from another host: packets are lost, nobody is told."""
        self._change("add", "silenced", other.address)

    def take_no_calls_of(self, other: "Host", port: int) -> None:
        """Drops what another host sends to a port here. What is called from here still gets its answers."""
        self._change("add", "uncalled", f"{other.address} . {port}")

    def hear_all(self) -> None:
        for name in ("silenced", "uncalled"):
            run(*self.command("nft", "flush", "set", "inet", "cuts", name))


def cut(one: Host, other: Host) -> None:
    """Cuts the link between two hosts, both ways."""
    one.hear_nothing_of(other)
    other.hear_nothing_of(one)


@contextlib.contextmanager
def hosts(count: int) -> Iterator[tuple[str, list[Host]]]:
    """This machine's address on a network, and as many hosts on it; each is a namespace on one bridge."""
    number = next(_numbers)
    tag = f"m{os.getpid() % 10000}b{number}"
    base = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
    first = 128 + number * 16 % 128
    made = [Host(f"{tag}n{index}", f"{base}.{first + 2 + index}") for index in range(count)]
    run("ip", "link", "add", tag, "type", "bridge")
    try:
        run("ip", "address", "add", f"{base}.{first + 1}/28", "dev", tag)
        run("ip", "link", "set", tag, "up")
        for index, host in enumerate(made):
            link = f"{tag}l{index}"
            run("ip", "netns", "add", host.name)
            run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.name)
            run("ip", "link", "set", link, "master", tag, "up")
            run(*host.command("ip", "address", "add", f"{host.address}/28", "dev", "eth0"))
            run(*host.command("ip", "link", "set", "eth0", "up"))
            run(*host.command("ip", "link", "set", "lo", "up"))
            run(*host.command("nft", "-f", "-"), text=CUTS)
        yield f"{base}.{first + 1}", made
    finally:
        # Their links go with them.
        for host in made:
            subprocess.run(["ip", "netns", "delete", host.name], capture_output=True, timeout=30, env=ENVIRONMENT)
        subprocess.run(["ip", "link", "delete", tag], capture_output=True, timeout=30, env=ENVIRONMENT)
