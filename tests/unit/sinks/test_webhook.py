"""The webhook sink: signed, keyed, again when it should be, stopped when it must."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.errors import Fatal, Transient
from sinks.webhook.config import WebhookConfig
from sinks.webhook.signature import HEADER, is_signed
from sinks.webhook.sink import WebhookSink
from tests.builders_readings import readings_record
from tests.unit.sinks.receiver import Receiver, receiving

NOW = 1_800_000_000


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def opened(receiver: Receiver, **options: object) -> WebhookSink:
    sink = WebhookSink(WebhookConfig.model_validate({"url": receiver.url, **options}), clock=lambda: NOW)
    sink.open()
    return sink


def test_a_request_is_signed_over_time_and_body(receiver: Receiver) -> None:
    sink = opened(receiver, secret="key", headers={"Authorization": "Bearer 1"})
    sink.accept(readings_record(0))
    sink.flush()
    ((key, headers, body),) = receiver.requests
    assert key.startswith("readings-")
    assert headers["Authorization"] == "Bearer 1"
    assert headers["Content-Type"] == "application/x-ndjson"
    assert is_signed(b"key", headers[HEADER], body, NOW + 60)
    assert not is_signed(b"other", headers[HEADER], body, NOW)
    assert not is_signed(b"key", headers[HEADER], body + b" ", NOW)
    assert not is_signed(b"key", headers[HEADER], body, NOW + 3_600)
    assert not is_signed(b"key", "t=x,v1=", body, NOW)
    sink.close()


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_what_says_later_is_sent_again_with_the_same_key_and_body(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    sink = opened(receiver)
    sink.accept(readings_record(0))
    with pytest.raises(Transient, match="no room"):
        sink.flush()
    sink.flush()
    first, second = receiver.requests
    assert (first[0], first[2]) == (second[0], second[2])
    assert len(receiver.bodies) == 1
    sink.close()


@pytest.mark.parametrize("status", [302, 400, 401, 413, 422])
def test_what_is_refused_for_good_stops_the_sink_with_the_answer(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    sink = opened(receiver)
    sink.accept(readings_record(0))
    with pytest.raises(Fatal, match=f"answer {status}: no room"):
        sink.flush()
    sink.close()


def test_a_receiver_that_is_away_is_waited_for() -> None:
    sink = WebhookSink(WebhookConfig(url="http://127.0.0.1:1/none"))
    sink.open()
    sink.accept(readings_record(0))
    with pytest.raises(Transient, match="WEBHOOK_AWAY"):
        sink.flush()
    sink.close()


def test_the_secret_is_never_shown(receiver: Receiver) -> None:
    config = WebhookConfig.model_validate({"url": receiver.url, "secret": "very secret"})
    assert "very secret" not in repr(config)
    assert "very secret" not in str(config.model_dump())
