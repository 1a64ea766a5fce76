"""Whatever a plugin does while it is imported, it is named and the others are not hurt."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.errors import DriverFailed, PluginError
from virtmig.hooks.importing import attempt
from virtmig.hooks.registry import Registry

NAME = "virtio-toaster"
OWNER = "virtio-toaster of virtmig-toaster 1.0"
released = threading.Event()
"""What a plugin that hangs waits for; set at the end, so that no thread outlives its test."""

RAISING = {
    "an exception": ("raise RuntimeError('no bread')", "RuntimeError: no bread"),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "a keyboard interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
    "an exception of no class": ("raise BaseException('odd')", "BaseException: odd"),
    "an exception that has no text": (
        "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})",
        "Mute",
    ),
    "several lines": ("raise RuntimeError('one\\ntwo')", "RuntimeError: one\\ntwo"),
    "a signal handler": (
        "import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "ValueError: signal only works in main thread of the main interpreter",
    ),
}


@pytest.mark.parametrize(("source", "words"), RAISING.values(), ids=RAISING)
def test_what_an_import_raises_is_told(site: Site, source: str, words: str) -> None:
    module = site.add(NAME, source, dist="virtmig-toaster")
    with pytest.raises(DriverFailed) as caught:
        Registry().device(NAME)
    assert str(caught.value) == f"{OWNER}: importing '{module}:plugin' failed: {words}"
    assert Registry().device("virtio-net").driver.name == "virtio-net"


HANGS = f"from {__name__} import released; released.wait()"


@pytest.fixture
def hanging(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Install a plugin whose import waits for what does not come."""
    released.clear()
    monkeypatch.setenv("VIRTMIG_IMPORT_SECONDS", "0.5")
    module = site.add(NAME, HANGS, dist="virtmig-toaster")
    yield module
    released.set()
    for thread in threading.enumerate():
        if thread.name.startswith("import of"):
            thread.join(5)


def test_an_import_that_hangs_is_given_up(hanging: str) -> None:
    with pytest.raises(DriverFailed) as caught:
        Registry().device(NAME)
    assert caught.value.reason == f"{OWNER}: importing '{hanging}:plugin' took longer than 0.5 s"
    assert "virtmig plugins validate" in caught.value.hint
    assert Registry().device("virtio-net").driver.name == "virtio-net"


def test_an_import_that_hangs_is_waited_for_once(
    hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream may have many devices of that name."""
    with pytest.raises(DriverFailed):
        Registry().device(NAME)
    monkeypatch.setenv("VIRTMIG_IMPORT_SECONDS", "60")
    start = time.monotonic()
    with pytest.raises(DriverFailed, match="took longer than 60 s"):
        Registry().device(NAME)
    assert time.monotonic() - start < 30


def test_the_user_can_interrupt_the_waiting(hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTMIG_IMPORT_SECONDS", "60")
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        Registry().device(NAME)
    timer.join()


def test_what_an_import_prints_does_not_get_into_the_answer(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add(NAME, "print('crumbs')\n" + fakes.device(NAME), dist="virtmig-toaster")
    Registry().device(NAME)
    print("answer")
    assert capsys.readouterr() == ("answer\n", "crumbs\n")


def test_the_output_is_put_back_when_the_last_of_several_is_done() -> None:
    """Two threads of a program may import at the same time."""
    output = sys.stdout
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        inside.set()
        leave.wait(10)

    other = threading.Thread(target=attempt, args=("first", first, 10.0))
    other.start()
    inside.wait(10)
    attempt("second", lambda: None, 10.0)
    assert sys.stdout is sys.stderr
    leave.set()
    other.join(10)
    assert sys.stdout is output


def test_a_result_that_comes_late_changes_nothing() -> None:
    leave = threading.Event()
    made = attempt("late", lambda: leave.wait(10), 0.05)
    assert (made.late, made.value, made.error) == (True, None, None)
    leave.set()
    time.sleep(0.05)
    assert (made.late, made.value) == (True, None)
    assert attempt("late", lambda: 5, 10.0).value == 5


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf", "1e9", "10 s"])
def test_a_limit_that_is_none_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("VIRTMIG_IMPORT_SECONDS", text)
    with pytest.raises(PluginError) as caught:
        Registry().device("virtio-net")
    assert caught.value.reason == (
        f"VIRTMIG_IMPORT_SECONDS={text!r} is no number of seconds between 0 and a day"
    )


def test_the_plugin_that_hangs_is_a_file(hanging: str, site: Site) -> None:
    assert (site.folder / Path(f"{hanging}.py")).read_text() == HANGS
