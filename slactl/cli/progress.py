"""Show the progress of long work: a bar where stderr is a terminal, nothing elsewhere."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID


class Bar:
    """The progress bar of an import; without a terminal it shows nothing."""

    def __init__(self, progress: "Progress | None" = None, task: "TaskID | None" = None) -> None:
        self._progress, self._task = progress, task

    def __call__(self, count: int) -> None:
        """Add to the number of bytes that were read."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, count)

    def step(self, done: int, total: int) -> None:
        """Show how many tickets are imported, after everything was read."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description="importing tickets", completed=done, total=total)


def _bar(columns: "Sequence[ProgressColumn]") -> "Progress":
    """Return a progress bar on stderr that disappears at its end; stdout stays as it is.

    It has colour only if `--color` and the environment allow it.
    """
    from rich.progress import Progress

    from slactl.cli.panels import get_current_context
    from slactl.show.form import Screen, wants_color

    color = get_current_context().find_root().obj.color
    console = Screen(sys.stderr, wants_color(color, os.environ, terminal=True)).console(live=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)


@contextmanager
def reading(stream: BinaryIO, name: str) -> Iterator[Bar]:
    """Yield a bar that takes the number of bytes read from a stream."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    from slactl.text import clean

    try:
        size: int | None = os.fstat(stream.fileno()).st_size or None
    except OSError:
        size = None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with _bar(columns) as progress:
        what = "stdin" if name == "-" else clean(os.path.basename(name))
        yield Bar(progress, progress.add_task(f"reading {what}", total=size))


@contextmanager
def phases() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that takes the phase of the work, the amount done, and the total."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with _bar(columns) as progress:
        tasks: dict[str, Any] = {}

        def show(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase, total=total)
            progress.update(tasks[phase], completed=done, total=max(done, total))

        yield show
