"""What of tox's settings follows from the folders in plugins/; tox.ini has all else.

Adds the environments isolated-NAME to the list. For use in tox.ini it gives them `{plugin}`,
`{folder}`, and `{beside}`, the plugins that the tests of this one need; and to all environments the
`{packages}` of all distributions.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from tox.config.loader.memory import MemoryLoader
from tox.plugin import impl

if TYPE_CHECKING:
    from tox.config.sets import ConfigSet, EnvConfigSet
    from tox.session.state import State

ROOT = Path(__file__).with_name("plugins")
FOLDERS = sorted(settings.parent.name for settings in ROOT.glob("*/pyproject.toml"))
PLUGINS = {folder: folder.removeprefix("virtio-") for folder in FOLDERS}
ISOLATED = {f"isolated-{plugin}": folder for folder, plugin in PLUGINS.items()}
PACKAGES = ["virtmig", *(f"virtmig_{plugin.replace('-', '_')}" for plugin in PLUGINS.values())]


def beside(folder: str) -> str:
    """Plugins that the extra `testing` of this one requires: its goldens take their drivers too."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    wanted = project.get("optional-dependencies", {}).get("testing", [])
    found = [re.match(r"virtmig-([\w-]+)", requirement) for requirement in wanted]
    return " ".join(match[1] for match in found if match)


@impl
def tox_extend_envs() -> tuple[str, ...]:
    """Make the environments known."""
    return tuple(ISOLATED)


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:
    """Let them be run by default, with the settings of [testenv:isolated]."""
    envs = core_conf["env_list"].envs
    behind = envs.index("isolated-core") + 1
    envs[behind:behind] = ISOLATED
    for env in ISOLATED:
        state.conf.memory_seed_loaders[env].append(
            MemoryLoader(base=["testenv:isolated", "testenv"])
        )


@impl
def tox_add_env_config(env_conf: EnvConfigSet) -> None:
    """Tell tox.ini what an environment is for."""
    folder = ISOLATED.get(env_conf.name, "")
    words = {
        "plugin": PLUGINS.get(folder, ""),
        "folder": folder,
        "beside": beside(folder) if folder else "",
        "packages": ",".join(PACKAGES),
    }
    for name, word in words.items():
        env_conf.add_config(name, of_type=str, default=word, desc=f"set by toxfile.py: {name}")
