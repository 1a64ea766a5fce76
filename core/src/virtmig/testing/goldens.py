"""Goldens: real sections beside a plugin's tests, in a folder with a manifest.

`add_golden` takes a section out of a stream file, `add_payload` the bytes of one as they are;
`read_goldens` gives all of a folder. Only the section is kept, as the rest of a stream is guest
memory.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import lzma
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from virtmig.errors import BadContainer, NoDriver
from virtmig.stream.opening import open_stream

MANIFEST = "manifest.toml"
BIGGEST = 64 << 20
"""Bytes of one section at the most."""
ANEW = "take the golden anew with `virtmig plugins golden`, which writes file and checksum"
TABLE = "write a table [[golden]], with two brackets, for each golden, and nothing else"


@attrs.frozen(kw_only=True)
class Golden:
    """One section, and what is known of the device that wrote it.

    facts: what the bytes do not say, if they have to be told. truth: what the monitor said, by
    dotted path in the decoded state (`device.mac`).
    """

    name: str
    file: str
    sha256: str
    idstr: str
    version_id: int
    instance_id: int = 0
    machine: str = ""
    arch: str = ""
    qemu: str = ""
    command: str = ""
    generator: str = ""
    facts: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    truth: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    folder: Path = attrs.field(default=Path(), repr=False)

    def __str__(self) -> str:
        """Its name, for reports."""
        return self.name

    def payload(self) -> bytes:
        """The bytes of the section; an error if they are not those of the manifest."""
        path = self.folder / self.file
        try:
            with lzma.open(path) as packed:
                data = packed.read(BIGGEST)
        except (OSError, lzma.LZMAError, EOFError) as error:
            raise BadContainer(f"{self.file}: {error}", hint=ANEW) from None
        if (found := hashlib.sha256(data).hexdigest()) != self.sha256:
            text = f"{self.file} has sha256 {found[:12]}..., the manifest {self.sha256[:12]}..."
            raise BadContainer(text, hint=ANEW)
        if not data:
            raise BadContainer(f"{self.file} holds a section of no bytes", hint=ANEW)
        return data


def read_goldens(folder: str | os.PathLike[str]) -> list[Golden]:
    """All goldens of a folder, in the order of its manifest; none if there is no manifest."""
    path = Path(folder) / MANIFEST
    if not path.exists():
        return []
    try:
        tables = _tables(tomllib.loads(path.read_text()))
        return [_checked(Golden(**table, folder=Path(folder))) for table in tables]
    except UnicodeDecodeError as error:
        raise BadContainer(f"{path}: {error}", hint="write it in UTF-8") from None
    except (tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        hint = error.args[1] if len(error.args) > 1 else "mend the manifest at that place"
        raise BadContainer(f"{path}: {_plain(error)}", hint=hint) from None


def _tables(manifest: Any) -> list[dict[str, Any]]:
    """The [[golden]] tables of a manifest, which has nothing else."""
    for name in manifest:
        if name != "golden":
            raise TypeError(f"there is a table {name!r}", TABLE)
    tables: Any = manifest.get("golden", [])
    if tables.__class__ is not list or not all(one.__class__ is dict for one in tables):
        raise TypeError("'golden' is one table", TABLE)
    known = {field.name: field for field in attrs.fields(Golden) if field.name != "folder"}
    needed = [name for name, field in known.items() if field.default is attrs.NOTHING]
    found: list[dict[str, Any]] = tables
    for number, table in enumerate(found):
        _keys(f"golden {table.get('name', number)}", table, list(known), needed)
    return found


def _keys(which: str, table: Mapping[str, Any], known: list[str], needed: list[str]) -> None:
    """What a table holds is known, and what a golden needs is there."""
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            do = f"write {near[0]!r}" if near else f"take it out; known are {', '.join(known)}"
            raise TypeError(f"{which}: a key {name!r}, which no golden has", do)
    for name in needed:
        if name not in table:
            raise TypeError(f"{which}: {name!r} is missing", f"write {name} = ..., or {ANEW}")


def _checked(golden: Golden) -> Golden:
    """A golden whose values are of the right types, in a file of the same folder."""
    kinds: dict[str, tuple[type[Any], str]] = {
        "str": (str, "a text in quotes"),
        "int": (int, "a number without quotes"),
        "Mapping[str, Any]": (dict, 'a table: { "device.mac" = "..." }'),
    }
    for field in attrs.fields(Golden):
        value = getattr(golden, field.name)
        kind, what = kinds.get(str(field.type), (object, ""))
        if what and type(value) is not kind:
            text = f"golden {golden.name}: {field.name} = {value!r}"
            raise TypeError(text, f"write {field.name} as {what}")
    if golden.file in {"", "..", "."} or re.search(r"[/\\]", golden.file):
        text = f"golden {golden.name}: file = {golden.file!r} is not in this folder"
        raise TypeError(text, "put the file beside the manifest, and write its name alone")
    return golden


def _plain(error: Exception) -> str:
    """What is wrong, without what to do about it."""
    return str(error.args[0]) if error.args else str(error)


def add_golden(
    folder: str | os.PathLike[str],
    stream_path: str | os.PathLike[str],
    idstr: str,
    *,
    name: str = "",
    **about: Any,
) -> Golden:
    """Copy one section of a stream into a folder, and enter it in the manifest.

    about: `arch`, `qemu`, `command`, `generator`, `facts`, `truth`. A section that is there
    already, by its checksum, is left as it is.
    """
    with open_stream(stream_path) as stream:
        found = [one for one in stream.sections if one.idstr == idstr]
        if not found:
            there = ", ".join(sorted({one.idstr for one in stream.sections}))
            raise NoDriver(f"{os.fspath(stream_path)} has no section {idstr!r}", hint=there)
        section, machine = found[0], stream.machine
        payload = bytes(stream.payload(section))
    known: dict[str, Any] = {"machine": machine, "instance_id": section.instance_id, **about}
    return add_payload(folder, payload, idstr, section.version_id, name=name, **known)


def add_payload(
    folder: str | os.PathLike[str],
    payload: bytes,
    idstr: str,
    version_id: int,
    *,
    name: str = "",
    **about: Any,
) -> Golden:
    """Enter a payload that is known from elsewhere, without header and footer of its section.

    about: as for `add_golden`, and `machine`, `instance_id`.
    """
    target = Path(folder)
    digest = hashlib.sha256(payload).hexdigest()
    for golden in read_goldens(target):
        if golden.sha256 == digest:
            return golden
    name = name or f"{about.get('machine') or 'machine'}-{digest[:8]}"
    golden = Golden(
        name=name,
        file=f"{name}.xz",
        sha256=digest,
        idstr=idstr,
        version_id=version_id,
        folder=target,
        **about,
    )
    target.mkdir(parents=True, exist_ok=True)
    (target / golden.file).write_bytes(lzma.compress(payload, preset=9))
    _enter(target / MANIFEST, golden)
    return golden


def _enter(path: Path, golden: Golden) -> None:
    """Append one table to the manifest."""
    values = attrs.asdict(
        golden, filter=lambda field, value: field.name != "folder" and value != ""
    )
    lines = [] if path.exists() else ["# Sections of real devices; see virtmig.testing.goldens.\n"]
    lines += ["\n[[golden]]\n"]
    lines += [f"{key} = {_toml(value)}\n" for key, value in values.items() if value not in ({}, "")]
    with path.open("a") as manifest:
        manifest.writelines(lines)


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if issubclass(type(value), Mapping):
        pairs: Mapping[Any, Any] = value
        inner = ", ".join(f"{json.dumps(str(key))} = {_toml(one)}" for key, one in pairs.items())
        return f"{{ {inner} }}"
    if issubclass(type(value), list | tuple):
        items: Iterable[Any] = value
        return f"[{', '.join(_toml(one) for one in items)}]"
    return json.dumps(value)
