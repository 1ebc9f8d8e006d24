"""A network of its own for a test, behind a firewall that lets nothing in."""

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
