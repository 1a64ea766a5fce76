"""One distribution, installed or not: every problem with its place and its cure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.core.checking.projects import METADATA, NAME, project, wheel
from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig import __version__
from virtmig.checking.validate import validate
from virtmig.errors import PluginError
from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import Scan, scan


def unhurried(findings: list[Finding]) -> list[Finding]:
    """All but that this machine is busy."""
    return [one for one in findings if one.code != "slow-import"]


def found(target: object) -> list[tuple[str, str, str, str, str]]:
    findings = unhurried(validate(str(target)).findings)
    assert {one.distribution for one in findings} <= {"virtmig-toaster"}
    return [(one.code, one.severity, one.where, one.what, one.do) for one in findings]


@pytest.mark.parametrize("layout", ["src", "."])
def test_a_project_without_faults_has_no_findings(tmp_path: Path, layout: str) -> None:
    verdict = validate(str(project(tmp_path / "p", layout=layout)))
    assert unhurried(verdict.findings) == []
    (one,) = verdict.probed
    assert one.facts["device_id"] == 99
    assert (verdict.subject.name, verdict.subject.version) == ("virtmig-toaster", "1.0")
    assert "toasting" not in sys.modules


def test_the_folder_that_one_is_in_can_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    assert found(".") == []


def test_a_wheel_without_faults_has_no_findings(tmp_path: Path) -> None:
    verdict = validate(str(wheel(tmp_path)))
    assert unhurried(verdict.findings) == []
    assert verdict.probed[0].facts["device_id"] == 99


def test_the_plugins_of_this_repository_have_no_findings() -> None:
    for name in ("virtmig-pci", "virtmig-ccw", "virtmig-net", "VIRTMIG_blk"):
        assert unhurried(validate(name).findings) == []


DECLARED = {
    "no range": (
        {'dependencies = ["virtmig>=0.1,<0.2"]': ""},
        ("no-core-range", "warning", "pyproject.toml",
         "does not say which versions of virtmig it is for",
         'add "virtmig>=0.1,<..." to dependencies in pyproject.toml'),
    ),
    "no upper bound": (
        {"virtmig>=0.1,<0.2": "virtmig>=0.1"},
        ("open-core-range", "warning", "pyproject.toml",
         "needs virtmig>=0.1, so also cores that are not made yet", "add an upper bound"),
    ),
    "another core": (
        {"virtmig>=0.1,<0.2": "virtmig>=9,<10"},
        ("core-range", "error", "pyproject.toml",
         f"needs virtmig>=9,<10; this is {__version__}",
         "pip install --upgrade virtmig virtmig-toaster"),
    ),
    "no readme": (
        {'readme = "README.md"': ""},
        ("no-readme", "warning", "pyproject.toml", "has no readme",
         'in pyproject.toml: readme = "README.md"'),
    ),
    "no licence": (
        {'license = "MIT"': ""},
        ("no-licence", "warning", "pyproject.toml", "names no licence",
         'in pyproject.toml: license = "..."'),
    ),
    "no Python": (
        {'requires-python = ">=3.11"': ""},
        ("no-python", "warning", "pyproject.toml", "does not say which Pythons it is for",
         'in pyproject.toml: requires-python = ">=3.11"'),
    ),
    "no such module": (
        {"toasting.live:plugin": "toasting.life:plugin"},
        ("module-missing", "error", "pyproject.toml",
         "virtio-toaster = 'toasting.life:plugin': there is no such module",
         "mend the entry point"),
    ),
    "no object": (
        {"toasting.live:plugin": "toasting.live"},
        ("entry-point", "error", "pyproject.toml",
         "virtio-toaster = 'toasting.live' names no object in a module",
         "write package.module:object"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "finding"), DECLARED.values(), ids=DECLARED)
def test_what_a_project_declares_wrongly_is_told(
    tmp_path: Path,
    changes: dict[str, str],
    finding: tuple[str, str, str, str, str],
) -> None:
    assert finding in found(project(tmp_path / "p", changes=changes))


def test_a_group_that_does_not_exist_is_told(tmp_path: Path) -> None:
    changes = {'"virtmig.devices"': '"virtmig.device"'}
    first, second = found(project(tmp_path / "p", changes=changes))
    groups = "virtmig.transports, virtmig.devices, virtmig.sections, virtmig.containers"
    assert first[:4] == (
        "no-drivers",
        "error",
        "pyproject.toml",
        f"has no entry point in {groups}",
    )
    assert second == (
        "unknown-group",
        "warning",
        "pyproject.toml",
        "the group 'virtmig.device' of virtio-toaster is none of virtmig's",
        f"use one of {groups}",
    )


def test_a_container_is_in_a_group_that_exists_whatever_its_name(tmp_path: Path) -> None:
    changes = {'"virtmig.devices"': '"virtmig.containers"'}
    codes = {finding[0] for finding in found(project(tmp_path / "p", changes=changes))}
    assert not codes & {"no-drivers", "unknown-group", "name-never-found"}


@pytest.mark.parametrize("name", ['"toaster"', '"virtio toaster"', '"virtio-töster"'])
def test_a_name_that_no_stream_has_is_told(tmp_path: Path, name: str) -> None:
    changes = {"virtio-toaster = ": f"{name} = "}
    findings = found(project(tmp_path / "p", changes=changes))
    assert findings[0][:4] == (
        "name-never-found",
        "error",
        "pyproject.toml",
        f"device {name.strip(chr(34))!r}: no section is named like that",
    )


def test_faults_in_the_source_have_their_line(tmp_path: Path) -> None:
    source = fakes.device(NAME, **{"def load_device(": "def laod_device("})
    findings = found(project(tmp_path / "p", source))
    line = source.splitlines().index("    def laod_device(self, device, state):") + 1
    assert findings == [
        (
            "unknown-hook",
            "error",
            f"src/toasting/live.py:{line}",
            "there is no hook laod_device",
            "did you mean load_device?",
        )
    ]


def test_a_missing_hook_is_told_beside_a_misspelt_one(tmp_path: Path) -> None:
    """Only the refusal of the misspelt name is the same fault once more."""
    source = fakes.device(NAME, **{"def describe_driver(": "def describe_drivers("})
    findings = found(project(tmp_path / "p", source))
    assert [one[0] for one in findings] == ["unknown-hook"]
    source = fakes.device(NAME, **{"@hookimpl\n    def load_device(": "def load_device("})
    findings = found(project(tmp_path / "q", source))
    assert [one[0] for one in findings] == ["contract"]


def test_a_subsection_that_no_reader_finds_is_told(tmp_path: Path) -> None:
    source = fakes.device(
        NAME,
        **{
            "hookimpl, record, wire": "hookimpl, record, subsection, wire",
            "@record()": """
                @record("crumbs")
                class Crumbs:
                    value: int = wire(be16, "a value")


                @record("toaster")""",
            '"a value")\n\n\nclass Plugin': """
                "a value")
                    crumbs: Crumbs | None = wire(subsection(Crumbs), "what is left")


                class Plugin""",
        },
    )
    ((code, _, where, what, _),) = found(project(tmp_path / "p", source))
    assert (code, where.partition(":")[0]) == ("import-failed", "toasting/live.py")
    assert "State.crumbs: a subsection of 'toaster' is named toaster/..." in what


def test_entry_points_that_are_not_installed_again_are_told(tmp_path: Path, site: Site) -> None:
    site.metadata("virtmig-toaster", "1.0", f"[virtmig.devices]\n{NAME} = toasting.old:plugin\n")
    ((code, severity, where, what, do),) = found(project(tmp_path / "p"))
    assert (code, severity, where) == ("stale-install", "warning", "pyproject.toml")
    assert "'toasting.live:plugin'" in what
    assert "'toasting.old:plugin'" in what
    assert do == "in its folder: pip install -e ."


def test_an_import_that_fails_has_its_line(tmp_path: Path) -> None:
    (finding,) = found(project(tmp_path / "p", "\nimport nothing_like_it\n"))
    assert finding[0] == "import-failed"
    assert finding[2] == "toasting/live.py:2"
    assert finding[3].endswith("ModuleNotFoundError: No module named 'nothing_like_it'")


def test_a_package_without_types_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "src/toasting/py.typed").unlink()
    assert found(folder) == [
        (
            "no-py-typed",
            "warning",
            "src/toasting",
            "toasting has no file py.typed, so type checkers do not look into it",
            "add an empty one to the package",
        )
    ]


def test_a_plugin_that_ends_the_process_does_not_end_this_one(tmp_path: Path) -> None:
    (finding,) = found(project(tmp_path / "p", "import os\nos._exit(0)\n"))
    assert finding[0] == "import-ends-process"


def test_what_is_made_while_building_is_said_to_be_unseen(tmp_path: Path) -> None:
    changes = {'dependencies = ["virtmig>=0.1,<0.2"]': 'dynamic = ["dependencies"]'}
    assert found(project(tmp_path / "p", changes=changes))[0] == (
        "dynamic",
        "warning",
        "pyproject.toml",
        "dependencies are made while building, so they are not seen here",
        "validate the built wheel",
    )


def test_a_name_that_is_taken_is_told_with_its_owner(tmp_path: Path, site: Site) -> None:
    site.add(NAME, fakes.device(NAME), dist="bread", version="2.5")
    assert found(project(tmp_path / "p")) == [
        (
            "name-taken",
            "error",
            "toasting.live:plugin",
            "device virtio-toaster: bread 2.5 brings it too, so neither is used",
            "uninstall one of the two, or leave it out of VIRTMIG_LOAD_PLUGINS",
        )
    ]


def test_a_device_id_that_is_taken_is_a_note(tmp_path: Path, site: Site) -> None:
    """QEMU itself has two devices with one id, so it may be right."""
    site.add("virtio-oven", fakes.device("virtio-oven"), dist="bread", version="2.5")
    assert found(project(tmp_path / "p")) == [
        (
            "device-id-shared",
            "note",
            "toasting.live:plugin",
            (
                "virtio device id 99: virtio-oven of bread 2.5 and virtio-toaster of "
                "virtmig-toaster 1.0 have it"
            ),
            "right only if QEMU has two devices of that id",
        )
    ]


def test_a_path_that_is_taken_is_told(site: Site) -> None:
    source = fakes.transport("virtio-bus", "0000:.*")
    module = site.add("virtio-bus", source, group="virtmig.transports", dist="virtmig-toaster")
    (finding,) = [one for one in validate("virtmig-toaster").findings if one.severity == "error"]
    assert finding.code == "path-taken"
    assert "virtio-pci of virtmig-pci" in finding.what
    assert "virtio-bus of virtmig-toaster 1.0" in finding.what
    assert finding.what.startswith("path '0000:00:02.0': ")
    assert module not in sys.modules


def test_a_rival_that_is_broken_is_not_this_plugins_fault(tmp_path: Path, site: Site) -> None:
    site.add("virtio-oven", "import os\nos._exit(1)", dist="bread")
    assert found(project(tmp_path / "p")) == []


WRONG = {
    "nothing": ("nonsense", "nonsense is neither installed nor a folder nor a wheel"),
    "a folder of that name": (
        "folder",
        "folder is not installed, and the folder of this name has no pyproject.toml",
    ),
    "a file of that name": ("file", "file is not installed, and the file of this name is no wheel"),
    "a folder": ("./folder", "./folder is no wheel, and no folder with a pyproject.toml"),
    "no project": ("empty", "pyproject.toml has no table [project] with a name"),
    "no toml": ("odd", "pyproject.toml cannot be read: TOMLDecodeError: "),
    "no zip": ("x.whl", "x.whl cannot be read as a wheel: BadZipFile: File is not a zip file"),
    "no wheel": ("y.whl", "y.whl cannot be read as a wheel: ValueError: "),
}


@pytest.mark.parametrize(("target", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_distribution_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("empty", "[tool.x]\n"), ("odd", "[["), ("folder", None)):
        (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / "pyproject.toml").write_text(text)
    (tmp_path / "file").touch()
    (tmp_path / "x.whl").write_bytes(b"no zip")
    wheel(tmp_path, metadata="").rename(tmp_path / "y.whl")
    with pytest.raises(PluginError) as caught:
        validate(target)
    assert message in caught.value.reason


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (NAME, f"the driver {NAME} is of bread: virtmig plugins validate bread"),
        ("virtio-9p", "the driver virtio-9p is of virtmig-9p, which is not installed"),
    ],
)
def test_the_name_of_a_driver_is_no_distribution(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    site.add(NAME, fakes.device(NAME), dist="bread")
    known = scan()
    here = Scan([one for one in known.drivers if one.distribution != "virtmig-9p"], [])
    monkeypatch.setattr("virtmig.checking.validate.scan", lambda: here)
    with pytest.raises(PluginError) as caught:
        validate(name)
    assert caught.value.hint == hint


def test_an_installed_distribution_without_metadata_is_told(site: Site) -> None:
    site.add(NAME, fakes.device(NAME), dist="virtmig-toaster")
    info = site.folder / "virtmig_toaster-1.0.dist-info"
    (info / "METADATA").write_bytes(b"Name: \xff\n")
    first = validate("virtmig-toaster").findings[0]
    assert (first.code, first.severity) == ("metadata", "error")
    assert first.where == str(info)
    assert first.what.startswith("its METADATA cannot be read: UnicodeDecodeError")
    assert first.do == "install the distribution again"


def test_a_wheel_with_odd_metadata_is_told(tmp_path: Path) -> None:
    odd = METADATA.replace("virtmig<0.2,>=0.1", "virtmig ~> 0.1")
    (finding,) = [one for one in found(wheel(tmp_path, metadata=odd)) if one[1] == "error"][:1]
    assert finding[0] == "core-range"
    assert "'virtmig ~> 0.1'" in finding[3]


def test_a_finding_has_a_place_and_a_cure(tmp_path: Path) -> None:
    source = "from virtmig.wire.types import u8\n" + fakes.device(
        NAME, **{"version=1": "version=-1"}
    )
    findings = unhurried(validate(str(project(tmp_path / "p", source))).findings)
    assert {one.code for one in findings} == {"imports-core", "versions"}
    for one in findings:
        assert isinstance(one, Finding)
        assert one.where
        assert one.do
