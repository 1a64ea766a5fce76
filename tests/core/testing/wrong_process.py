"""Plugins that do more than their work: on import, and while their hooks run."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import Wrong

IMPORTS = "import attrs\n"
LOAD = "        device.limit = state.limit\n"


def on_import(lines: str, says: str) -> Wrong:
    """A module that does something while it is imported, but not to the process of these tests."""
    more = "".join(f"    {line}\n" for line in lines.splitlines())
    changes = {IMPORTS: f"{IMPORTS}import sys\nif 'pytest' not in sys.modules:\n{more}"}
    return Wrong("import_does_nothing", changes, "live", says)


def on_load(lines: str, says: str) -> Wrong:
    """A load hook that does something beside its work."""
    more = "".join(f"        {line}\n" for line in lines.splitlines())
    return Wrong("no_side_effects", {LOAD: f"{LOAD}{more}"}, "hooks", says)


def reaching(lines: str, says: str) -> Wrong:
    """A load hook that reaches for what is not promised."""
    more = "".join(f"        {line}\n" for line in lines.splitlines())
    changes = {LOAD: f"{LOAD}{more}", IMPORTS: f"{IMPORTS}import virtmig.api\n"}
    return Wrong("imports", changes, "live.py", says)


PROCESS = {
    "sets the dice on import": on_import("import random\nrandom.seed(1)", "random.Random"),
    "filters warnings on import": on_import(
        "import warnings\nwarnings.filterwarnings('ignore')", "filters of warnings"
    ),
    "sets up logging on import": on_import(
        "import logging\nlogging.basicConfig(level=10)\nlogging.root.setLevel(10)", "root logger"
    ),
    "changes sys.path on import": on_import("sys.path.append('/x')", "sys.path"),
    "registers with atexit on import": on_import("import atexit\natexit.register(int)", "atexit"),
    "mends the core on import": on_import(
        "import virtmig.api as core\ncore.VirtioDevice.has_feature = lambda self, bit: True",
        "VirtioDevice.has_feature",
    ),
    "reads a file on import": on_import("open('/etc/passwd').close()", "/etc/passwd"),
    "reads the environment": on_load("import os\nos.environ.get('ECHO')", "'ECHO' of the environ"),
    "reads a file": on_load("open('/etc/passwd').close()", "/etc/passwd"),
    "opens a socket": on_load(
        "import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"
    ),
    "leaves a thread": on_load(
        "import threading\nthreading.Thread(target=lambda: threading.Event().wait(2), daemon=True).start()",
        "starts a thread",
    ),
    "warns in a hook": on_load("import warnings\nwarnings.warn('old')", "warns of old"),
    "sets the dice": on_load("import random\nrandom.seed(0)", "random.Random"),
    "mends the core": on_load(
        "import virtmig.api\nvirtmig.api.VirtioDevice.echo = 1", "changes VirtioDevice.echo"
    ),
    "a refusal of no field": Wrong(
        "refusals", {'path="device.log")': 'path="device.logg")'}, "device.logg", "write 'log'"
    ),
    "a refusal without a reason": Wrong(
        "refusals",
        {'DeviceMismatch("an empty log is never sent"': 'DeviceMismatch(""'},
        "device.log",
        "a reason",
    ),
    "imports by __import__": reaching(
        "__import__('virtmig.wire' + '.codec')", "virtmig.wire.codec"
    ),
    "reaches by attributes": reaching("virtmig.live.device", "virtmig.live"),
    "reaches by sys.modules": reaching(
        "import sys\nsys.modules['virtmig.live.device']", "virtmig.live.device"
    ),
}
