"""Traces for tests: random arrivals and departures of small graphs, and how to run them."""

from __future__ import annotations

import json
import random
from pathlib import Path

from dataflow_graphs import layers
from xdsl.dialects.builtin import ModuleOp

from spikeloom.command_line import main
from spikeloom.dialects.sdf import make_graph

MESH = ("--rows", "2", "--columns", "15", "--delay", "2", "--bandwidth", "2", "--actors", "1")


def write_graphs(folder: Path) -> list[str]:
    """Files with graphs of 3 to 12 actors."""
    names: list[str] = []
    for number in range(4):
        names.append(f"graph{number}.mlir")
        module = ModuleOp([make_graph(layers(number, 3, number + 1))])
        (folder / names[-1]).write_text(str(module))
    return names


def write_trace(folder: Path, events: int, seed: int = 11) -> Path:
    """A trace of arrivals, departures and some defragmentations, on a chip that is too small."""
    draw = random.Random(seed)
    graphs = write_graphs(folder)
    present: list[str] = []
    lines: list[dict[str, object]] = []
    for number in range(events):
        event: dict[str, object] = {"time": number * 3 // 2}
        chance = draw.random()
        if chance < 0.2:
            event["defragment"] = draw.choice([True, 6])
        elif present and chance < (0.7 if len(present) > 5 else 0.25):
            event["depart"] = present.pop(draw.randrange(len(present)))
        else:
            present.append(f"p{number}")
            event |= {"arrive": present[-1], "program": draw.choice(graphs)}
            event |= {"period": f"{draw.randint(60, 400)}/2", "pipeline": draw.random() < 0.5}
        lines.append(event)
    path = folder / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def run(trace: Path, *options: str) -> int:
    """`spikeloom admit` on the mesh of these tests."""
    return main(["admit", str(trace), *MESH, *options])
