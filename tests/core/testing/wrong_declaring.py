"""Devices whose description, hooks or package are wrong in one place."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

from tests.core.testing.wrong import HOOK, Wrong

DECLARING = {
    "an argument is misspelled": Wrong(
        "contract",
        {
            "def load_device(self, device: LiveEcho, state: EchoState)": "def load_device(self, devise: LiveEcho, state: EchoState)"
        },
        "hooks",
        "it is given device, state",
    ),
    "a hook that is none": Wrong(
        "contract",
        {"def post_load": "def postload"},
        "hooks",
        "there is no hook postload did you mean post_load? all hooks: describe_driver, ",
    ),
    "a plugin class in place of an object": Wrong(
        "contract", {"plugin = VirtioEcho()": "plugin = VirtioEcho"}, "hooks", "instance"
    ),
    "an object that is not hashable": Wrong(
        "contract",
        {"class VirtioEcho:": "@attrs.define\nclass VirtioEcho:"},
        "hooks",
        "eq=False",
    ),
    "another name": Wrong(
        "contract", {'name="virtio-echo"': 'name="virtio-ecko"'}, "hooks", "same name"
    ),
    "a condition on a feature without a name": Wrong(
        "feature_conditions",
        {'when=if_feature(1, "PITCH")': 'when=if_feature(3, "PITCH")'},
        "EchoState.pitch",
        "bit 3",
    ),
    "a condition that misnames its feature": Wrong(
        "feature_conditions",
        {'when=if_feature(1, "PITCH")': 'when=if_feature(1, "PATCH")'},
        "EchoState.pitch",
        "PATCH",
    ),
    "a feature of all devices": Wrong("contract", {'WIDE: "WIDE"': '33: "WIDE"'}, "features"),
    "a reserved feature": Wrong(
        "features", {'WIDE: "WIDE"': '42: "WIDE"'}, "features[42]", "24 to 49"
    ),
    "a feature named twice": Wrong("features", {'WIDE: "WIDE"': 'WIDE: "ECHO"'}, "features[50]"),
    "a feature without a name": Wrong("features", {'WIDE: "WIDE"': 'WIDE: " "'}, "features[50]"),
    "the id of another device": Wrong("device_id", {"device_id=99": "device_id=2"}, "device_id"),
    "queues with one name": Wrong(
        "queue_names", {'"requestq", "answerq"': '"requestq", "requestq"'}, "queue_names"
    ),
    "a control queue that is none": Wrong(
        "queue_names", {'"requestq", "answerq"': '"requestq",'}, "queue_names", "left over"
    ),
    "a description that changes": Wrong(
        "driver_is_constant",
        {
            "    @hookimpl\n    def describe_driver": "    n = 98\n\n    @hookimpl\n    def describe_driver",
            "        return DeviceDriver(": "        self.n += 1\n        return DeviceDriver(",
            "device_id=99": "device_id=self.n",
        },
        "device_id",
    ),
    "since a version that is not declared": Wrong(
        "versions", {"when=since(2)": "when=since(3)"}, "EchoState.gain", "since version 3"
    ),
    "a subsection that is not its parent's": Wrong(
        "contract",
        {'@record("virtio-echo-device/log")': '@record("virtio-echo/log")'},
        "entry point",
        "EchoState.log: a subsection of 'virtio-echo-device' is named virtio-echo-device/...",
    ),
    "imports what is not promised": Wrong(
        "distribution",
        {"import attrs\n": "import attrs\nfrom virtmig.wire.codec import decode_layout\n"},
        "live.py",
        "virtmig.api",
    ),
    "imports what it does not declare": Wrong(
        "imports", {"import attrs\n": "import attrs\nimport pytest\n"}, "live.py", "dependencies"
    ),
    "imports another plugin": Wrong(
        "imports", {"import attrs\n": "import attrs\nimport virtmig_blk\n"}, "live.py", "alone"
    ),
    "prints on import": Wrong(
        "import_does_nothing", {"import attrs\n": "import attrs\nprint('here')\n"}, "", "prints"
    ),
    "opens a socket on import": Wrong(
        "import_does_nothing",
        {
            "import attrs\n": "import attrs\nimport socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.close()\n"
        },
        "live",
        "socket.bind",
    ),
    "changes the environment on import": Wrong(
        "import_does_nothing",
        {"import attrs\n": "import os\nimport attrs\nos.environ['ECHO'] = '1'\n"},
        "live",
        "putenv",
    ),
    "cannot be imported": Wrong(
        "contract",
        {"import attrs\n": "import attrs\nimport no_such_thing\n"},
        "entry point",
        "work",
    ),
    "a method twice": Wrong(
        "methods_once",
        {
            HOOK: "    @hookimpl\n    def post_load(self, device: LiveEcho) -> None:\n"
            "        device.modern = 1\n\n" + HOOK
        },
        "live.py",
        "twice",
    ),
    "a field twice": Wrong(
        "contract",
        {"    muted: bool": '    limit: int = wire(be16, "again, by mistake")\n    muted: bool'},
        "entry point",
        "EchoState.limit is declared twice",
    ),
}
