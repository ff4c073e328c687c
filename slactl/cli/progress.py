"""Progress on long work: a bar on a terminal's stderr, nothing elsewhere."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO


@contextmanager
def reading(stream: BinaryIO, name: str) -> Iterator[Callable[[int], None]]:
    """Yields what is to be told how many more bytes of a stream were read."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    try:
        size: int | None = os.fstat(stream.fileno()).st_size or None
    except OSError:
        size = None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"reading {'stdin' if name == '-' else os.path.basename(name)}", total=size)
        yield lambda count: progress.advance(task, count)
