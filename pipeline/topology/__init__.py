"""The topology file: read with its places, checked, resolved into a plan, drawn.

load.parse      text -> Document (values, the place of each, unset variables)
lint.check      Document -> findings, and the pieces that are right
plan.resolve    Document -> Plan: what a runtime builds
graph, svg      Plan -> picture
"""
