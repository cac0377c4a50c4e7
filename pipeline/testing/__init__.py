"""What a user needs to test a topology, a tariff or a stage of their own: no service, no clock, no broker."""

from pipeline.testing.driver import TopologyDriver, Written

__all__ = ["TopologyDriver", "Written"]
