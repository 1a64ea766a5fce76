"""The law of what a plugin object offers: each hook is marked, and is of its kind of plugin."""

from __future__ import annotations

import difflib

from virtmig.hooks.tracing import hook_specs
from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken

MARK = "virtmig_impl"
OF = {
    "device": ("save_device", "load_device", "post_load", "save_outer", "load_outer"),
    "transport": (
        "save_config",
        "load_config",
        "save_queue",
        "load_queue",
        "notify",
        "has_extra_state",
        "save_extra_state",
        "load_extra_state",
    ),
    "section": (),
}
"""The hooks that each kind of plugin has in the procedure."""
MAKERS = {"device": ("create_device",), "transport": ("create_transport",), "section": ()}


class MarkLaws(Kit):
    """What holds for the methods of every plugin object."""

    @law
    def test_hooks_are_marked(self) -> None:
        """Each method with the name of a hook is one, and is of this kind of plugin."""
        plugin, kind = self.subject.plugin, self.subject.kind
        mine = {"describe_driver", *OF[kind], *MAKERS[kind]}
        for name in (one for one in dir(plugin) if not one.startswith("_")):
            marked = hasattr(getattr(plugin, name, None), MARK)
            where = f"{type(plugin).__name__}.{name}"
            if name in hook_specs() and not marked:
                do = "put @hookimpl above it, or give it another name"
                raise LawBroken(
                    "named like a hook and not marked: never called", do=do, field=where
                )
            if marked and name in hook_specs() and name not in mine:
                do = f"take it out: a {kind} plugin is never asked for it"
                raise LawBroken("a hook of another kind of plugin", do=do, field=where)
            close = difflib.get_close_matches(name, mine, 1, 0.85)
            if close and name not in hook_specs() and callable(getattr(plugin, name)):
                self.note(f"{where} is no hook; is it meant to be {close[0]}?")
