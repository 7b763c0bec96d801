"""The room of pictures: importing it needs no extra."""

import subprocess
import sys


def test_import_is_light() -> None:
    code = "import sys, apportion.view; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"altair", "vl_convert"} & set(done.stdout.split())
