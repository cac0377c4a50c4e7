"""No hostile frame makes a kernel reach outside its arrays: the property tests once more, with every index checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import gcm

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_index_is_out_of_bounds_for_any_frame(tmp_path):
    # Compiled apart: checked kernels must not come to lie among the cached ones.
    checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    names = (
        "property/test_decode_kernel", "property/test_decode_lane", "property/test_decode_framings",
        "unit/agents/decode/test_step", "unit/agents/decode/test_profiles", "unit/agents/decode/test_buffers",
        "unit/agents/decode/test_lane",
    )  # fmt: skip
    files = [f"tests/{name}.py" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT, env=checked, capture_output=True, text=True, timeout=1700, check=False,
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


SEAL = "from pipeline.gcm_instructions import seal\nu = lambda n: np.zeros(n, np.uint8)\n"
PROBES = {
    "a number is read": "from agents.decode.kernels_readings import _texts_end\n"
    "_texts_end(np.zeros(3, np.uint8), np.int64(0), np.int64(100), np.int64(2))\n",
    "a number is written": SEAL + "seal(0, u(16), 0, u(16), u(32), 17, u(64), 0, 5, u(10), 0)\n",
    "a block is read": SEAL + "seal(0, u(8), 0, u(16), u(32), 17, u(64), 0, 5, u(64), 0)\n",
    "a block is written": SEAL + "seal(0, u(16), 0, u(16), u(32), 17, u(64), 0, 20, u(10), 0)\n",
    "a part of a block is read": SEAL + "seal(0, u(16), 0, u(16), u(32), 17, u(2), 0, 5, u(64), 0)\n",
    "a part of a block is written": SEAL + "seal(0, u(16), 0, u(16), u(32), 17, u(64), 0, 5, u(3), 0)\n",
}


@pytest.mark.parametrize("what", PROBES)
@pytest.mark.skipif(not gcm.has_instructions(), reason="the processor has no instructions for AES")
def test_what_goes_by_an_address_is_checked_too(what, tmp_path_factory):
    # One folder for all of them: the kernels are compiled once.
    cache = tmp_path_factory.getbasetemp() / "checked-addresses"
    checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(cache)}
    probe = f"import numpy as np\n{PROBES[what]}"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env=checked, capture_output=True, text=True, check=False
    )
    assert "IndexError: octets outside of an array" in done.stderr
