"""What a plugin is called: all names follow from its driver's."""

from __future__ import annotations

import re

import attrs

from virtmig.scaffold import Refused

DRIVER = re.compile(r"(?:virtio|vhost)-[a-z0-9]+(?:[-_][a-z0-9]+)*")
LONGEST = 40
LONGEST_PREFIX = 20
LEADING = re.compile(r"(?:virtio|virtmig)[-_]")


@attrs.frozen
class Names:
    """Names of a plugin. driver: of its entry point, which is what streams call the device."""

    driver: str

    @property
    def short(self) -> str:
        """The driver's name without `virtio-`: `echo`."""
        return re.sub(r"^virtio-", "", self.driver).replace("_", "-")

    @property
    def distribution(self) -> str:
        """What `pip install` takes, and the folder: `virtmig-echo`."""
        return f"virtmig-{self.short}"

    @property
    def package(self) -> str:
        """What Python imports: `virtmig_echo`."""
        return self.distribution.replace("-", "_")

    @property
    def prefix(self) -> str:
        """What its classes start with: `Echo`, `VhostUserFs`; short enough for a line of code."""
        words = "".join(word.capitalize() for word in self.short.split("-"))
        if words[0].isdigit():
            words = f"Virtio{words.lower()}"
        return words if len(words) <= LONGEST_PREFIX else "Device"


def names_of(text: str) -> Names:
    """The names of a plugin for a driver; refuses what no stream could call a device."""
    if DRIVER.fullmatch(text):
        if len(text) > LONGEST:
            raise Refused(f"{text!r} is longer than {LONGEST} characters")
        return Names(text)
    guess = LEADING.sub("", re.sub(r"[^a-z0-9_-]+", "-", text.strip().lower())).strip("-_")
    guess = f"virtio-{guess}"
    meant = f"; did you mean {guess}?" if DRIVER.fullmatch(guess) else ""
    raise Refused(
        f"{text!r} is not the name of a virtio device, which is what QEMU calls it in a stream, "
        f"like virtio-echo or vhost-user-fs{meant}"
    )
