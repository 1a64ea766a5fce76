"""The `virtmig` command: finds the subcommand, and turns errors into messages and exit codes.

Exit codes: 0 done, 1 findings, 2 wrong usage, 3 stream or decode error, 4 plugin or missing
fact, 5 refused by the live device.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from virtmig import __version__
from virtmig.cli.lazy import LazyGroup
from virtmig.errors import VirtmigError

COMMANDS = {
    "inspect": "Show every virtio device of a stream as a readable tree.",
    "sections": "List the sections of a stream.",
    "load": "Load a stream's devices into live objects, hook by hook; save them again.",
    "pack": "Write the devices of a stream into one CBOR file.",
    "unpack": "Turn a CBOR file back into sections, or put them into a stream.",
    "edit": "Change values in a stream, judged before they are written.",
    "convert": "Write a stream into another kind of file.",
    "filter": "Change or check a stream on its way through a pipe.",
    "diff": "Say what differs in the state of two streams.",
    "explain": "Say which field owns a byte of a section.",
    "repair": "Mend what keeps QEMU from loading a stream.",
    "plugins": "Say what plugins are installed, and what is wrong with them.",
}


@click.command(
    cls=LazyGroup,
    summaries=COMMANDS,
    package="virtmig.cli",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="virtmig")
def virtmig() -> None:
    """Decode, check and rewrite the virtio state of QEMU migration streams.

    FILE is a stream that QEMU wrote, for instance with `migrate "exec:cat > FILE"`.
    """


def run(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `virtmig` script; ends the process."""
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):  # a file name may be no text in any encoding
            output.reconfigure(errors="backslashreplace")
    try:
        code = virtmig.main(arguments, prog_name="virtmig", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output left; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("virtmig: interrupted", err=True)
        code = 130
    except VirtmigError as error:
        click.echo(f"virtmig: {type(error).__name__}: {error}", err=True)
        code = error.exit_code
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"virtmig: {place}{error.strerror or error}", err=True)
        code = 3
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    run()
