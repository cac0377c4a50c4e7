"""Stateful stages (decode, vee, rating, nodes, usage, exceptions, scorecard, losses) and the shell that runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from agents.checks.config import ChecksConfig
from agents.decode.config import DecodeConfig
from agents.exceptions.config import ExceptionsConfig
from agents.losses.config import LossesConfig
from agents.nodes.config import NodesConfig
from agents.rating.config import RatingConfig
from agents.scorecard.config import ScorecardConfig
from agents.usage.config import UsageConfig
from agents.vee.config import VeeConfig

if TYPE_CHECKING:
    from pipeline.step import Step


def _decode(config: Any) -> Step:
    from agents.decode.step import DecodeStep

    return DecodeStep(config)


def _vee(config: Any) -> Step:
    from agents.vee.step import VeeStep

    return VeeStep(config)


def _rating(config: Any) -> Step:
    from agents.rating.step import RatingStep

    return RatingStep(config)


def _nodes(config: Any) -> Step:
    from agents.nodes.step import NodesStep

    return NodesStep(config)


def _usage(config: Any) -> Step:
    from agents.usage.step import UsageStep

    return UsageStep(config)


def _checks(config: Any) -> Step:
    from agents.checks.step import ChecksStep

    return ChecksStep(config)


def _exceptions(config: Any) -> Step:
    from agents.exceptions.step import ExceptionsStep

    return ExceptionsStep(config)


def _scorecard(config: Any) -> Step:
    from agents.scorecard.step import ScorecardStep

    return ScorecardStep(config)


def _losses(config: Any) -> Step:
    from agents.losses.step import LossesStep

    return LossesStep(config)


STAGES: dict[str, tuple[type[BaseModel], Callable[[Any], Step]]] = {
    "decode": (DecodeConfig, _decode),
    "vee": (VeeConfig, _vee),
    "rating": (RatingConfig, _rating),
    "nodes": (NodesConfig, _nodes),
    "usage": (UsageConfig, _usage),
    "checks": (ChecksConfig, _checks),
    "exceptions": (ExceptionsConfig, _exceptions),
    "scorecard": (ScorecardConfig, _scorecard),
    "losses": (LossesConfig, _losses),
}
"""Name in topologies.yaml -> (options, what makes the step of them). Kernels are loaded when a step is made."""
