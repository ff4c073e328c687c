"""What each shell gets from completion: words, or the request to complete files, but only where a file belongs.

Typer's own scripts complete files wherever there are no words.
"""

from typing import TYPE_CHECKING

from typer import _completion_shared as scripts
from typer._click import shell_completion as shells
from typer._completion_classes import BashComplete, FishComplete, ZshComplete

from slactl.cli.panels import global_options

if TYPE_CHECKING:
    from slactl.cli.panels import CompletionItem

#: The metavars of arguments and options that take the path of a file.
FILES = ("PATH", "FILE", "FILE…", "FILE|-", "F", "OTHER", "MAP", "DATA|-", "HISTORY|-", "DIR")

#: What bash and fish get in place of words where the shell completes a file.
ASKS_FOR_FILES = ":files"

_BASH = """
%(complete_func)s() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \\
                   COMP_CWORD=$COMP_CWORD \\
                   %(autocomplete_var)s=complete_bash $1 ) )
    if [ "${COMPREPLY[0]}" = ":files" ]; then
        COMPREPLY=()
        compopt -o default
    fi
    return 0
}

complete -F %(complete_func)s %(prog_name)s
"""

_FISH = """
function %(complete_func)s
    set -l found (env %(autocomplete_var)s=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \\
        _TYPER_COMPLETE_ARGS=(commandline -cp) %(prog_name)s)
    if test "$found" = ":files"
        __fish_complete_path (commandline -ct)
    else if set -q found[1]
        printf '%%s\\n' $found
    end
end
complete --command %(prog_name)s --no-files --arguments "(%(complete_func)s)"
"""


class _Completion(shells.ShellComplete):
    """Complete global options after the command too, and know whether a file belongs where no word does."""

    asks_for_files = False

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem]":
        """Return the words that complete the incomplete one."""
        if incomplete.startswith("--") and "=" in incomplete:
            name, _, incomplete = incomplete.partition("=")
            args = [*args, name]
        context = shells._resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        options = global_options(context.command, context)
        option = next((each for each in options if shells._is_incomplete_option(context, args, each)), None)
        found, rest = (
            (option, incomplete) if option is not None else shells._resolve_incomplete(context, args, incomplete)
        )
        words = found.shell_complete(context, rest)
        self.asks_for_files = not words and getattr(found, "metavar", None) in FILES
        return words


class _Bash(_Completion, BashComplete):
    def complete(self) -> str:
        words = super().complete()
        return ASKS_FOR_FILES if self.asks_for_files else words


class _Fish(_Completion, FishComplete):
    def complete(self) -> str:
        words = super().complete()
        return ASKS_FOR_FILES if self.asks_for_files else words


class _Zsh(_Completion, ZshComplete):
    def complete(self) -> str:
        words = super().complete()
        return ":" if words == "_files" and not self.asks_for_files else words


def use() -> None:
    """Use these scripts and forms in place of Typer's."""
    scripts._completion_scripts |= {"bash": _BASH, "fish": _FISH}
    for shell, form in (("bash", _Bash), ("zsh", _Zsh), ("fish", _Fish)):
        shells.add_completion_class(form, shell)
