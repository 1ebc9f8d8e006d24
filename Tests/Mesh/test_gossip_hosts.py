"""Gossip between hosts of their own: links cut in a firewall, a process that stands still, a start from memory alone."""

import contextlib
import os
import pathlib
import signal
import sqlite3
import time

import pytest

from certificates import Authority
from gossiping import Gossiper, Watch, all_alive
from namespace import cut, hosts
from processes import wait_for

#: Of a process that stands still.
STILL_SECONDS = 60
#: In which three nodes find one of them unreachable: a probe and its helpers in 3 s, a suspicion of 2 s, a round or two.
FOUND_SECONDS = 20
#: In which all is well again after a link is whole.
HEALED_SECONDS = 15
#: For which a link is cut, where nobody may be held unreachable for it.
CUT_SECONDS = 15


class Still:
    """Three nodes, of which one was stopped when it began, while the other tests ran."""

    def __init__(self, nodes: list[Gossiper], watch: Watch):
        self.nodes = nodes
        self.watch = watch
        self.held = nodes[2]
        self.before = [node.metric("meshnode_gossip_exchanges_total") for node in nodes]
        self.began = time.monotonic()
        os.kill(self.held.process.pid, signal.SIGSTOP)


@pytest.fixture(scope="module", autouse=True)
def still(tmp_path_factory):
    """Stopped as the first test of the module begins, so that its minute passes while the others run."""
    folder = tmp_path_factory.mktemp("still")
    authority = Authority("still", folder / "trust")
    nodes = [Gossiper(authority, folder, site) for site in ("alpha", "beta", "gamma")]
    with contextlib.ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node.running(nodes[:1]))
        wait_for("all know each other", lambda: all_alive(nodes), 20)
        with Watch(nodes[:2]) as watch:
            still = Still(nodes, watch)
            yield still
            with contextlib.suppress(ProcessLookupError):
                os.kill(still.held.process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Three nodes, each on a host of its own."""
    folder = tmp_path_factory.mktemp("hosts")
    authority = Authority("hosts", folder / "trust")
    with hosts(3) as (here, machines), contextlib.ExitStack() as stack:
        nodes = [Gossiper(authority, folder, site, machine.address, machine.command(), trustedProxies=[here])
                 for site, machine in zip(("alpha", "beta", "gamma"), machines)]
        for node in nodes:
            stack.enter_context(node.running(nodes[:1]))
        yield machines, nodes


@pytest.fixture
def whole(network):
    """The same with all links whole, before and after."""
    machines, nodes = network
    wait_for("all know each other", lambda: all_alive(nodes), 20)
    yield machines, nodes
    for machine in machines:
        machine.hear_all()
    wait_for("all are well again", lambda: all_alive(nodes), HEALED_SECONDS)


def port(node: Gossiper) -> int:
    return int(node.mesh.rpartition(":")[2])


def test_a_link_cut_one_way(whole):
    """Alpha cannot call beta; beta can call alpha. Nobody is held unreachable for that."""
    machines, nodes = whole
    machines[1].take_no_calls_of(machines[0], port(nodes[1]))
    with Watch(nodes) as watch:
        time.sleep(CUT_SECONDS)
    assert watch.states() <= {"alive", "suspect"}, watch.seen
    assert nodes[0].metric("meshnode_gossip_exchanges_failed_total") > 0
    # What is new passes it all the same.
    assert all_alive(nodes) or "suspect" in watch.states()


def test_a_link_cut_both_ways(whole):
    """Alpha and beta cannot hear each other; gamma can hear both, and says so."""
    machines, nodes = whole
    cut(machines[0], machines[1])
    with Watch(nodes) as watch:
        time.sleep(CUT_SECONDS)
    assert watch.states() <= {"alive", "suspect"}, watch.seen


def test_a_host_cut_off(whole):
    """Gamma hears nobody: it is unreachable to the others, they are to it, and they are not to each other."""
    machines, nodes = whole
    generations = [site["nodes"][0]["generation"] for site in nodes[0].topology()["sites"]]
    for other in machines[:2]:
        cut(machines[2], other)
    with Watch(nodes) as watch:
        for node in nodes[:2]:
            wait_for(f"{node.name} holds it unreachable", lambda: node.states()["gamma/n1"] == "unreachable", FOUND_SECONDS)
        wait_for("it holds them unreachable",
                 lambda: set(nodes[2].states().values()) == {"alive", "unreachable"}, FOUND_SECONDS)
    for node, other in ((0, "beta/n1"), (1, "alpha/n1")):
        assert watch.states(other, nodes[node].name) <= {"alive", "suspect"}, watch.seen
    for machine in machines:
        machine.hear_all()
    wait_for("all are well again", lambda: all_alive(nodes), HEALED_SECONDS)
    # Nobody died, so nobody had to be born again.
    assert [site["nodes"][0]["generation"] for site in nodes[0].topology()["sites"]] == generations


# MARK: starts


def test_a_start_from_memory_alone(tmp_path):
    """All stop, no seed is left in any configuration, and they find each other again; what is remembered is not shown before."""
    authority = Authority("memory", tmp_path / "trust")
    nodes = [Gossiper(authority, tmp_path, site) for site in ("alpha", "beta", "gamma")]
    with contextlib.ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node.running(nodes[:1]))
        wait_for("all know each other", lambda: all_alive(nodes), 20)
        for node in nodes:
            node.stop()
    rows = sqlite3.connect(nodes[0].state / "mesh.db").execute("SELECT site, address FROM nodes ORDER BY site").fetchall()
    assert rows == [("beta", nodes[1].mesh), ("gamma", nodes[2].mesh)]
    assert (nodes[0].state / "mesh.db").stat().st_mode & 0o777 == 0o600
    with contextlib.ExitStack() as stack:
        stack.enter_context(nodes[0].running())
        time.sleep(2)
        assert nodes[0].states() == {"alpha/n1": "alive"}
        for node in nodes[1:]:
            stack.enter_context(node.running())
        wait_for("they found each other", lambda: all_alive(nodes), 20)


@pytest.mark.parametrize("what", ["bytes", "directory"])
def test_a_memory_that_cannot_be_read(tmp_path, what):
    """It is named, and the node goes on without."""
    authority = Authority("damaged", tmp_path / "trust")
    first, second = (Gossiper(authority, tmp_path, site) for site in ("alpha", "beta"))
    second.state.mkdir()
    memory = second.state / "mesh.db"
    if what == "bytes":
        memory.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 16)
    else:
        memory.mkdir()
    with first.running(), second.running([first]):
        wait_for("they know each other", lambda: all_alive([first, second]), 20)
        assert second.said().count("the last known mesh") == 1
        if what == "bytes":
            aside = next(path for path in second.state.iterdir() if path.name.startswith("mesh.db.damaged-"))
            assert f"it is set aside as {aside}" in second.said()
        else:
            assert "mesh.db is a directory" in second.said()


# MARK: versions


def test_a_version_behind(tmp_path):
    """Nodes of this version and of the one before in one mesh: each is spoken to in what it knows, and all see the same."""
    authority = Authority("versions", tmp_path / "trust")
    nodes = [Gossiper(authority, tmp_path, site) for site in ("alpha", "beta", "gamma")]
    with nodes[0].running(), nodes[1].running(nodes[:1]), nodes[2].running(nodes[:1], gossip={"highestVersion": 1}):
        wait_for("all know each other", lambda: all_alive(nodes), 20)
        before = [node.metric("meshnode_gossip_exchanges_total") for node in nodes]
        time.sleep(5)
        for node, begun in zip(nodes, before):
            assert node.metric("meshnode_gossip_exchanges_total") > begun
            assert node.metric("meshnode_gossip_exchanges_failed_total") == 0, node.said()
            assert node.metric("meshnode_gossip_refusals_total") == 0
        assert all_alive(nodes)


# MARK: a process that stands still, the last of the module since its minute must have passed


def test_a_process_that_stands_still(still: Still):
    """One node held for a minute: the others find it unreachable and nobody else, and after it all is well in seconds, quietly."""
    time.sleep(max(0, still.began + STILL_SECONDS - time.monotonic()))
    unreachable = {(by, of): at for at, by, of, state in still.watch.seen if state == "unreachable"}
    assert set(unreachable) == {("alpha/n1", "gamma/n1"), ("beta/n1", "gamma/n1")}, still.watch.seen
    assert max(unreachable.values()) < FOUND_SECONDS, still.watch.seen
    os.kill(still.held.process.pid, signal.SIGCONT)
    resumed = time.monotonic()
    wait_for("all are well again", lambda: all_alive(still.nodes), HEALED_SECONDS)
    print(f"well again {time.monotonic() - resumed:.1f} s after it went on")
    with Watch(still.nodes) as after:
        time.sleep(5)
    # It blames nobody for the minute that it slept through, and nobody blames it any more.
    assert after.states() == {"alive"}, after.seen
    assert "this process stood still for" in still.held.said()
    assert {state for _, by, of, state in still.watch.seen if of != "gamma/n1"} <= {"alive", "suspect"}
    seconds = time.monotonic() - still.began
    for node, before in zip(still.nodes, still.before):
        begun = node.metric("meshnode_gossip_exchanges_total") - before
        # A round a second, a try of the one that is down, a few tries while it was suspect: no storm.
        assert begun < 4 * seconds, f"{node.name} began {begun} exchanges in {seconds:.0f} s"
        assert len(node.said().splitlines()) < 60, node.said()
