"""Which outcomes of the kernels' conditions frames reach, seen without compiled kernels.

    NUMBA_DISABLE_JIT=1 python -m bench.fuzz.reach FRAMES.npz

The sources of the kernels are loaded with a note at each condition: every operand of `and`, `or` and `not` in an `if`,
`while`, conditional expression or value. Each should come out true at one frame and false at another. JSON on standard
output: {"conditions", "outcomes", "reached", "by_module": {module: [outcomes, reached]}, "missing": [{"where", "what",
"never"}], "codes": {code: frames}}.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

DECORATORS = {"kernel", "inlined", "allocating_kernel", "expanded"}
PREFIX = "agents.decode.kernels_"
BESIDE = ("pipeline.hdlc", "pipeline.mbus")
"""Further modules with kernels that read frames, where they are there."""
NOTE = "_note_outcome"
FALSE, TRUE = 1, 2


@dataclass
class Condition:
    """One condition; `outcomes`: FALSE and TRUE as far as they came."""

    module: str
    function: str
    line: int
    text: str
    outcomes: int = 0


CONDITIONS: list[Condition] = []


def _note(number: int, value: Any) -> Any:
    CONDITIONS[number].outcomes |= TRUE if value else FALSE
    return value


class _Noting(ast.NodeTransformer):
    """Puts a note around the conditions of kernels."""

    def __init__(self, module: str) -> None:
        self._module, self._function = module, ""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        names = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
        if not names & DECORATORS:
            return node
        self._function = node.name
        self.generic_visit(node)
        return node

    def _tested(self, node: Any) -> Any:
        self.generic_visit(node)
        node.test = self._noted(node.test)
        return node

    visit_If = visit_While = visit_IfExp = _tested  # noqa: N815 - ast's names

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values = [self._noted(value) for value in node.values]
        return node

    def _noted(self, test: ast.expr) -> ast.expr:
        """The operands of `and` and `or` have notes of their own already."""
        if not self._function or isinstance(test, ast.BoolOp) or _has_note(test):
            return test
        number = len(CONDITIONS)
        CONDITIONS.append(Condition(self._module, self._function, test.lineno, ast.unparse(test)))
        call = ast.Call(ast.Name(NOTE, ast.Load()), [ast.Constant(number), test], [])
        return ast.fix_missing_locations(ast.copy_location(call, test))


def _has_note(test: ast.expr) -> bool:
    return isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == NOTE


class _Loader(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:  # type: ignore[override]
        tree = _Noting(self.name).visit(ast.parse(data))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, NOTE, _note)
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if not (fullname.startswith(PREFIX) or fullname in BESIDE) or path is None:
            return None
        found = Path(path[0]) / f"{fullname.rpartition('.')[2]}.py"
        if not found.exists():
            return None
        return importlib.util.spec_from_file_location(fullname, found, loader=_Loader(fullname, str(found)))


def measure(file: Path) -> dict[str, Any]:
    """Decode the frames of a file and say what was reached."""
    sys.meta_path.insert(0, _Finder())
    from agents.decode import step
    from agents.decode.lane import SingleLane
    from agents.decode.state import LAYOUT
    from bench.fuzz.world import PAGES, World, config_of, tables_by_config
    from pipeline import gcm
    from pipeline.batch import FrameBatch
    from pipeline.codes import REJECT_BY_NUMBER
    from pipeline.jit import COMPILED
    from pipeline.state import StateStore

    assert not COMPILED, "set NUMBA_DISABLE_JIT=1"
    saved = np.load(file)
    world = World(int(saved["seed"][0]))
    for module in [module for name, module in sys.modules.items() if name.startswith("agents.decode.")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, np.dtype) and value.names:
                setattr(module, name, np.dtype((_Fields, value)))
    tables = tables_by_config(world)
    codes: Counter[str] = Counter()
    for number in range(int(saved["batches"][0])):
        fields = {name: saved[f"{number}.{name}"] for name in
                  ("service_point", "device", "received_at", "length", "payload")}  # fmt: skip
        again = saved.get(f"{number}.requeued")
        store = StateStore(LAYOUT, PAGES)
        for area in store.areas.values():
            if area.rows.dtype.names:
                area.rows = area.rows.view(np.dtype((_Fields, area.rows.dtype)))
                area.__post_init__()  # its views are of the records as they are now
        config = config_of(number)
        with np.errstate(all="ignore"):
            _, opened, _ = step.decode_batch(
                FrameBatch(**fields), store, tables[config], gcm.NO_CONTEXT, again, SingleLane(config.single_octets)
            )  # fmt: skip
        found, counts = np.unique(opened.code, return_counts=True)
        for code, count in zip(found.tolist(), counts.tolist(), strict=True):
            codes["taken" if code == 0 else REJECT_BY_NUMBER[code].code] += count
    return _said(codes)


class _Fields(np.record):  # type: ignore[misc]
    """A record with its fields as attributes, as it has in a compiled kernel; numpy has other attributes of the same
    names."""

    def __getattribute__(self, name: str) -> Any:
        fields = np.void.__getattribute__(self, "dtype").fields or {}
        if name in fields:
            return np.void.__getattribute__(self, "getfield")(*fields[name][:2])
        return np.void.__getattribute__(self, name)


def _said(codes: Counter[str]) -> dict[str, Any]:
    modules: dict[str, list[int]] = {}
    missing = []
    for one in CONDITIONS:
        counts = modules.setdefault(one.module, [0, 0])
        counts[0], counts[1] = counts[0] + 2, counts[1] + one.outcomes.bit_count()
        if one.outcomes != FALSE | TRUE:
            never = {0: "asked", TRUE: "false", FALSE: "true"}[one.outcomes]
            where = f"{one.module.rpartition('.')[2]}.{one.function}, line {one.line}"
            missing.append({"where": where, "what": one.text, "never": never})
    return {
        "conditions": len(CONDITIONS),
        "outcomes": 2 * len(CONDITIONS),
        "reached": sum(one.outcomes.bit_count() for one in CONDITIONS),
        "by_module": dict(sorted(modules.items())),
        "missing": missing,
        "codes": dict(codes.most_common()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(Path(sys.argv[1]))) + "\n")
