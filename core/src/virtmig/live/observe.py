"""Watching hooks: a wrapper plugin that records each call, in order, without changing any."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from virtmig.hooks.hookspecs import hookimpl


class HookTrace:
    """Records hook calls as labels like `save_queue[0]`; give it to `Registry(observers=...)`."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def clear(self) -> None:
        """Forget what was recorded."""
        self.calls.clear()

    def _passed(self, label: str) -> Generator[None, Any, Any]:
        self.calls.append(label)
        return (yield)

    @hookimpl(wrapper=True)
    def save_config(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("save_config"))

    @hookimpl(wrapper=True)
    def save_queue(self, index: int) -> Generator[None, Any, Any]:
        return (yield from self._passed(f"save_queue[{index}]"))

    @hookimpl(wrapper=True)
    def save_device(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("save_device"))

    @hookimpl(wrapper=True)
    def save_extra_state(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("save_extra_state"))

    @hookimpl(wrapper=True)
    def load_config(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("load_config"))

    @hookimpl(wrapper=True)
    def load_queue(self, index: int) -> Generator[None, Any, Any]:
        return (yield from self._passed(f"load_queue[{index}]"))

    @hookimpl(wrapper=True)
    def notify(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("notify"))

    @hookimpl(wrapper=True)
    def load_device(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("load_device"))

    @hookimpl(wrapper=True)
    def load_extra_state(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("load_extra_state"))

    @hookimpl(wrapper=True)
    def post_load(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("post_load"))

    @hookimpl(wrapper=True)
    def save_outer(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("save_outer"))

    @hookimpl(wrapper=True)
    def load_outer(self) -> Generator[None, Any, Any]:
        return (yield from self._passed("load_outer"))
