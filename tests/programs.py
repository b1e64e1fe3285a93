"""Small programs that the tests of the command line run."""

from __future__ import annotations

from pathlib import Path

LEARNING = """network tiny(x: spikes[6]) -> spikes[3] {
    hidden = lif(linear(x, 5))
    return lif(linear(hidden, 3))
}
train tiny {
    data = random(rate = 0.5, classes = 3, samples = 26)
    steps = 4
    batch = 8
    epochs = 3
    loss = cross_entropy
    optimizer = adam(rate = 0.01)
    seed = 5
}
"""
"""Three training batches an epoch (8, 8, 5 samples) and one of 5 to test with."""

SILENT = LEARNING.replace("lif(linear(x, 5))", "lif(linear(x, 5), threshold = 1000.0)")
"""Its hidden layer never spikes, and no gradient reaches it."""

EXAMPLES = Path(__file__).parents[1] / "examples"

INFERENCE = LEARNING.partition("train")[0]


def write_program(folder: Path, text: str = LEARNING, name: str = "tiny.snn") -> Path:
    """Writes a program and returns its path."""
    path = folder / name
    path.write_text(text)
    return path


def example(name: str) -> str:
    """The text of an example that comes with the toolchain."""
    return (EXAMPLES / f"{name}.snn").read_text()
