"""Estimates for whole series: methods E01 to E15 and own ones, their order, scaling to registers, and a scorecard."""

from agents.vee.estimate.fill import fill
from agents.vee.estimate.model import Filled, Gap, Grid, Side
from agents.vee.estimate.order import Order, Step, Tuning

__all__ = ["Filled", "Gap", "Grid", "Order", "Side", "Step", "Tuning", "fill"]
