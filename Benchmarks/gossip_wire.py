"""Gossip's wire form, version 2, and what is held of each node: docs/gossip.md."""

import dataclasses
import struct

MASK = 0xFFFFFFFFFFFFFFFF
IDENTITY, CATALOG, LOAD = 1, 2, 3
SUMMARY, BUCKETS, DIGEST, DELTA, ANNOUNCE, PING, PROBE, PROBE_RESULT, ACK = range(1, 10)
MOST_ITEMS, MOST_BYTES, BUCKETS_ABOVE = 256, 262_144, 64


def mixed(value: int) -> int:
    """SplitMix64's last step."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def name_hash(site: str, node: str) -> int:
    value = 0xCBF29CE484222325
    for byte in f"{site}/{node}".encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return mixed(value)


@dataclasses.dataclass
class Entry:
    """What is held of one node: a generation, and of each kind a sequence and a token."""

    origin: int
    generation: int = 0
    sequences: list[int] = dataclasses.field(default_factory=lambda: [0, 0, 0])
    tokens: dict[int, bytes] = dataclasses.field(default_factory=dict)

    def fingerprint(self) -> int:
        if IDENTITY not in self.tokens:
            return 0
        value = mixed(self.origin ^ 0x6D6573686E6F6465)
        value = mixed(value ^ self.generation)
        value = mixed(value ^ (self.sequences[0] << 32 | self.sequences[1]) & MASK)
        return mixed(value ^ self.sequences[2])

    def is_behind(self, generation: int, sequences: list[int]) -> bool:
        if self.generation != generation:
            return self.generation < generation
        return any(own < theirs for own, theirs in zip(self.sequences, sequences))


class Holding:
    """All that some nodes hold, with its hashes kept up."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.buckets = [0] * 64
        self.nodes = 0

    def take(self, origin: int, kind: int, generation: int, sequence: int, token: bytes) -> bool:
        """False if that is not new."""
        entry = self.entries.setdefault(origin, Entry(origin))
        if generation < entry.generation or (generation == entry.generation and sequence <= entry.sequences[kind - 1]):
            return False
        before = entry.fingerprint()
        if generation > entry.generation:
            entry.generation, entry.sequences, entry.tokens = generation, [0, 0, 0], {}
        entry.sequences[kind - 1] = sequence
        entry.tokens[kind] = token
        after = entry.fingerprint()
        self.buckets[origin >> 58] ^= before ^ after
        self.nodes += (after != 0) - (before != 0)
        return True

    def summary(self) -> bytes:
        value = 0
        for bucket in self.buckets:
            value ^= bucket
        return struct.pack(">Q", value) + number(self.nodes)


def number(value: int) -> bytes:
    """LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at:self.at + count]
        assert len(part) == count, "the message is cut short"
        self.at += count
        return part

    def fixed(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.fixed(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def node(self) -> tuple[str, str]:
        return self.take(self.fixed(1)).decode(), self.take(self.fixed(1)).decode()

    def entries(self) -> list[tuple[int, int, list[int]]]:
        return [(self.fixed(8), self.number(), [self.number() for _ in range(3)]) for _ in range(self.number())]


@dataclasses.dataclass
class Message:
    kind: int
    #: summary: (hash, nodes); buckets: list; digest: (mask, entries); delta: (flags, items, wants); announce: entries; probes: the node.
    value: object = None


def decode(data: bytes) -> Message:
    reader = Reader(data)
    version = reader.fixed(1)
    assert version == 2, f"version {version}, where 2 was agreed on"
    for _ in range(reader.number()):
        reader.node(), reader.number(), reader.number(), reader.fixed(1)
    kind = reader.fixed(1)
    match kind:
        case 1: return Message(kind, (reader.fixed(8), reader.number()))
        case 2: return Message(kind, list(struct.unpack(">64Q", reader.take(512))))
        case 3: return Message(kind, (reader.fixed(8), reader.entries()))
        case 4:
            flags = reader.fixed(1)
            items = [(reader.fixed(8), reader.fixed(1), reader.number(), reader.number(), reader.take(reader.number()))
                     for _ in range(reader.number())]
            return Message(kind, (flags, items, reader.entries()))
        case 5: return Message(kind, reader.entries())
        case 7 | 8: return Message(kind, reader.node())
        case _: return Message(kind)


def message(kind: int, body: bytes = b"") -> bytes:
    return bytes([2, 0, kind]) + body


ACKNOWLEDGEMENT = message(ACK)


def encoded(entries: list[Entry]) -> bytes:
    return number(len(entries)) + b"".join(
        struct.pack(">Q", entry.origin) + number(entry.generation) + b"".join(map(number, entry.sequences))
        for entry in entries)


def delta(items: list[tuple[Entry, int]], wants: list[Entry], news: bool = False, more: bool = False) -> bytes:
    body = bytes([news | more << 1]) + number(len(items))
    for entry, kind in items:
        token = entry.tokens[kind]
        body += (struct.pack(">QB", entry.origin, kind) + number(entry.generation) + number(entry.sequences[kind - 1])
                 + number(len(token)) + token)
    return message(DELTA, body + encoded(wants))


class Side:
    """Some nodes that hold the same, in the role of any of them."""

    def __init__(self) -> None:
        self.holding = Holding()

    def opening(self) -> bytes:
        return message(SUMMARY, self.holding.summary())

    def digest(self, mask: int) -> bytes:
        entries = [entry for entry in self.holding.entries.values() if mask >> (entry.origin >> 58) & 1]
        return message(DIGEST, struct.pack(">Q", mask) + encoded(entries))

    def buckets_message(self) -> bytes:
        return message(BUCKETS, struct.pack(">64Q", *self.holding.buckets))

    def differing(self, theirs: list[int]) -> int:
        return sum(1 << index for index, (a, b) in enumerate(zip(self.holding.buckets, theirs)) if a != b)

    def items(self, lacking: list[tuple[Entry, int, list[int]]]) -> tuple[list[tuple[Entry, int]], bool]:
        """What those who hold this of some nodes lack of them, within the limits of one message."""
        chosen, size = [], 0
        for kind in (IDENTITY, CATALOG, LOAD):
            for entry, generation, sequences in lacking:
                if kind not in entry.tokens:
                    continue
                if entry.generation == generation and entry.sequences[kind - 1] <= sequences[kind - 1]:
                    continue
                size += len(entry.tokens[kind]) + 24
                if chosen and (size > MOST_BYTES or len(chosen) == MOST_ITEMS):
                    return chosen, True
                chosen.append((entry, kind))
        return chosen, False

    def difference(self, mask: int, theirs: list[tuple[int, int, list[int]]]) -> tuple[list, list[Entry], bool]:
        listed = {origin: (generation, sequences) for origin, generation, sequences in theirs}
        wants = [self.holding.entries.get(origin) or Entry(origin) for origin, generation, sequences in theirs
                 if (self.holding.entries.get(origin) or Entry(origin)).is_behind(generation, sequences)]
        lacking = []
        for entry in self.holding.entries.values():
            if mask >> (entry.origin >> 58) & 1:
                generation, sequences = listed.get(entry.origin, (0, [0, 0, 0]))
                if Entry(entry.origin, generation, sequences).is_behind(entry.generation, entry.sequences):
                    lacking.append((entry, generation, sequences))
        items, more = self.items(lacking)
        return items, wants, more

    def wanted(self, wants: list[tuple[int, int, list[int]]]) -> tuple[list, bool]:
        return self.items([(self.holding.entries[origin], generation, sequences) for origin, generation, sequences in wants
                           if origin in self.holding.entries])

    def accept(self, items: list[tuple[int, int, int, int, bytes]]) -> int:
        return sum(self.holding.take(*item) for item in items)

    def answer(self, asked: Message) -> bytes:
        """What a node replies to a request."""
        match asked.kind:
            case 1:
                mine = Reader(self.holding.summary())
                if asked.value == (mine.fixed(8), mine.number()):
                    return ACKNOWLEDGEMENT
                return self.buckets_message() if max(asked.value[1], self.holding.nodes) > BUCKETS_ABOVE else self.digest(MASK)
            case 2:
                mask = self.differing(asked.value)
                return self.digest(mask) if mask else ACKNOWLEDGEMENT
            case 3:
                return delta(*self.difference(*asked.value)[:2])
            case 4:
                _, items, wants = asked.value
                self.accept(items)
                return delta(*self.wanted(wants)[:1], []) if wants else ACKNOWLEDGEMENT
            case 5:
                held = [(self.holding.entries.get(origin) or Entry(origin), generation, sequences)
                        for origin, generation, sequences in asked.value]
                wants = [entry for entry, generation, sequences in held if entry.is_behind(generation, sequences)]
                return delta([], wants) if wants else ACKNOWLEDGEMENT
            case 7:
                site, node = asked.value
                return message(PROBE_RESULT, bytes([len(site)]) + site.encode() + bytes([len(node)]) + node.encode() + b"\x01")
            case _:
                return ACKNOWLEDGEMENT

    def proceed(self, reply: Message) -> bytes | None:
        """The next request of a conversation, after a reply; nil at its end."""
        match reply.kind:
            case 2:
                mask = self.differing(reply.value)
                return self.digest(mask) if mask else None
            case 3:
                items, wants, more = self.difference(*reply.value)
                return delta(items, wants, more=more) if items or wants else None
            case 4:
                _, items, wants = reply.value
                self.accept(items)
                if wants:
                    items, more = self.wanted(wants)
                    return delta(items, [], more=more) if items else None
        return None
