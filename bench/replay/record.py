"""Records of a topic into a file."""

from __future__ import annotations

import time
from pathlib import Path

from bench.replay.files import ENDING
from bench.replay.tally import Tally
from bench.replay.topic import TopicLoad
from bench.throughput.drain import Progress
from connectors.simulator.kvf import MAGIC, Source, write_item
from pipeline.errors import ConfigError, Transient


def record(load: TopicLoad, to: Path, progress: Progress, limit: int = 0) -> Tally:
    """Write them until `limit` frames are in the file (0: all). Whatever ends it, whole records are in the file.

    Raises ConfigError when the file is there already.
    """
    if to.suffix != ENDING:
        raise _refused(to, f"its name does not end in {ENDING}")
    tally, began = Tally(), time.monotonic()
    try:
        out = to.open("xb")
    except FileExistsError as error:
        raise _refused(to, "it is there already") from error
    except OSError as error:
        raise _refused(to, str(error)) from error
    with out:
        whole = out.write(MAGIC) + write_item(out, Source(load.partitions, load.topic))
        try:
            for done, found in load.records():
                whole += write_item(out, found)
                tally.count(found)
                progress("records into the file", done, load.total)
                if limit and tally.frames >= limit:
                    break
        except KeyboardInterrupt:
            tally.stopped = True
        except OSError as error:
            raise Transient("FILE_NOT_WRITTEN", where=str(to), what=str(error), do="make room") from error
        finally:
            out.truncate(whole)
    tally.seconds = time.monotonic() - began
    return tally


def _refused(to: Path, what: str) -> ConfigError:
    return ConfigError("FILE_NOT_WRITTEN", where=str(to), what=what, do=f"name another file, ending in {ENDING}")
