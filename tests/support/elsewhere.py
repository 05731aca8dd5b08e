"""What a program says in another process: with keys of its own, and another order of sets."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.source import ROOT


def said_elsewhere(program: str, hash_seed: str, *, timeout_s: float = 50) -> str:
    """The program's output. It sees the project as tests do."""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=timeout_s,
    )
    return ran.stdout
