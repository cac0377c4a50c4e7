"""The real frames beside the project, by id; none where they are not there."""

import json
from pathlib import Path

FILE = Path(__file__).parents[3] / "shared" / "data" / "frames" / "frames.jsonl"


def load():
    """One dictionary a line of the file."""
    return [json.loads(line) for line in FILE.read_text("utf-8").splitlines()] if FILE.exists() else []


FRAMES = {frame["id"]: frame for frame in load()}
