"""Virtio state as typed values. Direction of flow: section bytes ⇄ `VirtioState`.

Start with `state` (the five parts), then `order` (the documented steps), then `envelope` (one
section, parsed and unparsed in that order).
"""
