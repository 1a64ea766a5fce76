"""Wire types that are wrong in one place, as source text that stands before `Point`."""

from __future__ import annotations

LOOSE = '''from virtmig.api import WireType


class Loose(WireType):
    """An array as a list."""

    def __init__(self, inner):
        self.array = inner
        self.reads = inner.reads
        self.label = inner.label

    def decode(self, reader, scope, seen):
        return list(self.array.decode(reader, scope, seen))

    def encode(self, value, out, scope, seen):
        self.array.encode(tuple(value), out, scope, seen)

    def plain(self, value, form):
        return self.array.plain(tuple(value), form)

    def unplain(self, data, form):
        return list(self.array.unplain(data, form))


@record()
class Point'''

GREEDY = '''from virtmig.api import WireType


class Greedy(WireType):
    """An array that makes room first."""

    def __init__(self, inner):
        self.array = inner
        self.reads = inner.reads
        self.label = inner.label

    def decode(self, reader, scope, seen):
        room = bytearray(min(seen["points_len"], 1 << 28))
        return self.array.decode(reader, scope, seen) if room is not None else ()

    def encode(self, value, out, scope, seen):
        self.array.encode(value, out, scope, seen)

    def plain(self, value, form):
        return self.array.plain(value, form)

    def unplain(self, data, form):
        return self.array.unplain(data, form)


@record()
class Point'''

RASH = '''from virtmig.api import WireType


class Rash(WireType):
    """Eight bytes."""

    label = "eight bytes"

    def decode(self, reader, scope, seen):
        found = reader.take(min(8, reader.end - reader.pos)) if reader.data else reader.take(8)
        found[7]
        return found

    def encode(self, value, out, scope, seen):
        out += value

    def plain(self, value, form):
        return value.hex() if form.text else value

    def unplain(self, data, form):
        return bytes.fromhex(data) if form.text else data


@record()
class Point'''

BARE = '''from virtmig.api import WireType


class Bare(WireType):
    """Eight bytes."""

    label = "eight bytes"

    def decode(self, reader, scope, seen):
        return reader.take(8)

    def encode(self, value, out, scope, seen):
        out += value


@record()
class Point'''
