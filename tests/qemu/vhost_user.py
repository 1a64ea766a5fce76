"""Back-ends for vhost-user devices: enough of the protocol that QEMU starts and saves a device.

The back-end answers every request and serves no queue: what a guest asks of the device stays
unanswered. Each message is a request number, flags and a size, then that many bytes.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.qemu.device_case import Backend
    from tests.qemu.machine import Qemu

HEADER = struct.Struct("<III")
VERSION, REPLY, NEED_REPLY = 1, 1 << 2, 1 << 3
GET_FEATURES, SET_LOG_BASE, GET_VRING_BASE, GET_PROTOCOL_FEATURES = 1, 6, 11, 15
GET_QUEUE_NUM, GET_CONFIG, GET_MAX_MEM_SLOTS, GET_STATUS = 17, 24, 36, 40
SET_DEVICE_STATE_FD, CHECK_DEVICE_STATE = 42, 43
LOG_ALL, USER_PROTOCOL, VERSION_1 = 1 << 26, 1 << 30, 1 << 32
# of a network card: address, merged buffers, link status, control queue with its uses
NET = sum(1 << bit for bit in (5, 15, 16, 17, 18, 19, 20, 21, 23))
# several queues, shared log, acknowledgements, configuration space, back-end state
MQ, LOG_SHMFD, REPLY_ACK, CONFIG, DEVICE_STATE = 1, 1 << 1, 1 << 3, 1 << 9, 1 << 19
# requests in flight in shared memory, and stopping a queue without finishing them (QEMU 11)
GET_INFLIGHT_FD, INFLIGHT_SHMFD, VRING_BASE_INFLIGHT = 31, 1 << 12, 1 << 20
INFLIGHT = b"requests in flight, ".ljust(4096, b"\0")
NO_DESCRIPTOR = 1 << 8  # in the answer to SET_DEVICE_STATE_FD: take the one you sent
STATE = b"state of the back-end, " * 9
# first bytes of a configuration space a device does not start without
CONFIGS = {"blk": struct.pack("<QII", 1 << 17, 0, 126).ljust(34, b"\0") + struct.pack("<H", 1)}


@contextlib.contextmanager
def serving(machine: Qemu, backend: Backend) -> Iterator[None]:
    """Serve a socket in the machine's folder until the machine is gone."""
    place = machine.work / backend.socket
    if backend.kind == "storage-daemon":
        with _storage_daemon(machine.work, backend.socket):
            yield
        return
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen(4)
    threading.Thread(target=_accept, args=(listener, backend.kind), daemon=True).start()
    try:
        yield
    finally:
        listener.close()


@contextlib.contextmanager
def _storage_daemon(work: Path, name: str) -> Iterator[None]:
    """QEMU's own back-end for disks."""
    words = ["qemu-storage-daemon", "--blockdev", "file,node-name=d0,filename=disk0.img"]
    words += [
        "--export",
        f"vhost-user-blk,id=e0,node-name=d0,writable=on,addr.type=unix,addr.path={name}",
    ]
    process = subprocess.Popen(words, cwd=work)
    try:
        while process.poll() is None and not (work / name).exists():
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait(20)


def _accept(listener: socket.socket, kind: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, kind), daemon=True).start()


def _serve(connection: socket.socket, kind: str) -> None:
    """Answer one connection until QEMU closes it."""
    kept: list[int] = []
    with connection, contextlib.suppress(OSError):
        while True:
            data, descriptors, _, _ = socket.recv_fds(connection, HEADER.size, 16)
            if len(data) < HEADER.size:
                break
            request, flags, size = HEADER.unpack(data)
            kept += descriptors if request != SET_DEVICE_STATE_FD else []
            body = b""
            while len(body) < size:
                body += connection.recv(size - len(body))
            answer = _answer(kind, request, body, descriptors)
            if answer is None and flags & NEED_REPLY:
                answer = bytes(8)
            if answer is not None:
                sent = [_region()] if request == GET_INFLIGHT_FD else []
                message = HEADER.pack(request, VERSION | REPLY, len(answer)) + answer
                socket.send_fds(connection, [message], sent)
                kept += sent
    for descriptor in kept:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _region() -> int:
    """Memory for the requests that are in flight."""
    region = os.memfd_create("inflight")
    os.truncate(region, len(INFLIGHT))
    os.pwrite(region, INFLIGHT, 0)
    return region


def _answer(kind: str, request: int, body: bytes, descriptors: list[int]) -> bytes | None:
    """The answer to a request, None if it wants none."""
    number = {
        GET_FEATURES: _features(kind),
        GET_PROTOCOL_FEATURES: _protocol_features(kind),
        GET_QUEUE_NUM: 16,
        SET_LOG_BASE: 0,
        GET_MAX_MEM_SLOTS: 32,
        GET_STATUS: 0,
        SET_DEVICE_STATE_FD: NO_DESCRIPTOR,
        CHECK_DEVICE_STATE: 0,
    }.get(request)
    if request == SET_DEVICE_STATE_FD and descriptors:
        with os.fdopen(descriptors[0], "wb") as pipe:  # QEMU reads until nobody holds it any more
            pipe.write(STATE)
    if request == GET_VRING_BASE:
        return body[:4] + bytes(4)
    if request == GET_INFLIGHT_FD:  # size and offset of the region, then the numbers of queues
        return struct.pack("<QQ", len(INFLIGHT), 0) + body[16:]
    if request == GET_CONFIG:
        offset, size, _ = struct.unpack_from("<III", body)
        content = CONFIGS.get(kind.partition("-")[0], b"").ljust(4096, b"\0")
        return body[:12] + content[offset : offset + size]
    return None if number is None else struct.pack("<Q", number)


def _features(kind: str) -> int:
    features = VERSION_1 | USER_PROTOCOL | (0 if "unlogged" in kind else LOG_ALL)
    return features | (NET if kind == "net" else 0)


def _protocol_features(kind: str) -> int:
    features = MQ | LOG_SHMFD | REPLY_ACK | CONFIG
    more = {"fs": DEVICE_STATE, "blk-inflight": INFLIGHT_SHMFD | VRING_BASE_INFLIGHT}
    return features | more.get(kind, 0)
