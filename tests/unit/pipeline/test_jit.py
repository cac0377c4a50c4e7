"""How kernels are compiled: what lies on disk is of the sources as they are."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import NumbaError

from pipeline.jit import imported_files, kernel, prefetch

ROOT = Path(__file__).parents[3]

CALLER = """
from pipeline.jit import kernel
from {package}.callee import factor


@kernel
def scaled(value):
    return value * factor(value)
"""
CALLEE = """
from pipeline.jit import kernel


@kernel
def factor(value):
    return {factor}
"""


def test_a_change_in_a_neighbouring_file_is_compiled_in(tmp_path):
    probe = "from stage.caller import scaled as s; print(s(7), sum(s.stats.cache_hits.values()))"
    folder = tmp_path / "stage"
    folder.mkdir()
    (folder / "caller.py").write_text(CALLER.format(package="stage"))
    results = []
    for factor in (2, 2, 3):
        (folder / "callee.py").write_text(CALLEE.format(factor=factor))
        done = subprocess.run(
            [sys.executable, "-c", probe],
            env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        results.append(done.stdout.split())
    assert results == [["14", "0"], ["14", "1"], ["21", "0"]]


def test_a_stamp_is_of_all_that_a_module_imports_and_of_nothing_else(tmp_path):
    def stamp(**files):
        for name, text in files.items():
            (tmp_path / "stage").mkdir(exist_ok=True)
            (tmp_path / "stage" / f"{name}.py").write_text(text)
        probe = (
            "import sys; from pathlib import Path; from pipeline.jit import sources_stamp\n"
            "root = Path(sys.argv[1]); print(sources_stamp(root / 'stage' / 'kernels.py', root))"
        )
        done = subprocess.run([sys.executable, "-c", probe, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
                              check=True)  # fmt: skip
        return done.stdout

    first = stamp(kernels="from stage import near\n", near="import stage.far\n", far="BOUND = 1\n", aside="")
    assert stamp(aside="BOUND = 2\n") == first
    assert stamp(far="BOUND = 2\n") != first


def test_kernels_of_a_stage_are_of_the_folders_below_it_and_of_other_stages():
    vee = ROOT / "agents" / "vee"
    assert vee / "estimate" / "errors.py" in imported_files(vee / "kernels_order.py", ROOT)
    assert ROOT / "pipeline" / "jit.py" in imported_files(vee / "jit.py", ROOT)
    assert vee / "estimate" / "model.py" in imported_files(ROOT / "agents" / "scorecard" / "kernels.py", ROOT)


def test_a_kernel_that_allocates_does_not_compile():
    @kernel
    def allocating():
        return np.zeros(3)[0]

    with pytest.raises(NumbaError):
        allocating()


def test_prefetching_changes_nothing(tmp_path):
    source = tmp_path / "fetching.py"
    source.write_text(
        "from pipeline.jit import kernel, prefetch\n\n\n@kernel\ndef total(values):\n    sum_ = 0\n"
        "    for row in range(values.shape[0]):\n        prefetch(values, (row + 4) * values.shape[1])\n"
        "        sum_ += values[row, 0]\n    return sum_\n"
    )
    spec = importlib.util.spec_from_file_location("fetching", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.total(np.arange(20).reshape(10, 2)) == 90
    assert prefetch is not None


PLAIN = """
import numpy as np
from pipeline.jit import COMPILED, peek1, peek2, peek4, peek8, poke2, poke8, prefetch
octets = np.arange(250, 266, dtype=np.uint16).astype(np.uint8).reshape(2, 8)
prefetch(octets, 3)
poke2(octets, 9, -2)
print(COMPILED, peek1(octets, 1), peek2(octets, 9), peek4(octets, 5), peek8(octets, 4), octets[1, 1:3].tolist())
for outside in (lambda: peek8(octets, 9), lambda: peek1(octets, -1), lambda: poke8(octets, 9, 0)):
    try:
        outside()
    except IndexError as error:
        print(error)
"""


def test_without_compiling_addresses_are_read_and_written_as_in_kernels():
    done = subprocess.run([sys.executable, "-c", PLAIN], cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
                          capture_output=True, text=True, check=True)  # fmt: skip
    octets = np.arange(250, 266, dtype=np.uint16).astype(np.uint8)
    octets[9:11] = 0xFE, 0xFF
    raw = octets.tobytes()
    four, eight = int.from_bytes(raw[5:9], "little"), int.from_bytes(raw[4:12], "little", signed=True)
    first, *rest = done.stdout.splitlines()
    assert first == f"False {raw[1]} 65534 {four} {eight} [254, 255]"
    assert rest == ["octets outside of an array"] * 3
