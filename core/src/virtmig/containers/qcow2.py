"""Snapshots inside qcow2 disk images (`savevm`): the stream lies behind the end of the disk.

A snapshot has a level 1 table of its own. It maps the disk, and from the first entry that the disk
does not need any more, what QEMU calls the VM state: the stream. Only that part is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import attrs

from virtmig.containers.contract import Container, Inside, Unpacked, Wanted
from virtmig.errors import (
    BadContainer,
    LimitExceeded,
    MissingFact,
    NotAStream,
    Truncated,
    UnsupportedContainer,
)
from virtmig.stream.cursor import Cursor, readable
from virtmig.stream.holes import data_size, extents
from virtmig.stream.output import Zeros
from virtmig.stream.place import Place

MAGIC = b"QFI\xfb"
CLUSTER_BITS = range(9, 22)
MOST_SNAPSHOTS = 1 << 16
LARGEST_EXTRA = 1024
FEWEST = 40
"""Bytes of a snapshot in the table, at the least."""
LARGEST_TABLE = 32 << 20
"""Bytes of a level 1 table."""
JOINED = 64 << 20
"""Bytes of zeros that are handed out at once: whoever takes them counts them, and may stop."""
_OFFSET = 0x00FFFFFFFFFFFE00
"""Bits of a table's entry that are the offset of a cluster; 0: there is none."""
_COMPRESSED, _ZERO = 1 << 62, 1
_FEATURES = {
    2: "an external data file",
    4: "extended level 2 tables (subclusters)",
}
"""Incompatible features by bit, that are known and not read."""
_HARMLESS = 0b01011
"""Dirty, corrupt, and how compressed clusters are compressed: tables can be read all the same."""


@attrs.frozen
class Disk:
    """What the header of an image says, as far as snapshots need it."""

    version: int
    cluster_bits: int
    size: int
    """Bytes of the disk as the guest sees it."""
    count: int
    """How many snapshots."""
    table: int
    """Offset of the table of snapshots."""

    @property
    def cluster(self) -> int:
        """Bytes of a cluster."""
        return 1 << self.cluster_bits

    @property
    def reach(self) -> int:
        """Bytes that one entry of a level 1 table maps."""
        return 1 << 2 * self.cluster_bits - 3


@attrs.frozen
class Snapshot:
    """One snapshot in the table."""

    key: str
    """What QEMU calls its id: a number, as text."""
    name: str
    l1: int
    """Offset of its level 1 table."""
    l1_size: int
    """Entries in it."""
    state_size: int
    """Bytes of the stream; 0 if it is in another disk of the guest, or the snapshot has none."""
    disk_size: int


def read_disk(place: Place) -> Disk:
    """The header of the image at `place`."""
    cursor = Cursor(place.data, place.at + len(MAGIC))
    version = cursor.integer(4)
    cursor.skip(12)  # where the name of the backing file is
    cluster_bits, size, encrypted = cursor.integer(4), cursor.integer(8), cursor.integer(4)
    cursor.skip(24)  # the active level 1 table and the reference counts
    count, table = cursor.integer(4), cursor.integer(8)
    if version not in (2, 3) or cluster_bits not in CLUSTER_BITS or count > MOST_SNAPSHOTS:
        reason = f"a qcow2 header of version {version}, 2^{cluster_bits} bytes a cluster, "
        raise BadContainer(f"{reason}{count} snapshots", offset=place.at)
    if encrypted:
        raise UnsupportedContainer("an encrypted qcow2 image", offset=place.at, hint=_BY_QEMU)
    if version > 2:
        _check_features(cursor.integer(8), cursor.at - 8)
    return Disk(version, cluster_bits, size, count, table)


def _check_features(bits: int, at: int) -> None:
    for bit, name in _FEATURES.items():
        if bits >> bit & 1:
            raise UnsupportedContainer(f"a qcow2 image with {name}", offset=at, hint=_BY_QEMU)
    if bits & ~_HARMLESS:
        reason = f"a qcow2 image with unknown features {bits & ~_HARMLESS:#x}"
        raise UnsupportedContainer(reason, offset=at, hint=_BY_QEMU)


_BY_QEMU = "load its snapshot in QEMU (-loadvm NAME -S) and save it with: migrate file:NEW"


def read_snapshots(place: Place, disk: Disk) -> list[Snapshot]:
    """The table of snapshots."""
    _check_inside(place, disk.table, disk.count * FEWEST, "the table of snapshots")
    cursor = Cursor(place.data, place.at + disk.table)
    snapshots: list[Snapshot] = []
    for _ in range(disk.count):
        cursor.skip((place.at - cursor.at) % 8)
        snapshots.append(_read_snapshot(cursor, disk))
    return snapshots


def _read_snapshot(cursor: Cursor, disk: Disk) -> Snapshot:
    at = cursor.at
    l1, l1_size = cursor.integer(8), cursor.integer(4)
    key_size, name_size = cursor.integer(2), cursor.integer(2)
    cursor.skip(16)  # date and the guest's clock
    state_size, extra_size = cursor.integer(4), cursor.integer(4)
    if extra_size > LARGEST_EXTRA or l1_size * 8 > LARGEST_TABLE:
        reason = f"a snapshot with {extra_size} bytes more, and {l1_size} entries in its table"
        raise LimitExceeded(reason, offset=at)
    extra = cursor.take(extra_size)
    key, name = readable(cursor.take(key_size)), readable(cursor.take(name_size))
    if extra_size >= 8:
        state_size = int.from_bytes(extra[:8], "big")
    disk_size = int.from_bytes(extra[8:16], "big") if extra_size >= 16 else disk.size
    return Snapshot(key, name, l1, l1_size, state_size, disk_size)


def choose(snapshots: list[Snapshot], wanted: str) -> Snapshot:
    """The snapshot of that name or id, or else the only one that holds a stream."""
    full = [one for one in snapshots if one.state_size]
    if not wanted and len(full) == 1:
        return full[0]
    told = ", ".join(one.name or one.key for one in full) or "none with VM state"
    named = [one for one in snapshots if wanted == one.name]
    named = named or [one for one in snapshots if wanted == one.key]
    if len(named) == 1 and not named[0].state_size:
        reason = f"snapshot {wanted!r} is of the disk alone, or its VM state is in another image"
        raise NotAStream(reason, hint=f"snapshots here: {told}")
    if len(named) == 1:
        return named[0]
    if not wanted and not full:
        raise NotAStream("a qcow2 image without a snapshot that holds VM state")
    if wanted:
        fault = f"{len(named)} snapshots are" if named else "no snapshot is"
        raise MissingFact(f"{fault} named {wanted!r}", hint=f"there are: {told}")
    raise MissingFact(f"the image holds {len(full)} snapshots: {told}", hint="--snapshot NAME")


def read_state(place: Place, disk: Disk, snapshot: Snapshot, held: int) -> Iterator[bytes | Zeros]:
    """The stream in a snapshot; held: bytes of the image that are no holes, as far as they count.

    A cluster that several entries name would be read again and again: no more than is held is.
    """
    stored = 0
    for piece in _joined(_pieces(place, disk, snapshot)):
        if isinstance(piece, Zeros):
            yield piece
            continue
        at = piece.start
        for extent in extents(place, piece):
            stored += len(extent)
            if stored > held:
                reason = f"a snapshot's clusters are larger than the image, which holds {held}"
                raise BadContainer(f"{reason} bytes", offset=extent.start)
            yield Zeros(extent.start - at)
            yield from place.chunks(extent)
            at = extent.stop
        yield Zeros(piece.stop - at)


def _joined(pieces: Iterator[range | Zeros]) -> Iterator[range | Zeros]:
    """The same with clusters that follow one another as one."""
    last: range | Zeros = Zeros(0)
    for piece in pieces:
        if isinstance(last, Zeros) and isinstance(piece, Zeros) and last.size < JOINED:
            last = Zeros(last.size + piece.size)
        elif isinstance(last, range) and isinstance(piece, range) and last.stop == piece.start:
            last = range(last.start, piece.stop)
        else:
            yield last
            last = piece
    yield last


def _pieces(place: Place, disk: Disk, snapshot: Snapshot) -> Iterator[range | Zeros]:
    """What the tables map, cluster by cluster; a table of clusters is entered once."""
    first = -(-snapshot.disk_size // disk.reach)
    left, seen = snapshot.state_size, set[int]()
    for index in range(first, first + -(-left // disk.reach)):
        size = min(left, disk.reach)
        table = _table(place, snapshot, index)
        if table in seen:
            reason = f"two entries of table 1 of snapshot {snapshot.name!r} lead to one table 2"
            raise BadContainer(reason, offset=place.at + table)
        if table:
            seen.add(table)
            yield from _clusters(place, disk, snapshot, table, size)
        else:
            yield Zeros(size)
        left -= size


def _table(place: Place, snapshot: Snapshot, index: int) -> int:
    """Offset of the level 2 table that an entry of the level 1 table names; 0: there is none."""
    if index >= snapshot.l1_size:
        reason = f"snapshot {snapshot.name!r} has {snapshot.l1_size} entries, entry {index} is used"
        raise BadContainer(reason, offset=place.at + snapshot.l1)
    _check_inside(place, snapshot.l1, (index + 1) * 8, f"table 1 of snapshot {snapshot.name!r}")
    return _number(place, snapshot.l1 + index * 8) & _OFFSET


def _clusters(
    place: Place, disk: Disk, snapshot: Snapshot, table: int, size: int
) -> Iterator[range | Zeros]:
    """What a level 2 table maps, up to `size` bytes: where, or zeros."""
    entries = -(-size // disk.cluster) * 8
    _check_inside(place, table, entries, f"a table 2 of snapshot {snapshot.name!r}")
    where = range(place.at + table, place.at + table + entries)
    if next(extents(place, where), None) is None:
        yield Zeros(size)
        return
    numbers = struct.unpack(f">{entries // 8}Q", b"".join(place.chunks(where)))
    for number, entry in enumerate(numbers):
        at = where.start + number * 8
        yield _cluster(place, disk, entry, at, size - number * disk.cluster)


def _cluster(place: Place, disk: Disk, entry: int, at: int, left: int) -> range | Zeros:
    """What an entry of a level 2 table, which stands at offset `at`, maps."""
    size = min(left, disk.cluster)
    if entry & _COMPRESSED:
        reason = "a snapshot with compressed clusters"
        raise UnsupportedContainer(reason, offset=at, hint=_BY_QEMU)
    start = entry & _OFFSET
    if not start or (disk.version > 2 and entry & _ZERO):
        return Zeros(size)
    if start % disk.cluster:
        raise BadContainer(f"a cluster at {start:#x}, inside another", offset=at)
    found = range(place.at + start, place.at + start + size)
    if found.stop > len(place.data):
        raise Truncated("the image ends inside the snapshot", offset=len(place.data))
    return found


def _check_inside(place: Place, at: int, size: int, what: str) -> None:
    """Refuse a table that lies beyond the end of the image, or reaches there."""
    if at + size > place.size:
        reason = f"{what}, {size} bytes at {at:#x}, lies beyond the end of the image"
        raise BadContainer(reason, offset=len(place.data), hint="the image is cut or damaged")


def _number(place: Place, at: int) -> int:
    return Cursor(place.data, place.at + at).integer(8)


class Qcow2(Container):
    """A disk image with snapshots in it; a stream out of one is never put back."""

    name = "qcow2"
    suffixes = (".qcow2",)
    doc = "a snapshot in a qcow2 disk image (savevm)"

    def claims(self, start: bytes) -> bool:
        return start.startswith(MAGIC)

    def open(self, outer: Place, wanted: Wanted) -> Inside:
        disk = read_disk(outer)
        snapshot = choose(read_snapshots(outer, disk), wanted.snapshot)
        remark = f"snapshot {snapshot.name!r}; what is written of it is a plain stream"
        held = max(1, data_size(outer, snapshot.state_size))
        return Unpacked(read_state(outer, disk, snapshot, held), packed=held, remark=remark)


QCOW2 = Qcow2()
