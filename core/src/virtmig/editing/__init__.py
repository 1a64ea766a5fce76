"""Changes of a stream that were asked for: understood, judged, and only then written."""
