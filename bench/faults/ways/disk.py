"""A disk that is full for a while: the warehouse's, or the broker's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

from bench.faults.parts import Parts
from bench.faults.scene import Scene
from bench.faults.small_disk import SmallDisk
from bench.faults.ways.base import Recurring
from pipeline.errors import Fatal

WAREHOUSE_MEGABYTES = 3_000
KAFKA_MEGABYTES = 3_500

STARTS = 2


class WarehouseDiskFull(Recurring):
    """The folder of the embedded warehouse lies on a small disk; the sink waits until there is room."""

    gap: ClassVar[tuple[float, float]] = (2.0, 5.0)
    lasts: ClassVar[tuple[float, float]] = (2.0, 5.0)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._disk = SmallDisk(scene.folder / "small", WAREHOUSE_MEGABYTES)
        self._kept = scene.folder / "kept"

    def prepare(self) -> None:
        """See Disturbance."""
        self._disk.mount()
        self.scene.drain.environment["CLICKHOUSE_DSN"] = f"chdb://{self._disk.folder / 'warehouse'}"

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        # What was cut short on a full disk is found when the folder is opened again, so the sink may ask for that.
        parts.may_end.add(self.scene.kind.part)

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        self._disk.fill()
        return "full"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self._disk.empty()

    @property
    def warehouse(self) -> str:
        """See Disturbance."""
        return f"chdb://{self._kept}"

    def close(self) -> None:
        """See Disturbance."""
        if self._disk.folder.is_mount():
            self._disk.empty()
            shutil.rmtree(self._kept, ignore_errors=True)
            if (self._disk.folder / "warehouse").is_dir():
                shutil.copytree(self._disk.folder / "warehouse", self._kept, symlinks=True)
            self._disk.unmount()


class KafkaDiskFull(Recurring):
    """The broker's data lies on a small disk: it stops by itself, and is started again when there is room."""

    gap: ClassVar[tuple[float, float]] = (2.0, 6.0)
    lasts: ClassVar[tuple[float, float]] = (3.0, 6.0)

    @classmethod
    def settings(cls, folder: Path) -> dict[str, Any]:
        """See Disturbance."""
        # It is asked for before the broker starts, and is needed until it has ended: the process unmounts it at exit.
        disk = _kafka_disk(folder)
        disk.mount()
        return {"data": disk.folder}

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._disk = _kafka_disk(scene.folder)

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        parts.may_end.update(parts.commands)

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        self._disk.fill()
        return "full"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self._disk.empty()
        broker = self.scene.broker
        for _ in range(STARTS):
            # One that is about to end may still run.
            if not broker.running():
                broker.start()
            try:
                broker.wait_until_ready()
            except Fatal:
                continue
            return
        broker.start()
        broker.wait_until_ready()

    def close(self) -> None:
        """See Disturbance."""
        self._disk.empty()


def _kafka_disk(folder: Path) -> SmallDisk:
    return SmallDisk(folder / "broker", KAFKA_MEGABYTES)
