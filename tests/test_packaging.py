"""Spikeloom is one package: its folders never appear under their own generic names."""

import subprocess
import sys

FOLDERS = ("dialects", "passes", "frontend", "backend")


def test_the_folders_are_imported_only_as_parts_of_the_package():
    program = (
        "import sys, spikeloom.commands, spikeloom.opt; "
        f"print([name for name in {FOLDERS!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
