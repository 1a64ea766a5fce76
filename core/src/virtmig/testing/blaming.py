"""What lies behind a broken law beside the line that broke it: the plugin object, or the test."""

from __future__ import annotations

import inspect
import types
from typing import Any

from virtmig.errors import DriverFailed
from virtmig.hooks.tracing import hook_specs
from virtmig.testing.crash import MISTAKES, hook_of
from virtmig.testing.looking import own
from virtmig.testing.report import LawBroken
from virtmig.testing.subject import Subject
from virtmig.testing.telling import FOLLOWING


def blame(broken: LawBroken, law: str, subject: Subject, scramble: Any) -> None:
    """Say first what else is to be mended, if that may be why the law is broken."""
    cause = broken.__cause__
    if isinstance(cause, DriverFailed):
        hook = hook_of(cause)
        if _without_self(subject.plugin, hook):
            broken.do = f"write `self` as the first parameter of {hook}: is it missing?"
            broken.fault = f"no self in {hook}"
            return
        if hook.startswith("save_") and _kits_own(scramble) and _took_a_tuple(cause):
            broken.do = "write `scramble`, or name the field in `converted`: the kit's own scramble"
            broken.do += " sets an attribute to what the field of its name holds, here a tuple"
    if law in FOLLOWING:
        for name in changed_in(subject):
            where = f"{type(subject.plugin).__name__}.{name}"
            do = (
                f"first keep what is in {where} in the live object, for hooks have changed it, and "
            )
            broken.do = f"{do}all devices share the plugin object; then: {broken.do}"
            return


def changed_in(subject: Subject) -> list[str]:
    """Attributes of the plugin object that are not what they were before a hook was called."""
    now = own(subject.plugin)
    return [name for name in now if name not in subject.held or now[name] != subject.held[name]]


def _without_self(plugin: Any, hook: str) -> bool:
    """Whether the function behind a hook has no parameter for its object."""
    kind: type[object] = plugin.__class__
    function = inspect.getattr_static(kind, hook, None)
    if not isinstance(function, types.FunctionType) or hook not in hook_specs():
        return False
    names = list(inspect.signature(function).parameters)
    return not names or names[0] in inspect.signature(hook_specs()[hook]).parameters


def _kits_own(scramble: Any) -> bool:
    return str(getattr(scramble, "__module__", "")).startswith("virtmig.testing")


def _took_a_tuple(failed: DriverFailed) -> bool:
    """Whether a line went wrong because it was given a tuple."""
    return isinstance(failed.__cause__, MISTAKES) and "'tuple'" in str(failed.__cause__)
