"""Start and single exit: every error becomes one message, at most one hint, and an exit code."""

# ruff: noqa: E402  (nothing more may be imported before the working directory is off the path)

import os
import sys


def _leave_working_directory() -> None:
    """Import nothing from the working directory from here on, in this process and in those it starts.

    `python -m` puts it first on the path; an empty or relative entry of PYTHONPATH puts it, or a folder in it, there
    too. What Python needs itself stays: the standard library, the installed packages, and the folder of a checkout.
    """
    site = sys.modules.get("site")
    installed: list[str] = getattr(site, "getsitepackages", list)()
    needed = {os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.dirname(os.__file__), *installed}
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    try:
        here = [os.path.abspath(each) for each in ["", *named] if not os.path.isabs(each) or _is_here(each)]
        unwanted = {each for each in here if each not in needed}
        sys.path[:] = [each for each in sys.path if os.path.abspath(each) not in unwanted]
    except FileNotFoundError:  # the working directory was removed, and nothing can be put there any more
        return
    if "PYTHONPATH" in os.environ:
        kept = [each for each in named if os.path.isabs(each) and os.path.abspath(each) not in unwanted]
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def _is_here(path: str) -> bool:
    try:
        return os.path.samefile(path, os.curdir)
    except OSError:
        return False


_leave_working_directory()

import gc
from collections.abc import Sequence
from types import ModuleType

#: What Typer, Rich and the standard library import at every start and few commands use. None of it is slactl's.
SELDOM_USED = (
    *("bz2", "fnmatch", "ipaddress", "linecache", "lzma", "ntpath", "platform", "shellingham", "subprocess"),
    *("textwrap", "tokenize"),
)


class _Deferred(ModuleType):
    """A module whose code runs when one of its names is first needed."""

    def __getattr__(self, name: str) -> object:
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _defer(names: Sequence[str]) -> None:
    """Let `import` of these modules cost almost nothing until they are used; `from` them, all is imported at once."""
    from importlib.util import find_spec, module_from_spec

    for name in names:
        if name not in sys.modules and (spec := find_spec(name)) is not None:
            module = module_from_spec(spec)
            module.__class__ = _Deferred
            sys.modules[name] = module


_defer(SELDOM_USED)

from slactl.errors import ExitCode, SlactlError, UsageError


def main() -> None:
    """Run the command of this process and leave with its exit code."""
    # Short commands end before a collection could pay for itself.
    gc.disable()
    _ready_streams()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = ExitCode.READER_CLOSED
        _silence_stdout()
    except OSError as error:
        code = code or _report_unexpected(error)
        _silence_stdout()
    # Everything is written and closed by now; taking the modules apart would be work for nobody.
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code and raises nothing."""
    import typer

    from slactl.cli.app import app

    debug = "--debug" in arguments or bool(os.environ.get("SLACTL_DEBUG"))
    try:
        _refuse_home_of_others(arguments)
        outcome = typer.main.get_command(app).main(list(arguments), prog_name="slactl", standalone_mode=False)
        return int(outcome) if isinstance(outcome, int) else ExitCode.DONE
    except SlactlError as error:
        return _report(error)
    except typer.Exit as leaving:
        return leaving.exit_code
    except SystemExit as leaving:
        # Typer makes one of a closed pipe, whatever it was asked to make of errors; and one after completing.
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        _silence_stdout()
        return ExitCode.READER_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        _say("error: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return ExitCode.READER_CLOSED
    except typer.TyperException as error:
        return _report_usage(error)
    except Exception as error:
        if isinstance(error, UnicodeEncodeError) and not "".join(arguments).isprintable():
            return _report(UsageError("an argument is not valid UTF-8"))
        if debug:
            _report_traceback(error)
        if (odd := _odd_database(error)) is not None:
            return _report(odd)
        return _report_unexpected(error, debug=debug)


def _refuse_home_of_others(arguments: Sequence[str]) -> None:
    """Refuse to install completion for somebody else: Typer writes there by name, and whose home it is may put links.

    Raises:
        RefusedError: the home folder belongs to another user.
    """
    home = os.path.expanduser("~")
    if "--install-completion" not in arguments or not os.path.isdir(home):
        return
    owner = os.stat(home).st_uid
    if owner != os.geteuid():
        from slactl.errors import RefusedError

        again = f"sudo -H -u '#{owner}' slactl --install-completion"
        raise RefusedError(f"the home folder {home} belongs to somebody else", again)


def _odd_database(error: Exception) -> SlactlError | None:
    """Return what is wrong with the database in use, where an error that nobody expected may come from that."""
    connection = sys.modules.get("slactl.store.sqlite.connection")
    path = connection.opened_last() if connection is not None else None
    if path is None or isinstance(error, OSError):
        return None
    from slactl.store.sqlite.values import as_odd_database

    return as_odd_database(path)


def _report(error: SlactlError) -> int:
    from slactl.text import clean

    for line in error.lines:
        _say(f"error: {clean(line)}")
    if error.hint:
        _say(f"hint: {clean(error.hint)}")
    return error.code


def _report_usage(error: Exception) -> int:
    """Report a wrong option, value or number of arguments in the words of the argument parser."""
    from slactl.text import clean

    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        _say(context.get_help())
        return ExitCode.USAGE
    message = getattr(error, "format_message", lambda: str(error))()
    meant = _meant(error)
    _say(f"error: {clean(message)}" + (f" Did you mean {meant}?" if meant else ""))
    _say(f"hint: {context.command_path if context else 'slactl'} --help")
    return ExitCode.USAGE


def _meant(error: Exception) -> str | None:
    """Return the word of a closed set that was probably meant where another was given."""
    import re

    from slactl.text import nearest

    message = getattr(error, "message", "")
    choices = getattr(getattr(getattr(error, "param", None), "type", None), "choices", None)
    word = re.match(r"'(.*)' is not one of ", message, re.DOTALL)
    return nearest(word[1], [str(choice) for choice in choices]) if choices and word is not None else None


def _report_traceback(error: Exception) -> None:
    """Print the traceback of an unexpected error without values of variables and without secrets."""
    import traceback

    from slactl.text import clean_block

    for part in traceback.format_exception(error):
        _say(clean_block(_without_secrets(part.rstrip("\n"))))


def _without_secrets(text: str) -> str:
    credentials = sys.modules.get("slactl.desk.messages.secrets")
    return str(credentials.without_secrets(text)) if credentials is not None else text


def _report_unexpected(error: Exception, *, debug: bool = False) -> int:
    from slactl.text import clean

    if isinstance(error, OSError) and error.strerror:
        place = f": {clean(str(error.filename))}" if error.filename else ""
        _say(f"error: {clean(error.strerror)}{place}")
        return ExitCode.FAILURE
    more = "" if debug else "; run the command again with --debug and report its output"
    _say(f"error: unexpected {type(error).__name__}: {clean(_without_secrets(str(error)))[:300]}{more}")
    return ExitCode.FAILURE


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201


def _ready_streams() -> None:
    """Open streams that were closed before the start (`>&-`), and let stdout and stderr take any text."""
    from slactl.show.form import take_any_text

    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  (open as long as the process)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        take_any_text(stream)


def _silence_stdout() -> None:
    # The interpreter flushes stdout once more at exit, and would complain there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
