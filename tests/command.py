"""The command line within the process of the tests, which spares them seconds of imports."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from backbones.__main__ import main


@dataclass(frozen=True)
class Done:
    """What a command ended with and said."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments) -> Done:
    """Run `bonesoup ARGUMENTS`."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with patch.object(sys, "argv", ["bonesoup", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            if isinstance(stop.code, str):
                print(stop.code, file=err)
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return Done(code, out.getvalue(), err.getvalue())
