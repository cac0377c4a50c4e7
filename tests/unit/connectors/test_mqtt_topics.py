"""Topic templates: what is subscribed to, whom a topic names, and which templates cannot stand together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub
from pydantic import ValidationError

from connectors.mqtt.config import MqttConfig
from connectors.mqtt.connector import topics_of
from connectors.mqtt.topics import overlap, parse
from tests.unit.connectors.test_gather import TITLE


@pytest.mark.parametrize(
    ("template", "subscribed"),
    [
        ("meters/{device}/push", "meters/+/push"),
        ("{gateway}/{meter}/data", "+/+/data"),
        ("meters/+/push", "meters/+/push"),
        ("{site}/x/#", "+/x/#"),
        ("#", "#"),
    ],
)
def test_a_template_is_the_filter_with_a_wildcard_for_each_name(template: str, subscribed: str) -> None:
    assert parse(template).filter == subscribed


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "1 to 65535 octets"),
        ("a/\0", "no zero"),
        ("$share/g/a", "name the topic alone"),
        ("meters/m-{device}/push", "a level of its own"),
        ("meters/{}/push", "a level of its own"),
        ("meters/{meter/push", "a level of its own"),
        ("meters/x+/push", "a level of its own"),
        ("meters/#/push", "a level of its own, # the last one"),
        ("{a}/{a}/{device}", "twice"),
        ("{device}/{meter}", "not both"),
    ],
)
def test_what_is_no_template_is_refused_with_the_reason(template: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MqttConfig(topics=[template])


FILTERS = st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=3).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"])])
)
TOPIC = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map("/".join)


@given(FILTERS, TOPIC)
def test_a_topic_fits_as_the_brokers_own_rule_says(text: str, topic: str) -> None:
    assert parse(text).fits(topic.split("/")) == topic_matches_sub(text, topic)


@given(FILTERS, FILTERS)
def test_filters_overlap_when_some_topic_fits_both(one: str, other: str) -> None:
    topics = [[]]
    every: list[str] = []
    for _ in range(5):
        topics = [[*levels, level] for levels in topics for level in "ab"]
        every += ["/".join(levels) for levels in topics]
    both = any(topic_matches_sub(one, topic) and topic_matches_sub(other, topic) for topic in every)
    assert overlap(parse(one), parse(other)) == both


def test_templates_that_overlap_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"a/# and a/\{meter\}/push overlap"):
        MqttConfig(topics=["b", "a/#", {"topic": "a/{meter}/push", "payload": "json"}])


@pytest.fixture
def names(tmp_path: Path) -> Path:
    file = tmp_path / "names.csv"
    file.write_text("name,device\nM1,11\nG2/M1,12\n")
    return file


def devices(topics: list[Any], *told: str, **options: Any) -> list[int]:
    found = topics_of(MqttConfig(topics=topics, **options))
    return [found.of(topic)[0] for topic in told]


def test_the_named_level_is_looked_up_and_the_gateway_before_it_counts(names: Path) -> None:
    topics = ["{gateway}/{meter}/data", "meters/{device}"]
    told = ("G1/M1/data", "G2/M1/data", "G1/9/data", f"meters/{TITLE:016x}", "meters/M1", "meters/nobody")
    assert devices(topics, *told, names=names) == [11, 12, 9, TITLE, 11, 0]
    assert devices(topics, *told, names=names, device="name") == [11, 12, 0, 0, 11, 0]


def test_without_a_name_in_the_template_a_system_title_names_the_meter() -> None:
    assert devices(["x/+/#"], f"x/{TITLE:016X}/push", "x/4711/push") == [TITLE, 0]


def test_each_subscription_has_the_form_of_its_messages() -> None:
    config = MqttConfig(topics=["a/+", {"topic": "b/+", "payload": "json"}, {"topic": "c/+"}], payload="hex")
    topics = topics_of(config)
    assert [topics.of(f"{root}/x")[1].form for root in "abc"] == ["hex", "json", "hex"]
    assert topics.of("a/x") is topics.of("a/x")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://x"}, "url"),
        ({"tls": {"ca": "ca.pem"}}, "url must begin with mqtts"),
        ({"url": "mqtts://x", "tls": {"certificate": "a"}}, "give both or none"),
        ({"password_file": "p"}, "say whose password"),
        ({"url": "mqtt://u:p@x", "user": "u"}, "it stands in url too"),
        ({"group": "a/b"}, "group"),
        ({"device": "name"}, "give the file"),
        ({"topics": [{"topic": "a", "payload": "xml"}]}, "payload"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MqttConfig(**options)
