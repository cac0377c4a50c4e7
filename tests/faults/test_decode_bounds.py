"""No hostile frame makes a kernel reach outside its arrays: the property tests once more, with every index checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_index_is_out_of_bounds_for_any_frame(tmp_path):
    # Compiled apart: checked kernels must not come to lie among the cached ones.
    checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    names = (
        "property/test_decode_kernel", "property/test_decode_framings", "unit/agents/test_decode_step",
        "unit/agents/test_decode_profiles",
    )  # fmt: skip
    files = [f"tests/{name}.py" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT, env=checked, capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert any(tmp_path.rglob("*.nbi"))


def test_the_check_of_indices_would_notice(tmp_path):
    probe = (
        "import numpy as np\n"
        "from agents.decode.kernels_axdr import big_endian\n"
        "big_endian(np.zeros(3, np.uint8), np.int64(1), np.int64(4))\n"
    )
    checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env=checked, capture_output=True, text=True, check=False
    )
    assert "IndexError" in done.stderr
