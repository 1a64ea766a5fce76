"""Patch files: requests, or sections byte for byte with what they were and what they become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from virtmig import __version__
from virtmig.editing.hunks import hunks
from virtmig.editing.requests import (
    Bytes,
    Hunk,
    Machine,
    MachineBack,
    Request,
    parse_drop,
    parse_rename,
    parse_set,
)
from virtmig.errors import EditError, PatchMismatch, VirtmigError, shown
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section
from virtmig.wire.types import expect, expect_list, expect_map, from_hex

if TYPE_CHECKING:
    from virtmig.editing.plan import EditPlan

FORMAT = "virtmig-patch"
SCHEMA = 1
LARGEST = 256 << 20
"""Bytes of a patch file that is read at the most."""
_REQUESTS = {"set", "drop_subsection", "rename", "machine", "machine_back", "sections"}
_KNOWN = {"format", "schema", "made_by", "undo", *_REQUESTS}


def patched(payload: bytes, patch: Bytes) -> bytes:
    """A payload after a patch; refuses one that the patch was not made for."""
    found = hashlib.sha256(payload).digest()
    if found != patch.before:
        again = found == patch.after
        hint = "it is as the patch would make it" if again else "it has another SHA-256"
        reason = "the patch was made for another state of this section"
        raise PatchMismatch(reason, section=patch.idstr, hint=hint)
    parts: list[bytes] = []
    at = 0
    for hunk in patch.hunks:
        end = hunk.offset + len(hunk.old)
        if hunk.offset < at or payload[hunk.offset : end] != hunk.old:
            raise PatchMismatch("the patch is damaged", section=patch.idstr, offset=hunk.offset)
        parts += [payload[at : hunk.offset], hunk.new]
        at = end
    made = b"".join([*parts, payload[at:]])
    if hashlib.sha256(made).digest() != patch.after:
        raise PatchMismatch("the patch is damaged: it makes other bytes", section=patch.idstr)
    return made


def undo_of(stream: Stream, plan: EditPlan) -> dict[str, Any]:
    """The patch that takes a plan back, for the stream that it makes.

    One that takes an undo back makes the first change again, and is judged as that was.
    """
    edits = plan.edits
    touched = dict.fromkeys([*edits.payloads, *edits.idstrs])
    made: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "made_by": f"virtmig {__version__}",
        "sections": [_section(stream, plan, section) for section in touched],
    }
    if edits.machine not in (None, stream.machine):
        made["machine_back"] = {"before": edits.machine, "after": stream.machine}
    return made if plan.undoes else {**made, "undo": _seal(made)}


def _seal(body: dict[str, Any]) -> str:
    """SHA-256 of what an undo patch does: only what virtmig wrote counts as going back."""
    done = {name: body[name] for name in sorted(_REQUESTS & set(body))}
    return hashlib.sha256(json.dumps(done, sort_keys=True).encode()).hexdigest()


def _section(stream: Stream, plan: EditPlan, section: Section) -> dict[str, Any]:
    old = stream.payload(section)
    new = plan.edits.payloads.get(section, old)
    return {
        "idstr": plan.edits.idstrs.get(section, section.idstr),
        "instance_id": section.instance_id,
        "sha256_before": hashlib.sha256(new).hexdigest(),
        "sha256_after": hashlib.sha256(old).hexdigest(),
        "new_idstr": section.idstr,
        "bytes": [[hunk.offset, hunk.old.hex(), hunk.new.hex()] for hunk in hunks(new, old)],
    }


def read(text: bytes) -> list[Request]:
    """The requests of a patch file."""
    try:
        body = expect_map(json.loads(text, object_pairs_hook=_once))
        if body.get("format") != FORMAT:
            raise PatchMismatch(f"not a {FORMAT} file")
        if body.get("schema") != SCHEMA:
            found = shown(body.get("schema"))
            raise PatchMismatch(f"schema {found}; this virtmig reads schema {SCHEMA}")
        unknown = sorted(set(body) - _KNOWN)
        if unknown:
            raise PatchMismatch(f"unknown key {unknown[0]!r}")
        return list(_requests(body))
    except EditError:
        raise
    except KeyError as error:
        raise PatchMismatch(f"the patch is damaged: {error} is missing") from error
    except RecursionError as error:
        raise PatchMismatch("the patch is damaged: it nests too deep") from error
    except (VirtmigError, ValueError, TypeError) as error:
        raise PatchMismatch(f"the patch is damaged: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a name that comes twice nobody knows which one is meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{doubled!r} comes twice")
    return made


def _requests(body: dict[str, Any]) -> Iterator[Request]:
    yield from (parse_set(expect(str, one)) for one in _listed(body, "set"))
    yield from (parse_drop(expect(str, one)) for one in _listed(body, "drop_subsection"))
    for one in _listed(body, "rename"):
        old, new = (expect(str, name) for name in expect_list(one))
        yield parse_rename(old, new)
    if "machine" in body:
        yield Machine(expect(str, body["machine"]))
    undo = _is_undo(body)
    if "machine_back" in body:
        back = expect_map(body["machine_back"])
        yield MachineBack(expect(str, back["before"]), expect(str, back["after"]), undo)
    yield from (_bytes(expect_map(one), undo=undo) for one in _listed(body, "sections"))


def _is_undo(body: dict[str, Any]) -> bool:
    if "undo" not in body:
        return False
    if expect(str, body["undo"]) != _seal(body):
        hint = "without `undo`, what it does is judged as any other change"
        raise PatchMismatch("the undo patch was changed since it was written", hint=hint)
    return True


def _listed(body: dict[str, Any], key: str) -> list[Any]:
    return expect_list(body.get(key, []))


def _bytes(entry: dict[str, Any], *, undo: bool) -> Bytes:
    return Bytes(
        idstr=expect(str, entry["idstr"]),
        instance_id=expect(int, entry["instance_id"]),
        before=from_hex(entry["sha256_before"]),
        after=from_hex(entry["sha256_after"]),
        hunks=tuple(_hunk(expect_list(one)) for one in expect_list(entry["bytes"])),
        new_idstr=expect(str, entry["new_idstr"]),
        undo=undo,
    )


def _hunk(entry: Sequence[Any]) -> Hunk:
    if len(entry) != 3:
        raise ValueError("bytes are an offset, the old ones, and the new ones")
    offset, old, new = entry
    if expect(int, offset) < 0:
        raise ValueError("an offset below 0")
    return Hunk(offset, from_hex(old), from_hex(new))
