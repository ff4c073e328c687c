"""Start a command and end the process with its exit code; `failures` reports the error of a command that fails."""

# ruff: noqa: E402  (nothing more may be imported before the working directory is off the path)

import gc
import os
import sys

# A short command ends before garbage collection saves anything; its imports alone would start ten collections.
gc.disable()


def _leave_working_directory() -> None:
    """Import nothing from the working directory from here on, in this process and its child processes.

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
    except FileNotFoundError:  # the working directory was removed, so nobody can put a module there
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

from collections.abc import Sequence
from threading import RLock
from types import ModuleType

#: Modules of other packages that Typer, Rich and the standard library import at every start, but few commands use.
SELDOM_USED = (
    *("bz2", "fnmatch", "ipaddress", "linecache", "lzma", "ntpath", "shellingham", "subprocess", "textwrap"),
    "tokenize",
)


class _Deferred(ModuleType):
    """Load a module only when one of its names is used.

    The `LazyLoader` of importlib runs a module at its second import, even if nobody uses it.
    """

    _running = RLock()

    def __getattr__(self, name: str) -> object:
        with _Deferred._running:  # another thread waits until all names are there
            spec = self.__spec__
            assert spec is not None
            assert spec.loader is not None
            if type(self) is _Deferred and not spec.loader_state:
                spec.loader_state = "running"  # the module may ask for names of its own
                try:
                    spec.loader.exec_module(self)
                    self.__class__ = ModuleType  # type: ignore[assignment]
                finally:
                    spec.loader_state = None
        return ModuleType.__getattribute__(self, name)


def _defer(names: Sequence[str]) -> None:
    """Defer each module until it is used. `from … import` uses it at once."""
    from importlib.util import find_spec, module_from_spec

    for name in names:
        if name not in sys.modules and (spec := find_spec(name)) is not None:
            module = module_from_spec(spec)
            module.__class__ = _Deferred
            sys.modules[name] = module


_defer(SELDOM_USED)

from slactl import committed
from slactl.errors import ExitCode, SlactlError


def main() -> None:
    """Run the command of this process and leave with its exit code."""
    from slactl.show.form import ready_streams

    ready_streams()
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except OSError:  # the rest of an output that could not be written, which `run` reported
        from slactl.failures import silence_stdout

        silence_stdout()
    # Everything is written and closed. Skip the clean-up of modules to save time.
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Raise only exceptions that must end the process."""
    committed.begin()
    code = ExitCode.DONE
    try:
        code = _run(arguments)
        sys.stdout.flush()
        for line in committed.so_far().warnings:
            from slactl.text import clean

            print(f"warning: {clean(line)}", file=sys.stderr)  # noqa: T201
        return code
    except BaseException as error:
        from slactl.failures import report

        if (ended := report(error, code, arguments, _odd_database)) is None:
            raise
        return ended


def _run(arguments: Sequence[str]) -> ExitCode:
    import typer

    from slactl.cli.app import command_line

    _refuse_home_of_others(arguments)
    try:
        outcome = command_line().main(list(arguments), prog_name="slactl", standalone_mode=False)
    except typer.Exit as leaving:
        outcome = leaving.exit_code
    return ExitCode(outcome) if isinstance(outcome, int) else ExitCode.DONE


def _refuse_home_of_others(arguments: Sequence[str]) -> None:
    """Refuse to install completion in another user's home folder: Typer would follow links that this user put there.

    Raises:
        RefusedError: the home folder belongs to another user.
    """
    home = os.path.expanduser("~")
    if not any(each.startswith("--install-completion") for each in arguments) or not os.path.isdir(home):
        return
    owner = os.stat(home).st_uid
    if owner != os.geteuid():
        from slactl.errors import RefusedError

        again = f"sudo -H -u '#{owner}' slactl --install-completion"
        raise RefusedError(f"the home folder {home} belongs to somebody else", again)


def _odd_database(error: Exception) -> SlactlError | None:
    """Return the fault of the database in use that may be the cause of an unexpected error."""
    path = committed.so_far().opened
    if path is None or isinstance(error, OSError):
        return None
    from slactl.store.sqlite.values import as_odd_database

    return as_odd_database(path)


if __name__ == "__main__":
    main()
