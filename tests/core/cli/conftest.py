"""The `virtmig` command, called as its entry point is; and samples to call it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from virtmig.cli.main import run
from virtmig.hooks import discovery
from virtmig.stream.editing import Edits
from virtmig.stream.opening import open_stream

SAMPLES = Path(__file__).parents[3] / "samples"


@attrs.frozen
class Outcome:
    """What a call printed, and what the process would have ended with."""

    code: int
    out: str
    err: str

    def complaint(self, code: int) -> str:
        """The one line that an error is; fails if there is more, or another exit code."""
        assert self.code == code, self
        assert self.err.count("\n") == 1, self.err
        line = self.err.rstrip("\n")
        assert line.startswith("virtmig: ")
        assert line.isprintable()
        return line

    def complaint_in(self, code: int) -> str:
        """The same for a command that had printed something before."""
        return attrs.evolve(self, out="").complaint(code)

    def usage(self) -> str:
        """What click says of wrong usage."""
        assert self.code == 2, self
        assert "Error: " in self.err
        assert "Traceback" not in self.err
        return self.err


@pytest.fixture(autouse=True)
def a_device_without_a_driver() -> Iterator[None]:
    """The third device of each sample has no driver in these tests, whatever is installed."""

    def other(one: discovery.Installed) -> bool:
        return one.distribution != "virtmig-rng"

    discovery.limits.append(other)
    yield
    discovery.limits.remove(other)


Command = Callable[..., Outcome]


@pytest.fixture
def virtmig(capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls the command in this process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            run([str(argument) for argument in arguments])
        assert isinstance(caught.value.code, int)
        return Outcome(caught.value.code, *capsys.readouterr())

    return call


@pytest.fixture(params=["x86-q35", "s390x"])
def sample(request: pytest.FixtureRequest) -> Path:
    """Each of the two samples."""
    return SAMPLES / f"{request.param}.mig"


@pytest.fixture
def x86() -> Path:
    return SAMPLES / "x86-q35.mig"


Edit = Callable[[Path, str, Callable[[bytes], bytes]], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Makes a stream whose one section has another payload."""

    def make(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
        made = tmp_path / f"edited-{path.name}"
        with open_stream(path) as stream:
            target = next(one for one in stream.sections if one.idstr.endswith(name))
            stream.write(made, Edits(payloads={target: change(stream.payload(target))}))
        return made

    return make
