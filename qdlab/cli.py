"""The command line: which commands there are, and how an error becomes one readable line and an exit status.

A command's module is loaded only when that command is asked for, so that ``qdlab --help`` answers at once.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

import typer

from instruments.errors import InstrumentError
from qdlab.errors import QdlabError

COMMANDS = {
    "demo": "The paper's campaign on the simulated bench, with its report.",
    "gui": "The lab window; with a session, its replay.",
    "run": "Execute a plan on a bench, with progress.",
    "analyse": "Transport parameters from sessions or from measured J-V files.",
    "replay": "A recorded session through the live pipeline.",
    "verify": "Check every row and hash of a session.",
    "report": "A self-contained HTML report of sessions.",
    "export": "A session for other programs.",
    "note": "An operator's note into a session's journal.",
    "sim": "The simulated bench on TCP, serial and Prologix doors.",
    "doctor": "Environment, VISA libraries, and what each box answers.",
    "safe": "Switch every output off, now.",
}

# typer uses the installed click or, later, its own copy; this is the base of usage errors in both
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command line; whatever happens ends as an exit status.

    Parameters
    ----------
    arguments : words after the program's name; ``--debug`` may stand anywhere before ``--``

    Returns
    -------
    status : 0 done; 1 the run, check or fit failed; 2 the input was wrong; 130 interrupted
    """
    debug, words = _take_debug(arguments)
    _speak_utf8()
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    logging.getLogger("qdlab").setLevel(logging.DEBUG if debug else logging.ERROR)
    wanted = next((word for word in words if not word.startswith("-")), None)
    try:
        outcome = build_app(wanted)(args=words or ["--help"], prog_name="qdlab", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        print("qdlab: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            traceback.print_exc()
        status, sentence = describe(error)
        print(f"qdlab: {sentence}", file=sys.stderr)
        return status


def build_app(wanted: str | None) -> typer.Typer:
    """The typer application with the wanted command in full and all others as their line of help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for name, summary in COMMANDS.items():
        if name == wanted:
            app.command(name)(_load(name))
        else:
            app.command(name, help=summary)(_not_loaded)
    return app


def describe(error: Exception) -> tuple[int, str]:
    """Exit status and sentence for an error that reached the command line."""
    if isinstance(error, QdlabError):
        return error.exit_status, str(error)
    if isinstance(error, InstrumentError):
        return 1, str(error)
    if isinstance(error, _UsageError):
        return 2, _describe_usage(error)
    if isinstance(error, OSError) and error.filename is not None:
        return 1, f"{error.filename}: {error.strerror}"
    return 1, f"{type(error).__name__}: {error} (a defect; --debug shows where)"


def _describe_usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    message: str = error.format_message()  # type: ignore[attr-defined]
    return f"{message.rstrip('.')} (see '{context.command_path if context else 'qdlab'} --help')"


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"qdlab {version('qdlab')}")
        raise typer.Exit


def _root(
    debug: bool = typer.Option(False, "--debug", help="Show where an error comes from."),
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Measure, watch and understand charge transport in quantum-dot and organic diodes."""


def _not_loaded() -> None:
    raise AssertionError("only the wanted command runs")


def _load(name: str) -> Callable[..., object]:
    function: Callable[..., object] = getattr(import_module(f"qdlab.commands.{name}"), name)
    return function


def _take_debug(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = [word for word in arguments[:end] if word != "--debug"]
    return len(words) < end, words + list(arguments[end:])


def _speak_utf8() -> None:
    """Windows consoles and pipes start in a code page that lacks µ and Ω."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
