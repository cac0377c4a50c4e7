"""Who may import whom, and that no dependency shadows a package of ours."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

OURS = {"agents", "pipeline", "sinks", "connectors", "schemas", "cli", "bench", "deploy", "docs", "examples", "tests"}
"""Folders at the root. One without `__init__.py` would lose against a dependency's package of its name."""

IMPORTED = {"agents", "pipeline", "sinks", "connectors", "schemas", "cli", "bench"}
"""Those of them that Kvarn imports."""


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_the_layers_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_layer_that_is_broken_is_found(tmp_path: Path) -> None:
    for name in ("low", "high"):
        (tmp_path / name).mkdir()
    (tmp_path / "high" / "__init__.py").write_text("")
    (tmp_path / "low" / "__init__.py").write_text("import high\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["low", "high"]\n'
        '[[tool.importlinter.contracts]]\nname = "x"\ntype = "layers"\nlayers = ["high", "low"]\n'
    )
    assert lint_imports(tmp_path).returncode == 1


def top_levels(distribution: importlib.metadata.Distribution) -> set[str]:
    """Names that a distribution puts at the top of site-packages."""
    files = distribution.files or []
    return {path.parts[0].removesuffix(".py") for path in files if path.suffix == ".py" and ".." not in path.parts}


def test_no_dependency_ships_a_package_of_one_of_our_names() -> None:
    taken = {
        f"{distribution.name}: {name}"
        for distribution in importlib.metadata.distributions()
        if distribution.name != "kvarn"
        for name in top_levels(distribution) & OURS
    }
    assert taken == set()


def test_the_names_of_a_dependency_are_seen() -> None:
    # Two distributions whose import name differs from their own, one of them a single module.
    assert "ruamel" in top_levels(importlib.metadata.distribution("ruamel.yaml"))
    assert "six" in top_levels(importlib.metadata.distribution("six"))


def test_our_packages_are_imported_from_the_project() -> None:
    for name in sorted(IMPORTED):
        package = importlib.import_module(name)
        assert Path(str(package.__file__)).is_relative_to(ROOT)


def test_every_package_at_the_root_is_named_here() -> None:
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found <= OURS
    assert found >= IMPORTED
