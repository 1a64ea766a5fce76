"""A stream into another container, and its RAM into another form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import attrs

from virtmig.containers.contract import Container, Layer
from virtmig.containers.libvirt import FORMATS, HEADER, IN_PLACE, LIBVIRT, ROOM, Image, read_image
from virtmig.containers.peeling import containers, plugins
from virtmig.containers.ramforms import Reform
from virtmig.errors import BadContainer, BadValue, MissingFact
from virtmig.stream.blocks import MAPPED_RAM
from virtmig.stream.editing import Edits, Piece, plan, replaced
from virtmig.stream.opening import Stream
from virtmig.stream.output import AnyPiece, Output, PackedOutput, Packer, put
from virtmig.stream.writing import write_file

QEMU, MAPPED = "qemu", MAPPED_RAM
LARGEST_XML = 16 << 20
"""Bytes of a domain's XML; libvirt's own limit is far below."""


@attrs.frozen(kw_only=True)
class Domain:
    """What a libvirt image says beside the stream. running: whether the guest is to run on."""

    xml: bytes | None = None
    running: bool = True


@attrs.frozen(kw_only=True, eq=False)
class Form:
    """What a file is to be. mapped: the form of RAM; None: as it is."""

    name: str
    doc: str
    suffixes: tuple[str, ...] = ()
    mapped: bool | None = None
    container: Container | None = None
    """What packs the stream."""
    libvirt: int | None = None
    """Number of the format in the header of a libvirt image; None: it is no such image."""


def forms() -> Iterator[Form]:
    """All forms, the core's first."""
    yield Form(name=QEMU, doc="as QEMU migrates to a pipe: pages one after another", mapped=False)
    doc = "as QEMU 9.0 and later save to a file with this capability: each page at its place"
    yield Form(name=MAPPED, doc=doc, mapped=True)
    packing = {one.name: one for one in [*containers(), *plugins()] if _packs(one)}
    for number, stored in enumerate(FORMATS):
        if stored in IN_PLACE or stored in packing:
            yield _libvirt(number, stored, packing.get(stored))
    for one in packing.values():
        yield Form(name=one.name, doc=one.doc, suffixes=one.suffixes, container=one)


def _packs(container: Container) -> bool:
    return type(container).packer is not Container.packer


def _libvirt(number: int, stored: str, container: Container | None) -> Form:
    name = LIBVIRT.name if not number else f"{LIBVIRT.name}-{stored}"
    mapped = stored == "sparse"
    doc = f"{LIBVIRT.doc}, format {stored}"
    suffixes = (".save",) if not number else ()
    return Form(
        name=name, doc=doc, suffixes=suffixes, mapped=mapped, container=container, libvirt=number
    )


def form_of(name: str, path: str) -> Form:
    """The form of that name, or without a name the one that the path's suffix asks for."""
    known = list(forms())
    if not name:
        for container in (*containers(), *plugins()):
            if path.endswith(container.suffixes) and not _packs(container):
                reason = f"{container.doc} is read, and not written"
                raise BadValue(reason, hint="name a form with --to, or another suffix")
        fitting = (one for one in known if path.endswith(one.suffixes))
        return next(fitting, known[0])
    for one in known:
        if name in (one.name, *(suffix.lstrip(".") for suffix in one.suffixes)):
            return one
    raise BadValue(f"no form {name!r}", hint=f"there are: {', '.join(one.name for one in known)}")


def write_as(
    path: str | os.PathLike[str],
    stream: Stream,
    form: Form,
    domain: Domain | None = None,
    edits: Edits | None = None,
) -> None:
    """Write a stream in another form; see `Stream.write` for what `edits` may be."""
    lost = [one.container.name for one in stream.layers if _is_lost(one, form, domain)]
    stream.refuse_own(path, lost)
    front = b"" if form.libvirt is None else _front(stream, form.libvirt, domain or Domain())
    packer = form.container.packer() if form.container else None
    base = 0 if packer else len(front)
    pieces = _pieces(stream, form, base, edits or Edits())
    with stream.proof() as proven:

        def fill(out: Output) -> None:
            out.write(front)
            put_all(out, stream, packer, pieces)
            proven()

        write_file(path, fill, stream.outermost.file)


def _is_lost(layer: Layer, form: Form, domain: Domain | None) -> bool:
    """Whether the form keeps nothing of what a container holds beside the stream."""
    if layer.container is LIBVIRT and form.libvirt is not None:
        return domain is not None and domain.xml is not None
    return not (layer.unpacked and layer.writable)


def put_all(out: Output, stream: Stream, packer: Packer | None, pieces: Iterable[AnyPiece]) -> None:
    """Append a stream, packed or not."""
    inner = PackedOutput(packer, out) if packer else out
    put(inner, stream.place, pieces)
    inner.close()


def _pieces(stream: Stream, form: Form, base: int, edits: Edits) -> Iterable[AnyPiece | Piece]:
    """The stream with its RAM in the form that is asked for."""
    place, layout = stream.place, stream.layout
    is_mapped = MAPPED_RAM in layout.head.capabilities
    mapped = is_mapped if form.mapped is None else form.mapped
    moved = mapped and layout.head.start != base
    if mapped == is_mapped and not moved:
        return plan(place.data, layout, edits)
    reform = Reform(place, layout, stream.ram(), replaced(place.data, layout, edits))
    return reform.mapped(base) if mapped else reform.plain()


def _front(stream: Stream, number: int, domain: Domain) -> bytes:
    """What stands in front of the stream in a libvirt image."""
    if domain.xml is not None:
        return _new_front(domain.xml, number, running=domain.running)
    for layer in stream.layers:
        if layer.container is LIBVIRT:
            data, at = layer.outer.data, layer.outer.at
            image = read_image(data, at)
            told = attrs.evolve(image, format=number, finished=True)
            # What follows the words that are known stays, the same as XML and cookie.
            known = len(told.header()) - 14 * 4
            return told.header()[:known] + data[at + known : at + HEADER + image.length]
    reason = "a libvirt image needs the domain's XML, and the stream does not come from an image"
    raise MissingFact(reason, hint="--xml FILE, as virsh dumpxml --security-info writes it")


def _new_front(xml: bytes, number: int, *, running: bool) -> bytes:
    xml = xml.rstrip(b"\0")
    if b"<domain" not in xml or b"\0" in xml or len(xml) > LARGEST_XML:
        raise BadContainer("what is to be the domain's XML is no text with an element <domain>")
    image = Image(length=len(xml) + 1 + ROOM, running=int(running), format=number)
    return image.header() + xml.ljust(image.length, b"\0")
