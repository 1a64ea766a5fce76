"""Devices whose records, facts or wire types are wrong in one place."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wire_types import BARE, GREEDY, RASH
from tests.core.testing.wrong import Wrong

LAYOUTS = {
    "a condition that is never met": Wrong(
        "each_field_occurs",
        {
            'when=if_feature(1, "PITCH")': 'when=Condition("pitch", lambda s, _: s.features_lo > 1 << 40)'
        },
        "EchoState.pitch",
        "never there",
    ),
    "a view that fails": Wrong(
        "view", {"state.tag.hex()": "state.tag.decode('ascii')"}, "view", "any record"
    ),
    "a view that is not JSON": Wrong(
        "view", {'"tag": state.tag.hex()': '"tag": state.tag'}, "view"
    ),
    "a fact that nobody declares": Wrong(
        "exact", {'if_fact("echo_loud")': 'if_fact("echo_quiet")'}, "volume", "OpenFact"
    ),
    "a fact that nobody asks for": Wrong(
        "facts", {'when=if_fact("echo_loud")': 'when=if_feature(0, "ECHO")'}, "echo_loud", "asks"
    ),
    "a fact with one answer": Wrong("facts", {"(False, True)": "(False,)"}, "echo_loud"),
    "a doc that is the name": Wrong(
        "docs", {'"in decibels below full scale"': '"the volume"'}, "EchoState.volume", "no more"
    ),
    "a doc that is to be done": Wrong(
        "docs", {'"in decibels below full scale"': '"TODO"'}, "EchoState.volume"
    ),
    "a record without a doc": Wrong(
        "docs", {'    """One echo that is on its way."""\n': ""}, "Point", "docstring"
    ),
    "a count without a docstring": Wrong(
        "types_have_labels",
        {
            'buffer("length")': "buffer(_length)",
            "LOUD = ": "@depends_on('length')\n"
            "def _length(_, seen):\n    return seen['length']\n\n\nLOUD = ",
        },
        "Log.text",
        "docstring",
    ),
    "a count that does not say what it looks at": Wrong(
        "exact",
        {
            'array(Point, "points_len")': "array(Point, _points)",
            "be16.upto(256)": "be32",
            "LOUD = ": 'def _points(_, seen):\n    """points"""\n'
            "    return seen['points_len']\n\n\nLOUD = ",
        },
        "",
        "depends_on",
    ),
    "a count without an end": Wrong(
        "hostile_counts",
        {
            "@record()\nclass Point": GREEDY,
            'array(Point, "points_len")': 'Greedy(array(Point, "points_len"))',
            "be16.upto(256)": "be32",
        },
        "points_len",
        "upto",
    ),
    "a wire type that reads past the end": Wrong(
        "truncation",
        {"@record()\nclass Point": RASH, "tag: bytes = wire(raw(8)": "tag: bytes = wire(Rash()"},
        "decode",
        "typed",
    ),
    "a wire type without its plain form": Wrong(
        "agree",
        {"@record()\nclass Point": BARE, "tag: bytes = wire(raw(8)": "tag: bytes = wire(Bare()"},
        "",
        "plain()",
    ),
}
