"""`SectionConformance`: the laws of a driver of sections without virtio."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from virtmig.testing.laws.annotations import AnnotationLaws
from virtmig.testing.laws.description import DescriptionLaws
from virtmig.testing.laws.docs import DocLaws
from virtmig.testing.laws.facts import FactLaws
from virtmig.testing.laws.goldens import GoldenLaws
from virtmig.testing.laws.marks import MarkLaws
from virtmig.testing.laws.package import PackageLaws
from virtmig.testing.laws.parents import ParentLaws
from virtmig.testing.laws.tables import TableLaws
from virtmig.testing.sections import SectionBench


class SectionConformance(
    PackageLaws,
    MarkLaws,
    ParentLaws,
    TableLaws,
    DocLaws,
    GoldenLaws,
    FactLaws,
    AnnotationLaws,
    DescriptionLaws,
):
    """The laws of a plugin for whole sections that have no virtio core (`scsi-disk`)."""

    kind: ClassVar[str] = "section"
    own_parts: ClassVar[tuple[str, ...]] = ("fields",)

    def bench(self) -> SectionBench:
        return self._bench

    @cached_property
    def _bench(self) -> SectionBench:
        return SectionBench(self.subject)
