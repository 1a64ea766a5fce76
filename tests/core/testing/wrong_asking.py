"""Devices that ask for the wrong features, refuse in the wrong way, or show what they should not."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import LOAD_END, Wrong

BITS = "device.modern = 2 if device.has_feature(WIDE) else 1"
VIEW = '    return {"answered"'
IMPORTS = "import attrs\n"
LENGTH = "    length: int = wire(be16.upto(512)"
VERSIONED = {
    '@record("virtio-echo-device/log")': '@record("virtio-echo-device/log", version=2, minimum=1)',
    LENGTH: '    version_id: int = wire(header_version, "2")\n    length: int = wire(be16.upto(512)',
    "import (\n    Condition,": "import (\n    header_version, Condition,",
    "Log(length=": "Log(version_id=2, length=",
}
CHECK = "        if (state.volume is not None) is not"

ASKING = {
    "a feature bit without a name": Wrong(
        "feature_bits",
        {BITS: BITS.replace("WIDE", "51")},
        "has_feature",
        "in post_load asks for feature bit 51",
    ),
    "a high feature in the low word": Wrong(
        "feature_bits",
        {BITS: BITS.replace("has_feature(WIDE)", "guest_features_lo >> WIDE & 1")},
        "guest_features_lo",
        "use device.has_feature(50)",
    ),
    "a high feature in a mask of the low word": Wrong(
        "feature_bits",
        {BITS: BITS.replace("device.has_feature(WIDE)", "1 << WIDE & device.guest_features_lo")},
        "guest_features_lo",
        "looks for bit 50",
    ),
    "a refusal that is the core's": Wrong(
        "refusals",
        {
            'raise DeviceMismatch("an empty': 'raise LoadRefused("an empty',
            "import DeviceDriver,": "import LoadRefused, DeviceDriver,",
        },
        "device.log",
        "raise DeviceMismatch",
    ),
    "a feature in QEMU's spelling": Wrong(
        "features", {'WIDE: "WIDE"': 'WIDE: "VIRTIO_ECHO_F_WIDE"'}, "features[50]", "write 'WIDE'"
    ),
    "a feature named twice in another case": Wrong(
        "features", {'WIDE: "WIDE"': 'WIDE: "Echo"'}, "features[50]", "bit 0 too"
    ),
    "a view of the day": Wrong(
        "view",
        {
            IMPORTS: f"import time\n{IMPORTS}",
            VIEW: '    return {"at": int(time.time()), "answered"',
        },
        "view",
        "no clock",
    ),
    "a view that prints": Wrong("view", {VIEW: f"    print(state.tag)\n{VIEW}"}, "view", "printed"),
    "a hook that writes past sys.stderr": Wrong(
        "silent",
        {
            IMPORTS: f"import os\n{IMPORTS}",
            LOAD_END: f"{LOAD_END}        os.write(2, b'loading')\n",
        },
        "hooks",
        "printed 'loading'",
    ),
    "a load that warns": Wrong(
        "silent",
        {
            IMPORTS: f"import logging\n{IMPORTS}",
            LOAD_END: f"{LOAD_END}        logging.getLogger(__name__).warning('%d loaded', 1)\n",
        },
        "hooks",
        "logged '1 loaded' as WARNING",
    ),
}
NOTES = {
    "a subsection whose versions are one": (
        "versions",
        VERSIONED,
        "Log: versions 1 to 2 are laid out the same",
    ),
    "queues with numbers": (
        "queue_names",
        {'("requestq", "answerq")': '("requestq0", "requestq1")'},
        "if they are queues of one role, write it once",
    ),
    "a count in the plugin object": (
        "no_side_effects",
        {LOAD_END: f"{LOAD_END}        self.loads = getattr(self, 'loads', 0) + 1\n"},
        "VirtioEcho.loads changes in a load",
    ),
    "a hook that waits": (
        "no_side_effects",
        {IMPORTS: f"import time\n{IMPORTS}", LOAD_END: f"{LOAD_END}        time.sleep(0.05)\n"},
        "does a hook wait for something?",
    ),
    "a count without a bound": (
        "hostile_counts",
        {"be16.upto(256)": "be32"},
        "EchoState.points_len may ask for 4294967295 items",
    ),
    "a device that refuses everything": (
        "any_state",
        {CHECK: "        raise DeviceMismatch('not today', path='device.tag')\n" + CHECK},
        "drawn states were refused, the first with 'not today'",
    ),
}
