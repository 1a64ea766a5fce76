"""Views of decoded state: trees, JSON, CBOR, text."""
