"""What the fuzz tests start from: small programs, modules of every level, and images."""

from __future__ import annotations

import random
import struct
from functools import cache

from ir_stages import printed, stages

from spikeloom.backend.snx import encode_image
from spikeloom.backend.snx.image import Image
from spikeloom.backend.snx.layout import ENTRY, HEADER, TABLE_OFFSET, digest
from spikeloom.backend.stream.encode import encode_program
from spikeloom.dialects.engine import ProgramOp

_TRAIN = """
train n {
    data      = %s
    steps     = 3
    batch     = 2
    epochs    = 1
    loss      = %s
    optimizer = %s
    seed      = 1
}
"""

PROGRAMS = (
    "# One layer.\nnetwork n(image: spikes[6]) -> spikes[3] {\n"
    "    return lif(linear(image, 3, bias = false))\n}\n"
    + _TRAIN
    % (
        "random(rate = 0.1, classes = 3, samples = 8)",
        "cross_entropy",
        "adam(rate = 0.002)",
    ),
    "network n(x: currents[2, 3]) -> currents[2] {\n"
    "    a = lif(linear(flatten(x), 4), reset = subtract, surrogate = atan(slope = 2))\n"
    "    return li(linear(a, 2), decay = 0.9)\n}\n"
    + _TRAIN
    % ('file("x.npz")', "mse", "sgd(rate = 0.1, momentum = 0.9)"),
    "network n(x: spikes[4]) -> spikes[2] {\n"
    "    h = lif(linear(x, 3) + linear(previous(h), 3, bias = false), decay = 0.9)\n"
    "    o = if(linear(h, 2), surrogate = triangle(half_width = 0.5, gain = 1), reset = none)\n"
    "    return o\n}\n"
    + _TRAIN
    % (
        "random(rate = 0.1, classes = 2, samples = 8)",
        "cross_entropy",
        "adamw(rate = 0.01, decay = 0.1)",
    ),
)
PROGRAM_SEEDS = tuple(program.encode() for program in PROGRAMS)
PROGRAM_WORDS = (
    b"network train return lif if li linear flatten previous spikes currents true false bias "
    b'decay threshold reset ( ) [ ] { } , : = + - -> # " ; . \n \t \x00 \xff \xc3\xa9 '
    b"conv2d digits file adam 1e999 16777217"
).split(b" ")

MODULE_WORDS = (
    b"%0 %1 %x @n @w @output.weight tensor<?x?x4xf32> tensor<4xf32> tensor<*xi1> tensor<f32> i1 "
    b"f32 i64 index ( ) [ ] { } < > , : = -> -- ? * next collect over with layer attributes loc "
    b"dense<0> unit array<i32:1,0> snn.lif bptt.add bptt.scan engine.loop engine.load test.op "
    b"^bb0 #snn.neuron #0 !x true dram weight_sram f64 bit i32 forward backward all \n \x00 \xff"
).split(b" ")

_OPTIMISED = "mask-gradients,fuse-luts,schedule-engines,lower-to-engine"
_NEXT = {
    "frontend": f"infer-shapes,canonicalize,cse,dce,expand-bptt,{_OPTIMISED}",
    "expand-bptt": f"canonicalize,cse,dce,{_OPTIMISED}",
    "mask-gradients": "fuse-luts,schedule-engines,lower-to-engine",
    "fuse-luts": "schedule-engines,lower-to-engine",
    "schedule-engines": "canonicalize,cse,dce,lower-to-engine",
    "lower-to-engine": "canonicalize,cse,dce",
}


@cache
def module_seeds() -> tuple[tuple[bytes, str], ...]:
    """Modules of every level, custom and generic, each with the pipeline that goes on from it."""
    seeds: list[tuple[bytes, str]] = []
    for program in PROGRAMS:
        for name, module in stages(program, steps=3, batch=2):
            if name == "lower-to-engine":
                continue  # very long; that of inference is shorter and has all there is to it
            for generic in (False, True):
                seeds.append((printed(module, generic=generic).encode(), _NEXT[name]))
    *_, (name, module) = stages(PROGRAMS[0], steps=3, batch=2, training=False)
    for generic in (False, True):
        seeds.append((printed(module, generic=generic).encode(), _NEXT[name]))
    return tuple(seeds)


@cache
def image_seeds() -> tuple[bytes, ...]:
    """Images of one stream and of two."""
    streams = []
    for program in PROGRAMS[:1] + PROGRAMS[2:]:
        *_, (_, module) = stages(program, steps=3, batch=2)
        (engine,) = (op for op in module.ops if isinstance(op, ProgramOp))
        streams.append(encode_program(engine))
    one = Image("{}", "{}", (("train", streams[0]),))
    two = Image("{}", "{}", (("train", streams[1]), ("test", streams[0])))
    return encode_image(one), encode_image(two)


_CELLS = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 31)


def mutated_image(generator: random.Random, data: bytes, seeds: tuple[bytes, ...]) -> bytes:
    """The image with changed bytes or numbers; mostly with its checksums put right again."""
    changed = bytearray(data)
    if generator.random() < 0.1:
        other = generator.choice(seeds)
        start, length = generator.randrange(len(other)), generator.choice((1, 8, 200, 5000))
        at = generator.randrange(len(changed))
        changed[at : at + generator.choice((0, length))] = other[start : start + length]
    if generator.random() < 0.1:
        del changed[generator.randrange(len(changed)) :]
    for _ in range(generator.choice((1, 1, 2, 5))):
        if len(changed) < 8:
            break
        at = generator.randrange(len(changed) - 7)
        kind = generator.choice(("<B", "<H", "<I", "<I", "<Q"))
        limit = (1 << 8 * struct.calcsize(kind)) - 1
        number = generator.choice((*_CELLS, generator.randrange(limit)))
        struct.pack_into(kind, changed, at & ~3 if kind == "<I" else at, number & limit)
    return sealed(bytes(changed)) if generator.random() < 0.85 else bytes(changed)


def sealed(data: bytes) -> bytes:
    """The bytes with lengths and checksums put right, as far as the table can be read."""
    if len(data) < TABLE_OFFSET:
        return data
    magic, version, count, _ = HEADER.unpack_from(data)
    if TABLE_OFFSET + count * ENTRY.size > len(data):
        return data
    entries: list[bytes] = []
    for index in range(count):
        kind, zero, name, offset, length, _ = ENTRY.unpack_from(
            data, TABLE_OFFSET + index * ENTRY.size
        )
        checksum = digest(data[offset : offset + length])
        entries.append(ENTRY.pack(kind, zero, name, offset, length, checksum))
    header, table = HEADER.pack(magic, version, count, len(data)), b"".join(entries)
    return header + digest(header, table) + table + data[TABLE_OFFSET + len(table) :]
