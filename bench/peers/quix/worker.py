"""The Quix Streams process, in the peer's environment: `python -m bench.peers.quix.worker '{"bootstrap": ..., ...}'`.

Decode and rules are those of the naive way; a meter's state is in Quix Streams' store, under the frame's key.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from quixstreams import Application, State
from quixstreams.models import SerializationContext, Serializer, Topic

from bench.naive.checks import Rejected, take
from bench.naive.decode import Decoder
from bench.peers.quix.settings import APPLICATION, CONSUMER, PRODUCER
from bench.peers.quix.state import opened, packed, read_keys

AT = b"m"
"""Under a meter's key its state has one entry."""


class Record(Serializer):
    """Of what `Frames.take` gives, the record."""

    def __call__(self, value: tuple[Topic, bytes], ctx: SerializationContext) -> bytes:
        """Its octets."""
        return value[1]


class Frames:
    """What is done with a frame."""

    def __init__(self, decoder: Decoder, readings: Topic, rejects: Topic) -> None:
        self._decoder, self._readings, self._rejects = decoder, readings, rejects

    def take(self, frame: bytes, state: State) -> tuple[Topic, bytes]:
        """The topic for what becomes of it, and the record."""
        try:
            push = self._decoder.decode(frame)
            meter = opened(state.get_bytes(AT))
            reading = take(meter, push)
            state.set_bytes(AT, packed(meter))
            return self._readings, reading
        except Rejected as error:
            return self._rejects, str(error).encode()
        except Exception as error:  # noqa: BLE001  gurux-dlms raises many things
            return self._rejects, type(error).__name__.encode()


def make_app(told: dict[str, Any]) -> Application:
    """The application with its one dataframe."""
    app = Application(
        told["bootstrap"], consumer_group=told["group"], state_dir=told["state"], consumer_extra_config=dict(CONSUMER),
        producer_extra_config=dict(PRODUCER), **APPLICATION,
    )  # fmt: skip
    source = app.topic(told["source"], value_deserializer="bytes")
    readings, rejects = (app.topic(told[name], value_serializer=Record()) for name in ("readings", "rejects"))
    frames = Frames(Decoder(read_keys(Path(told["keys"])), told["cipher"]), readings, rejects)
    done = app.dataframe(source).apply(frames.take, stateful=True)
    done.to_topic(lambda value, _key, _timestamp, _headers: value[0])
    return app


def main() -> None:
    """Run until a signal."""
    make_app(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    main()
