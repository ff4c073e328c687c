"""Report why a command ended: one message, at most one hint, and the exit code.

Only a command that fails imports this file.
"""

import errno
import os
import re
import sys
from collections.abc import Callable, Sequence

import typer

from slactl import committed
from slactl.errors import AnswerError, ExitCode, SlactlError, StorageError, UnansweredError, UsageError
from slactl.text import clean, clean_block, nearest, quoted


def report(
    error: BaseException,
    code: ExitCode,
    arguments: Sequence[str],
    cause: Callable[[Exception], SlactlError | None],
) -> ExitCode | None:
    """Report the error that ended a command; return the exit code, or None if the caller must raise the error again.

    `code` is the exit code without the error. `cause` returns a known error that explains an unexpected one.
    """
    if isinstance(error, UnansweredError):
        # `--yes` stands before the words that are no options.
        end = list(arguments).index("--") if "--" in arguments else len(arguments)
        again = ["slactl", *map(quoted, arguments[:end]), "--yes", *map(quoted, arguments[end:])]
        return _report_lines(error.lines, error.code, " ".join(again))
    if isinstance(error, SlactlError):
        return _report_known(error)
    # Typer raises SystemExit for a closed pipe and after a completion, also when it must not handle errors.
    if isinstance(error.__context__ if isinstance(error, SystemExit) else error, BrokenPipeError):
        return _report_closed_pipe()
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return _report_lines(["interrupted"], ExitCode.INTERRUPTED)
    if isinstance(error, AnswerError):
        silence_stdout()
        message, hint, code = committed.so_far().after_lost_output(str(error.strerror), code)
        _say_errors([message], hint)
        return code
    if isinstance(error, typer.TyperException):
        return _report_usage(error, arguments)
    return _report_any(error, arguments, cause) if isinstance(error, Exception) else None


def _report_any(
    error: Exception, arguments: Sequence[str], cause: Callable[[Exception], SlactlError | None]
) -> ExitCode:
    if isinstance(error, UnicodeEncodeError) and not "".join(arguments).isprintable():
        return _report_known(UsageError("an argument is not valid UTF-8"))
    debug = "--debug" in arguments or bool(os.environ.get("SLACTL_DEBUG"))
    if debug:
        from traceback import format_exception

        for part in format_exception(error):
            _say(clean_block(_without_secrets(part.rstrip("\n"))))
    if (known := cause(error)) is not None:
        return _report_known(known)
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return _report_lines([f"{error.strerror}{place}"], ExitCode.FAILURE)
    more = "" if debug else "; run the command again with --debug and report its output"
    what = f"unexpected {type(error).__name__}: {clean(_without_secrets(str(error)))[:300]}{more}"
    return _report_lines([what], ExitCode.FAILURE)


def _report_known(error: SlactlError) -> ExitCode:
    is_storage, done = isinstance(error, StorageError), committed.so_far()
    if is_storage and not done.things:
        kept = "no ticket was changed" if done.commits else "nothing was written"
        return _report_lines([f"{error.message}; {kept}"], error.code, error.hint)
    return _report_lines(error.lines, error.code, error.hint)


def _report_lines(lines: Sequence[str], code: ExitCode, hint: str | None = None) -> ExitCode:
    """Report why a command ended, and what it had committed by then; return the exit code."""
    *first, last = lines
    last, code = committed.so_far().after_error(last, code)
    _say_errors([*first, last], hint)
    return code


def _say_errors(lines: Sequence[str], hint: str | None) -> None:
    from slactl.prose import prose

    for line in lines:
        _say(prose(f"error: {clean(line)}", sys.stderr))
    if hint:
        _say(f"hint: {clean(hint)}")


def _report_closed_pipe() -> ExitCode:
    """Report what was changed although nobody read the output; return the exit code of a closed pipe."""
    silence_stdout()
    done = committed.so_far()
    if done.things:
        _say(f"warning: {clean(str(done))}; {committed.LOST}: {os.strerror(errno.EPIPE)}")
    return ExitCode.READER_CLOSED


def _report_usage(error: Exception, arguments: Sequence[str]) -> ExitCode:
    """Report a wrong option, value or number of arguments in the words of the argument parser."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        _say(context.get_help())
        return ExitCode.USAGE
    message = getattr(error, "format_message", lambda: str(error))()
    choices = getattr(getattr(getattr(error, "param", None), "type", None), "choices", None)
    word = re.match(r"'(.*)' is not one of ", getattr(error, "message", ""), re.DOTALL)
    near = nearest(word[1], [str(choice) for choice in choices]) if choices and word is not None else None
    meant = near or _ours(error)
    _say(f"error: {clean(message)}" + (f" Did you mean {meant}?" if meant else ""))
    path = context.command_path if context else "slactl"
    asked = getattr(error, "option_name", None) if type(error).__name__ == "NoSuchOption" else None
    elsewhere = None if meant else _COMMANDS.get(asked or "")
    _say(f"hint: {_with_dashes(error, arguments) or f'{elsewhere or path} --help'}")
    return ExitCode.USAGE


def _with_dashes(error: Exception, arguments: Sequence[str]) -> str | None:
    """Return the typed command with `--` before a word that was taken for an option, such as the id `-A1`."""
    option = getattr(error, "option_name", None)
    if type(error).__name__ != "NoSuchOption" or option is None or "--" in arguments:
        return None
    word = next((each for each in arguments if len(each) > 2 and each[:1] == "-" != each[1:2]), None)
    if word is None or option not in (word, word[:2]):
        return None
    rest = [each for each in arguments if each is not word]
    return " ".join(["slactl", *map(quoted, rest), "--", quoted(word)])


#: What other programs call the options of slactl.
_FOREIGN = {
    **dict.fromkeys(("-o", "--output"), "--format"),
    **dict.fromkeys(("--columns", "--template", "--wide", "--jq"), "--fields"),
    **dict.fromkeys(("--grep", "--query"), "--search"),
    **dict.fromkeys(("--since", "--until"), "--created"),
    **dict.fromkeys(("--comment", "--message", "-m"), "--body"),
    **dict.fromkeys(("--no-color", "--no-colour", "--colour"), "--color"),
    **dict.fromkeys(("--user", "--owner"), "--assignee"),
    **dict.fromkeys(("--force", "-f"), "--yes"),
    **dict.fromkeys(("-l", "-L"), "--limit"),
    "--tz": "--timezone",
}


#: The commands that do what people ask other commands for by an option.
_COMMANDS = {
    **{f"--{name}": f"slactl {name}" for name in ("priority", "status", "tag", "due", "note", "watch", "undo")},
    **{"-w": "slactl watch", "--assignee": "slactl assign", "--assign": "slactl assign", "--close": "slactl close"},
}


def _ours(error: Exception) -> str | None:
    """Return the option of the command that other programs call as it was typed."""
    ours = _FOREIGN.get(getattr(error, "option_name", None) or "")
    context = getattr(error, "ctx", None)
    if type(error).__name__ != "NoSuchOption" or ours is None or context is None:
        return None
    known = [name for one in (context, context.find_root()) for param in one.command.params for name in param.opts]
    return ours if ours in known else None


def _without_secrets(text: str) -> str:
    credentials = sys.modules.get("slactl.desk.programs.secrets")
    return str(credentials.without_secrets(text)) if credentials is not None else text


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201


def silence_stdout() -> None:
    """Discard everything that is written to stdout from now on: the interpreter flushes it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
