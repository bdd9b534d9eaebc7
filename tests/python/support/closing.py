"""What things of tests have in common that are closed at the end of a block, or stopped for a while."""

from __future__ import annotations

import signal
import subprocess
from types import TracebackType
from typing import Any

from typing_extensions import Self


class Closing:
    """Something that ``with`` closes."""

    def close(self) -> None:
        """End it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Pausable:
    """Something that runs in a process of its own, which can be stopped as it is."""

    process: subprocess.Popen[Any]

    def pause(self) -> None:
        """Stop the process as it is: it keeps its files and connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have a stopped process go on."""
        self.process.send_signal(signal.SIGCONT)
