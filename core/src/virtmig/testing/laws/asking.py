"""Laws of feature bits: what hooks ask for is a feature that the driver has, where it is known."""

from __future__ import annotations

from virtmig.errors import LoadRefused
from virtmig.testing.asking import LowHalf, asked_features
from virtmig.testing.bench import evolved
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit
from virtmig.testing.report import LawBroken
from virtmig.virtio.features import COMMON

EXAMPLES = 12


class AskingLaws(LiveKit):
    """What holds for the features that hooks look at."""

    @law
    def test_feature_bits(self) -> None:
        """Hooks ask for feature bits that the driver names, and in the low word for low ones."""
        names = {**COMMON, **getattr(self.subject.driver, "features", {})}
        with asked_features(self.subject.package) as asked:
            self.each_random(self._load_and_save, EXAMPLES)
        for bit, where in asked.items():
            if bit not in names:
                do = f"ask for a bit that the driver has, or add {bit}: its name to `features`"
                found = f"{where} asks for feature bit {bit}, which has no name"
                raise LawBroken(found, do=do, field="has_feature")
        for bit, where in asked.low.items():
            do = f"use device.has_feature({bit}) in post_load, or when the device is saved"
            found = f"{where} looks for bit {bit} in guest_features_lo, which has bits 0 to 31"
            raise LawBroken(found, do=do, field="guest_features_lo")

    def _load_and_save(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        saved = bench.save(bench.scrambled(setting, draw))
        low = LowHalf(saved.common.guest_features_lo)
        state = evolved(saved, common=evolved(saved.common, guest_features_lo=low))
        device = bench.fresh(setting)
        try:
            bench.load(device, state)
        except LoadRefused:
            return
        bench.save(device)
