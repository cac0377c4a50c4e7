"""The moments at which a trial's process is killed: a function of the seed."""

from __future__ import annotations

import numpy as np

from bench.faults.kinds import Kind


def plans_of(kind: Kind, seed: int, count: int) -> list[str]:
    """`count` plans "moment:n", every moment of the kind about as often, in an order that is the seed's."""
    random = np.random.default_rng([seed, len(kind.name)])
    chosen = [kind.moments[index % len(kind.moments)] for index in range(count)]
    plans = [f"{moment}:{1 + int(random.integers(most))}" for moment, most in chosen]
    return [plans[place] for place in random.permutation(count)]


def gaps_of(seed: int, count: int, least: float, most: float) -> list[float]:
    """`count` waits in seconds."""
    return [round(float(gap), 3) for gap in np.random.default_rng(seed).uniform(least, most, count)]
