"""The law of a transport's queues: what is loaded for one of them changes no other one."""

from __future__ import annotations

from typing import Any

from virtmig.errors import LoadRefused, shown
from virtmig.live.device import VirtioDevice
from virtmig.testing.draw import Draw
from virtmig.testing.kit import law
from virtmig.testing.laws.live import LiveKit, unlike_attributes
from virtmig.testing.looking import attributes, frozen
from virtmig.testing.report import LawBroken
from virtmig.testing.whole import LIVE
from virtmig.virtio.state import VirtioState


class QueueLaws(LiveKit):
    """What holds for what a transport keeps of each queue."""

    @law
    def test_queue_by_queue(self) -> None:
        """What a state has for one queue is put on that queue of the device, and on no other."""
        self.each_random(self._queue_by_queue, 10)

    def _queue_by_queue(self, draw: Draw) -> None:
        bench = self.bench()
        setting = bench.draw_state(draw)
        state, _ = bench.payload(bench.save(bench.scrambled(setting, draw)))
        before = self._on_each(state, setting)
        parts, drawn = bench.parts(state), bench.parts(setting)
        for path in before:
            now = self._on_each(bench.put(state, {path: drawn[path]}), setting)
            if drawn[path] != parts[path]:
                self._others(path, before, now)

    def _others(self, path: str, before: dict[str, Any], now: dict[str, Any]) -> None:
        for other in (one for one in now if one != path):
            for name, one, two in unlike_attributes(before[other], now[other]):
                do = "let load_queue and save_queue work on transport.device.queues[index] alone"
                text = f"with another state of {path} it is {shown(two)} after a load, not "
                text += shown(one)
                raise LawBroken(text, do=do, field=f"{other}.{name}", first=LIVE)

    def _on_each(self, state: VirtioState, setting: VirtioState) -> dict[str, Any]:
        """What lies on each queue of a device with that state in it; nothing if it is refused."""
        device: VirtioDevice = self.bench().fresh(setting)
        try:
            self.bench().load(device, state)
        except LoadRefused:
            return {}
        return {
            f"queues[{queue.index}]": {
                name: frozen(value) for name, value in attributes(queue).items() if name != "phase"
            }
            for queue in device.active_queues
        }
