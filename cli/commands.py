"""The table of commands: `kvarn --help` is made from it, and a command's code is loaded when it is run."""

from __future__ import annotations

from dataclasses import dataclass

TRY, CHECK, SERVICES, REGISTER = "Try it", "Check a topology", "Services on this machine", "Master data"
RUN, LOOK, MEASURE = "Run", "Look inside", "Measure"


@dataclass(frozen=True)
class Command:
    """One command: `module:name` of its function, or of a typer app with commands of its own."""

    name: str
    target: str
    summary: str
    panel: str


COMMANDS: tuple[Command, ...] = (
    Command("demo", "cli.demo.command:demo", "Send a simulated fleet the whole way, and show its books.", TRY),
    Command("simulate", "cli.simulate:simulate", "Let a simulated fleet push to TCP, UDP, MQTT, Kafka or a file.", TRY),
    Command("decode", "cli.decode:decode", "Decode single frames to JSON.", TRY),
    Command("vee", "cli.vee.app:app", "Validate interval data of a file, estimate what lacks, report it.", TRY),
    Command("lint", "cli.lint:lint", "Check topology files, all findings at once.", CHECK),
    Command("test", "cli.vee.cases:run_tests", "Run the tests of rule sets.", CHECK),
    Command("graph", "cli.graph:graph", "Draw a topology as Mermaid or SVG.", CHECK),
    Command("registry", "cli.registry.commands:app", "Import master data: check, diff, apply, export.", REGISTER),
    Command("tariff", "cli.tariff.commands:app", "List, lint, explain tariffs, and rate a period.", REGISTER),
    Command("facts", "cli.facts.app:app", "Hand on outages, temperatures, check meters, neighbours.", REGISTER),
    Command("up", "cli.services.commands:up", "Start Kafka, the schema registry and mosquitto here.", SERVICES),
    Command("status", "cli.services.commands:status", "Say which of them run, and where.", SERVICES),
    Command("down", "cli.services.commands:down", "End them; their data stays.", SERVICES),
    Command("run", "cli.run:run", "Run all parts of a topology, each in its own process.", RUN),
    Command("connect", "cli.connect:connect", "Run one connector.", RUN),
    Command("worker", "cli.worker:worker", "Run one worker: a chain of stages under Faust.", RUN),
    Command("sink", "cli.sink:sink", "Run one sink.", RUN),
    Command("explain", "cli.explain.app:explain", "Walk a bill back to intervals and raw frames.", LOOK),
    Command("rejects", "cli.rejects.app:app", "List and show what was refused, and offer it again.", LOOK),
    Command("edits", "cli.edits.app:app", "Edits of readings: propose, approve, refuse, undo, list.", LOOK),
    Command("exceptions", "cli.exceptions.app:app", "The queue of exceptions, and work on it.", LOOK),
    Command("sap", "cli.sap.app:app", "Messages to SAP: outcomes, refusals, bills to be made anew.", LOOK),
    Command("state", "cli.state.app:app", "Say what state holds and takes, by stage and area.", LOOK),
    Command("hygiene", "cli.hygiene:hygiene", "Completeness, timeliness, unexplained energy, counters, clocks.", LOOK),
    Command("readiness", "cli.readiness.app:readiness", "Which consumers of a cycle can be billed, and why not.", LOOK),
    Command("losses", "cli.losses.app:app", "AT&C loss of nodes and periods by published formulas.", LOOK),
    Command("sql", "cli.sql:sql", "Ask the warehouse, also while a pipeline is running.", LOOK),
    Command("bench", "cli.bench:app", "Measure the whole way on this machine, compared with the truth.", MEASURE),
)

BY_NAME = {command.name: command for command in COMMANDS}
