"""Views of `VirtioState`: plain trees, JSON, CBOR, text. No bytes of a stream are made here."""
