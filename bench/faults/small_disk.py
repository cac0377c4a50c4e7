"""A small disk in memory that can be filled and emptied at once; mounting it takes the rights of root."""

from __future__ import annotations

import atexit
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError

BALLAST = "ballast"
MOUNT_SECS = 20


@dataclass
class SmallDisk:
    """`folder` lies on it while it is mounted."""

    folder: Path
    megabytes: int

    def mount(self) -> None:
        """Make it; raises ConfigError where that is not permitted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        done = _run("mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,nr_inodes=0", "tmpfs", str(self.folder))
        if done.returncode:
            raise ConfigError(
                "DISK_NOT_MOUNTED", where=str(self.folder), what=done.stderr.strip(), do="run this fault as root"
            )
        atexit.register(self.unmount)

    def unmount(self) -> None:
        """Take it away with all that is on it, as soon as nobody has it open."""
        atexit.unregister(self.unmount)
        if self.folder.is_mount():
            _run("umount", str(self.folder))
        if self.folder.is_mount():
            _run("umount", "--lazy", str(self.folder))
        # Whoever removed the folder around it could not remove what was mounted.
        for folder in (self.folder, self.folder.parent):
            with suppress(OSError):
                folder.rmdir()

    @property
    def free(self) -> int:
        """Bytes."""
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def fill(self, left: int = 0) -> None:
        """Take all that is free but `left` bytes, at once."""
        with (self.folder / BALLAST).open("ab") as file:
            # Others take some meanwhile, so that the last of it may no longer be there.
            while (more := self.free - left) > 0:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, more)
                except OSError:
                    continue

    def empty(self) -> None:
        """Give it back."""
        (self.folder / BALLAST).unlink(missing_ok=True)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOUNT_SECS)
