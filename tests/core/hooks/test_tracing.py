"""`VIRTMIG_TRACE_PLUGINS`: a line for every import and every hook call."""

from __future__ import annotations

import re
from pathlib import Path

import pluggy
import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import DriverFailed
from virtmig.hooks import hookspecs
from virtmig.hooks.hookspecs import hookimpl
from virtmig.hooks.registry import Registry
from virtmig.hooks.tracing import hook_specs, observer
from virtmig.live.device import VirtioDevice

NAME = "virtio-toaster"
OWNER = "virtio-toaster of virtmig-toaster 1.0"
TRACE = "VIRTMIG_TRACE_PLUGINS"
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{6} (?P<what>.*), \d+\.\d\d ms")


def lines(text: str) -> list[str]:
    """What the trace says, without times."""
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [match["what"] for match in found if match]


def used(site: Site, **changes: str) -> str:
    """A driver that was imported and asked for its state."""
    module = site.add(NAME, fakes.device(NAME, **changes), dist="virtmig-toaster")
    Registry().device(NAME).save_device(VirtioDevice())
    return module


def test_imports_and_calls_are_traced(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TRACE, "1")
    module = used(site)
    done = capsys.readouterr()
    assert done.out == ""
    assert lines(done.err) == [
        f"{OWNER}: import {module}:plugin -> Plugin",
        f"{OWNER}: describe_driver() -> DeviceDriver",
        f"{OWNER}: save_device(device=VirtioDevice) -> State",
    ]


def test_a_trace_can_go_to_a_file_and_is_added_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(TRACE, str(tmp_path / "trace"))
    (tmp_path / "trace").write_text("earlier\n")
    used(site)
    text = (tmp_path / "trace").read_text()
    assert text.startswith("earlier\n")
    assert len(lines(text.removeprefix("earlier\n"))) == 3


@pytest.mark.parametrize("value", ["", "0"])
def test_no_trace_is_the_rule(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str,
) -> None:
    monkeypatch.setenv(TRACE, value)
    used(site)
    assert capsys.readouterr().err == ""


def test_an_exception_is_traced_and_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TRACE, "1")
    with pytest.raises(DriverFailed):
        used(site, **{'State(value=getattr(device, "value", 0))': "1 / 0"})
    last = lines(capsys.readouterr().err)[-1]
    assert last == (
        f"{OWNER}: save_device(device=VirtioDevice) -> raised ZeroDivisionError: division by zero"
    )


def test_an_import_that_fails_is_traced(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TRACE, "1")
    site.add(NAME, "raise RuntimeError('no bread')", dist="virtmig-toaster")
    with pytest.raises(DriverFailed):
        Registry().device(NAME)
    (line,) = lines(capsys.readouterr().err)
    assert "-> raised DriverFailed: " in line
    assert "no bread" in line


def test_the_first_half_of_a_line_is_there_before_the_call() -> None:
    """A hook that never returns is seen in the trace."""
    written: list[str] = []

    class Plugin:
        @hookimpl
        def save_device(self) -> None:
            assert written[-1].endswith("save_device(device=None) ")

    trace = observer("the owner", written.append)
    manager = hookspecs_manager()
    manager.register(Plugin())
    manager.register(trace)
    manager.hook.save_device(device=None)
    assert len(written) == 2


def hookspecs_manager():
    """Make a plugin manager as each driver has one."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@pytest.mark.parametrize("name", hook_specs())
def test_every_hook_is_traced_with_all_its_arguments(name: str) -> None:
    written: list[str] = []
    manager = hookspecs_manager()
    manager.register(observer("the owner", written.append))
    manager.check_pending()
    spec = hook_specs()[name]
    names = spec.__code__.co_varnames[: spec.__code__.co_argcount]
    getattr(manager.hook, name)(**dict.fromkeys(names, 7))
    wanted = ", ".join(f"{one}=7" for one in names)
    assert lines("".join(written)) == [f"the owner: {name}({wanted}) -> None"]


def test_arguments_are_short() -> None:
    written: list[str] = []
    manager = hookspecs_manager()
    manager.register(observer("the owner", written.append))
    manager.hook.load_device(device="d" * 500, state=b"s" * 500)
    assert len(written[0]) < 150
    assert "state=bytes" in written[0]
