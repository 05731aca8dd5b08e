"""The command line ``payport``: demo, resume, explain, doctor, report and more. Needs the extra ``cli``."""

from __future__ import annotations

import sys

EXTRAS = ("typer", "rich", "segno")


def main() -> None:
    """Run the command in ``sys.argv``. Ends the process: 0 well, 1 not well, 2 wrong use or configuration."""
    try:
        from payport.sdk.cli.commands import run  # noqa: PLC0415 - typer and rich are an extra

        run()
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        print(f'payport: {error.name} is not installed; run: pip install "payport[cli]"', file=sys.stderr)  # noqa: T201 - a program
        sys.exit(2)
