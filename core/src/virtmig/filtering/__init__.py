"""Edits and checks of a stream that flows through a pipe: what was asked for, judged on the way."""
