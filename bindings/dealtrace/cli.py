"""The command line: what goes in, what comes out, and what is said when it cannot.

Exit codes: 0 done; 1 bad input or an output that cannot be written, with one line on stderr; 2 wrong usage;
130 stopped by Ctrl-C, 143 by SIGTERM. `check` says 1 for violated rules, and 2 for all else that is wrong. A
reader that leaves early, such as `head`, and a closed stdout change no code.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from dealtrace.commands.arguments import check_language, in_options, parser
from dealtrace.commands.streams import ready, say, while_read

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
DONE, FAILED, INTERRUPTED, TERMINATED = 0, 1, 130, 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.
    """
    ready()
    failed, code = FAILED, DONE
    try:
        with _sigterm_unwinds(), while_read():
            arguments = parser().parse_args(argv)
            handler = importlib.import_module(HANDLERS[arguments.command])
            failed = getattr(handler, "FAILED", FAILED)
            check_language(arguments)
            code = int(handler.run(arguments) or DONE)
        return code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else DONE
    except _Terminated:
        return _say("dealtrace: terminated", TERMINATED)
    except KeyboardInterrupt:
        return _say("dealtrace: interrupted", INTERRUPTED)
    except BaseException as error:  # noqa: BLE001  the one place where every error becomes one line
        return _say(f"dealtrace: error: {_told(error)}", failed)


class _Terminated(BaseException):
    """The process is asked to end."""


@contextlib.contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that nothing half-written is left."""
    if threading.current_thread() is not threading.main_thread():  # only there can it be caught
        yield
        return

    def terminate(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _told(error: BaseException) -> str:
    from dealtrace_engine.errors import DealtraceError

    if isinstance(error, DealtraceError):
        hint, told = " ".join((error.hint or "").split()), str(error)
        if error.what.startswith(("as_of ", "until ")):
            told = told.replace(error.what, f"--as-of {error.what.partition(' ')[2]}")
        return told.replace(hint, in_options(hint)) if hint else told
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or read fewer files at a time"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"unexpected {what}; this should not happen, set DEALTRACE_DEBUG=1 to see where, and report it"


def _say(line: str, code: int) -> int:
    if os.environ.get("DEALTRACE_DEBUG"):
        import traceback

        traceback.print_exc()
    say(line)
    return code


if __name__ == "__main__":
    sys.exit(main())
