"""Spikeloom: a compiler toolchain for spiking neural networks, on xDSL.

The folders are the pipeline: `frontend` turns `.snn` text into the `snn` dialect,
`dialects` holds the levels of the IR, `passes` lower one to the next, and `backend` is the
machine that runs the result. Importing this package imports none of them.
"""

from pathlib import Path as _Path

__version__ = "0.1.0"

# A checkout on a file system without links still works: the folders lie two levels up.
if not (_here := _Path(__file__).parent).joinpath("dialects").is_dir():
    __path__.append(str(_here.parents[1]))
