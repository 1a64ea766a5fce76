"""Plugins whose description is wrong beside the layout: rules, bits, defects, rings, answers."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import Wrong

END = "            view=view,\n"
API = "from virtmig.api import DeviceDriver, DeviceMismatch,"
MORE = (
    "from virtmig.api import Answer, DefaultChange, Defect, DeviceDriver, DeviceMismatch, Diagnosis, "
    "Finished, IoVec, RingSize, VirtQueueElement, evolve,"
)
PLUGIN = "\n\nplugin = VirtioEcho()"
LIMIT = '"requests that are answered at the most")'
FIND = """

def find(patient):
    state = patient.state
    if state.device.muted:
        mended = attrs.evolve(state, device=evolve(state.device, muted=False))
        yield Diagnosis(path="device.muted", found="muted", mended=mended)


MUTED = Defect(name="muted", title="it stays silent", written_by="all", before="7.0", find=find)
"""
FINISH = """

def finish(state, outcome):
    element = VirtQueueElement(index=0, out_num=0, in_num=0, padding=0, in_addr=(), out_addr=(), in_sg=(), out_sg=(), ndescs=1)
    found = tuple(Answer(queue=0, element=element, length=0, writes=()) for _ in state.device.points)
    return Finished(answers=found, device=evolve(state.device, points_len=0, points=()))
"""


def described(line: str, code: str = "", *changes: tuple[str, str]) -> dict[str, str]:
    """The changes for one more line of the description, and what it names."""
    for old, new in changes:
        assert old in code, old
        code = code.replace(old, new)
    return {END: END + f"            {line},\n", API: MORE, PLUGIN: code + PLUGIN}


def defect(*changes: tuple[str, str]) -> dict[str, str]:
    return described("defects=(MUTED,)", FIND, *changes)


def finish(*changes: tuple[str, str]) -> dict[str, str]:
    return described("finish=finish", FINISH, *changes)


def written(length: int, address: int) -> dict[str, str]:
    """Answers that say a length, and write one byte into a segment of two at 4096."""
    return finish(
        ("in_num=0", "in_num=1"),
        ("in_addr=()", "in_addr=(4096,)"),
        ("in_sg=()", "in_sg=(IoVec(iov_base=0, iov_len=2),)"),
        ("length=0, writes=()", f"length={length}, writes=(({address}, b'!'),)"),
    )


def rule(text: str) -> dict[str, str]:
    """Another rule for edits of a field."""
    return {LIMIT: f"{LIMIT[:-1]}, {text})", "import (\n    Cond": "import (\n    safe, Cond"}


RIGHT = {
    "a defect": defect(),
    "answers": finish(),
    "answers that are written": written(2, 4097),
    "ring sizes": described('ring_sizes={"requestq": RingSize(256), "controlq": RingSize(64)}'),
    "an option": described(
        'defaults=(DefaultChange(option="x", since="7.0", before="off", after="on"),)'
    ),
    "a rule": rule("edit=lambda old, new: safe('it is a limit')"),
    "names of bits": rule("bits={0: 'ODD', 15: 'HUGE'}"),
}
"""Descriptions with nothing wrong."""
DESCRIBING = {
    "a defect that cannot look": Wrong(
        "defects",
        defect(("if state.device.muted:", "if state.device.silent:")),
        "defect muted",
        "silent",
    ),
    "a defect that gives no list": Wrong(
        "defects", defect(("yield Diagnosis", "return Diagnosis")), "defect muted", "an iterable"
    ),
    "a defect that is not mended": Wrong(
        "defects", defect(("muted=False", "muted=True")), "defect muted", "has it still"
    ),
    "a defect that is mended into nothing": Wrong(
        "defects",
        defect(("muted=False", "muted=False, points_len=9")),
        "defect muted",
        "not written",
    ),
    "a defect without a place": Wrong(
        "defects", defect(('path="device.muted"', 'path=""')), "defect muted", "where and what"
    ),
    "a defect of no release": Wrong(
        "defects", defect(('before="7.0"', 'before="7"')), "defect muted", "no version of QEMU"
    ),
    "a defect that ends before it begins": Wrong(
        "defects",
        defect(('before="7.0"', 'since="8.0", before="7.0"')),
        "defect muted",
        "since 8.0",
    ),
    "a defect twice": Wrong(
        "defects", described("defects=(MUTED, MUTED)", FIND), "defect muted", "its own name"
    ),
    "a defect that is none": Wrong(
        "defects", described('defects=("muted",)'), "defects", "a defect is 'muted'"
    ),
    "answers for one outcome": Wrong(
        "finish",
        finish(("    element", "    {'ok': 0}[outcome]\n    element")),
        "finish",
        "KeyError",
    ),
    "answers as a list": Wrong(
        "finish", finish(("return Finished(", "return list(found) or dict(")), "finish", "it gives "
    ),
    "answers of another kind": Wrong(
        "finish", finish(("answers=found", "answers=(1, 2)")), "finish", "an answer is 1"
    ),
    "answers on no queue": Wrong(
        "finish", finish(("queue=0", "queue=99")), "finish", "queue 99 of"
    ),
    "answers of no length": Wrong(
        "finish", finish(("length=0", "length=-1")), "finish", "length -1"
    ),
    "answers written elsewhere": Wrong(
        "finish", written(2, 4098), "finish", "0x1002, where the device may not write"
    ),
    "answers that are not counted": Wrong(
        "finish", written(1, 4097), "finish", "2 bytes up to what is written"
    ),
    "requests that stay": Wrong(
        "finish", finish((", points_len=0, points=()", "")), "finish", "requests in flight"
    ),
    "requests that are still counted": Wrong(
        "finish", finish((", points_len=0, points=()", ", points=()")), "finish", "not written"
    ),
    "a ring of no queue": Wrong(
        "ring_sizes",
        described('ring_sizes={"request": RingSize(256)}'),
        "ring_sizes['request']",
        "answerq, controlq, requestq",
    ),
    "a ring of an odd size": Wrong(
        "ring_sizes", described('ring_sizes={"requestq": RingSize(100)}'), "ring_sizes['requestq']"
    ),
    "a ring that is a number": Wrong(
        "ring_sizes", described('ring_sizes={"requestq": 256}'), "ring_sizes['requestq']", "256"
    ),
    "an option that changes soon": Wrong(
        "defaults",
        described('defaults=(DefaultChange(option="x", since="soon", before="off", after="on"),)'),
        "default of x",
        "soon",
    ),
    "an option that does not change": Wrong(
        "defaults",
        described('defaults=(DefaultChange(option="x", since="7.0", before="on", after="on"),)'),
        "default of x",
    ),
    "an option that is none": Wrong("defaults", described('defaults=("x",)'), "defaults"),
    "a rule that needs both values": Wrong(
        "edit_rules", rule("edit=lambda old, new: safe(f'{old - new}')"), "EchoState.limit", "None"
    ),
    "a rule that is a text": Wrong("edit_rules", rule("edit='safe'"), "EchoState.limit", "'safe'"),
    "a rule that gives a text": Wrong(
        "edit_rules", rule("edit=lambda old, new: 'safe'"), "EchoState.limit", "it gives 'safe'"
    ),
    "a rule without a reason": Wrong("edit_rules", rule("edit=safe(' ')"), "EchoState.limit"),
    "a bit that is not there": Wrong(
        "bits", rule("bits={16: 'FAR'}"), "EchoState.limit", "16 bits"
    ),
    "two bits of one name": Wrong(
        "bits", rule("bits={0: 'ODD', 1: 'ODD'}"), "EchoState.limit", "its own name"
    ),
    "bits that are no names": Wrong("bits", rule("bits=3"), "EchoState.limit", "its bits are 3"),
}
