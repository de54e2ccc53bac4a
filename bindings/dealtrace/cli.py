"""The command line: what goes in, what comes out, and what is said when it cannot.

Exit codes: 0 done; 1 bad input or an output that cannot be written, with one line on stderr; 2 wrong usage;
130 stopped by Ctrl-C. `check` says 1 for violated rules, and 2 for all else that is wrong.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence

from dealtrace.commands.arguments import COLUMNS, parser

HANDLERS = {
    "analyze": "dealtrace.commands.analyze",
    "check": "dealtrace.commands.check",
    "import": "dealtrace.commands.importing",
    "info": "dealtrace.commands.info",
    "kpis": "dealtrace.commands.kpis",
    "mapping": "dealtrace.commands.mapping",
    "demo": "dealtrace.commands.demo",
    "warmup": "dealtrace.commands.warmup",
}
DONE, FAILED, INTERRUPTED = 0, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    failed = FAILED
    try:
        arguments = parser().parse_args(argv)
        handler = importlib.import_module(HANDLERS[arguments.command])
        failed = getattr(handler, "FAILED", FAILED)
        code = int(handler.run(arguments) or DONE)
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else DONE
    except BrokenPipeError:
        return _nobody_reads()
    except KeyboardInterrupt:
        return _say("dealtrace: interrupted", INTERRUPTED)
    except BaseException as error:  # noqa: BLE001  the one place where every error becomes one line
        return _say(f"dealtrace: error: {_told(error)}", failed)


def _told(error: BaseException) -> str:
    from dealtrace_engine.errors import DealtraceError

    if isinstance(error, DealtraceError):
        hint = " ".join((error.hint or "").split())
        return str(error).replace(hint, _in_options(hint)) if hint else str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or read fewer files at a time"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"unexpected {what}; this should not happen, set DEALTRACE_DEBUG=1 to see where, and report it"


def _in_options(hint: str) -> str:
    """Say what to do in the words of the command line: ``case_id=`` is ``--case`` here."""
    for option, (name, _) in COLUMNS.items():
        hint = re.sub(rf"\b{name}=", f"--{option}", hint)
    hint = hint.replace("shape=", "--shape").replace("language=", "--lang")
    return re.sub(r"\b(timezone|timestamp_format|delimiter|quote|encoding|strict)=",
                  lambda found: f"--{found[1].replace('_', '-')}", hint)  # fmt: skip


def _say(line: str, code: int) -> int:
    if os.environ.get("DEALTRACE_DEBUG"):
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"{line}\n")
    return code


def _nobody_reads() -> int:
    """Let the interpreter flush into nothing; the reader of the output, such as `head`, has had enough."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


if __name__ == "__main__":
    sys.exit(main())
