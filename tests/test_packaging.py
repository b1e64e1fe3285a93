"""Spikeloom is one package: its folders never appear under their own generic names."""

import subprocess
import sys
import tomllib
from pathlib import Path

FOLDERS = ("dialects", "passes", "frontend", "backend")


def test_the_folders_are_imported_only_as_parts_of_the_package():
    program = (
        "import sys, spikeloom.commands.run, spikeloom.opt; "
        f"print([name for name in {FOLDERS!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_the_source_archive_and_the_type_checker_know_every_room_of_the_package():
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text())
    package = root / "src" / "spikeloom"
    rooms = {
        f"src/spikeloom/{room.name}"
        for room in package.iterdir()
        if room.is_dir() and not room.is_symlink() and (room / "__init__.py").exists()
    }
    archive = project["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    assert rooms <= set(archive)
    assert rooms <= set(project["tool"]["pyright"]["include"])
