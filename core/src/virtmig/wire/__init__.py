"""Records and their bytes; knows no virtio. Direction of flow: bytes ⇄ records.

`types` says how one value lies on the wire, `record` declares records of such values, `layout`
compiles a declaration once, and `codec` is the only walk over fields in the project.
"""
