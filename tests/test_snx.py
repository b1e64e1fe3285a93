"""A `.snx` file is exactly one image; anything else is refused with one line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_samples import ON_CHIP_BYTES, TRAINING_STEP, well_formed_streams

from spikeloom.backend.assembly import assemble, disassemble
from spikeloom.backend.snx import decode_image, encode_image, read_image, write_image
from spikeloom.backend.snx.image import Image
from spikeloom.backend.snx.layout import ENTRY, HEADER, TABLE_OFFSET, digest
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import DiagnosticError


def sample() -> Image:
    stream = assemble(TRAINING_STEP, "step")
    return Image('{"epochs": 2}', '{"name": "m"}', (("train", stream), ("test", assemble("", ""))))


def sealed(data: bytes) -> bytes:
    """The bytes with lengths and checksums put right again, as a forger would."""
    magic, version, count, _ = HEADER.unpack_from(data)
    entries: list[bytes] = []
    for index in range(count):
        kind, zero, name, offset, length, _ = ENTRY.unpack_from(
            data, TABLE_OFFSET + index * ENTRY.size
        )
        checksum = digest(data[offset : offset + length])
        entries.append(ENTRY.pack(kind, zero, name, offset, length, checksum))
    header, table = HEADER.pack(magic, version, count, len(data)), b"".join(entries)
    return header + digest(header, table) + table + data[TABLE_OFFSET + len(table) :]


def refusal(data: bytes) -> str:
    with pytest.raises(DiagnosticError) as caught:
        decode_image(data, "file.snx")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0303"
    assert diagnostic.message.startswith("file.snx: byte ")
    assert "\n" not in diagnostic.message
    return diagnostic.message


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text(), st.lists(well_formed_streams(), max_size=3))
def test_an_image_survives_the_way_through_its_file(
    metadata: str, machine: str, streams: list[Stream]
) -> None:
    named = tuple((f"stream{index}", stream) for index, stream in enumerate(streams))
    image = Image(metadata, machine, named)
    data = encode_image(image)
    assert decode_image(data, "file.snx") == image
    assert encode_image(decode_image(data, "file.snx")) == data


def test_an_image_gives_its_streams_by_name() -> None:
    image = sample()
    assert image.names == ("train", "test")
    assert image.stream("train") is image.streams[0][1]
    with pytest.raises(DiagnosticError) as caught:
        image.stream("tests")
    assert caught.value.diagnostics[0].help == "did you mean `test`?"


def test_a_file_is_written_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "program.snx"
    path.write_bytes(b"an older file")
    write_image(path, sample())
    assert read_image(path) == sample()
    assert os.listdir(tmp_path) == ["program.snx"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "program.snx"
    path.write_bytes(b"an older file")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiagnosticError, match=r"No space left on device \[E0402\]"):
        write_image(path, sample())
    assert os.listdir(tmp_path) == ["program.snx"]
    assert path.read_bytes() == b"an older file"


@pytest.mark.parametrize("name", ["", "missing/program.snx", "nul\0"])
def test_a_path_that_cannot_be_used_is_a_diagnostic(tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    with pytest.raises(DiagnosticError, match="E0401"):
        read_image(path)
    with pytest.raises(DiagnosticError, match="E0402"):
        write_image(path, sample())


def test_every_byte_of_a_file_is_guarded() -> None:
    data = encode_image(sample())
    for position in range(0, len(data), 7):
        refusal(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])


def test_a_file_cut_short_or_prolonged_is_refused() -> None:
    data = encode_image(sample())
    for length in [*range(0, 700, 13), len(data) - 1]:
        refusal(data[:length])
    assert "the file has" in refusal(data + b"\0")


def replaced(position: int, new: bytes) -> bytes:
    data = encode_image(sample())
    return data[:position] + new + data[position + len(new) :]


def entry(index: int, field: int) -> int:
    return TABLE_OFFSET + index * ENTRY.size + field


KIND, ZERO, NAME, OFFSET, LENGTH = 0, 4, 8, 72, 80


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (replaced(0, b"ELF"), "byte 0: not a .snx file"),
        (sealed(replaced(16, b"\1")), "version 1, this release reads 6: compile the program again"),
        (sealed(replaced(16, b"\7")), "byte 16: format version 7, this release reads 6"),
        (replaced(20, b"\1"), "byte 20: 1 sections, expected 2 to 64"),
        (replaced(20, b"\xff"), "byte 20: 255 sections, expected 2 to 64"),
        (sealed(replaced(entry(0, KIND), b"\2")), "section 0 is of kind 2, expected 1 (metadata)"),
        (sealed(replaced(entry(2, KIND), b"\7")), "section 2 is of kind 7, expected 3 (stream)"),
        (sealed(replaced(entry(2, ZERO), b"\1")), "the entry of section 2 has stray bytes"),
        (sealed(replaced(entry(2, NAME + 60), b"x")), "the entry of section 2 has stray bytes"),
        (sealed(replaced(entry(2, NAME), b"\xff")), "a section's name is not UTF-8"),
        (sealed(replaced(entry(2, NAME), b"\0" * 8)), "a stream needs a name of its own"),
        (sealed(replaced(entry(3, NAME), b"train")), "a stream needs a name of its own"),
        (sealed(replaced(entry(0, NAME), b"x")), "metadata and machine have no name"),
        (sealed(replaced(entry(1, OFFSET), b"\0")), "section 1 lies at"),
        (sealed(replaced(entry(2, LENGTH), b"\xff" * 8)), "section 2 lies at"),
    ],
)
def test_a_malformed_container_is_named(data: bytes, message: str) -> None:
    assert message in refusal(data)


def stream_at() -> int:
    """Where the first stream section begins."""
    return int.from_bytes(encode_image(sample())[entry(2, OFFSET) :][:8], "little")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (replaced(stream_at(), b"\xff\xff\xff\xff"), "4294967295 buffers, the limit is 32767"),
        (replaced(stream_at() + 4, b"\xff\xff\xff\xff"), "instructions, the limit is 1000000"),
        (replaced(stream_at() + 8, b"\xff\xff\xff\xff"), "locations, the limit is 1000001"),
        (replaced(stream_at() + 4, b"\xff\xff\0\0"), "the columns need"),
        (replaced(stream_at() + 16, b"\2"), "2 as the mark of a serial stream, the limit is 1"),
        (replaced(stream_at() + 20, b"\xff\xff"), "a buffer's name of 65535 bytes"),
        (replaced(len(encode_image(sample())) - 2, b"\1"), "a location needs 1 bytes, only 0"),
        (replaced(stream_at() + 22, b"\xff"), "a buffer's name is not UTF-8"),
        (replaced(stream_at() + 4, b"\1\0\0\0"), "layers, the limit is 1"),
        (replaced(stream_at() + 4, b"\x05\0\0\0"), "not numbered in the order of their first use"),
    ],
)
def test_a_malformed_stream_section_is_named(data: bytes, message: str) -> None:
    assert message in refusal(sealed(data))


def test_a_forged_file_never_does_more_than_be_refused() -> None:
    original = encode_image(sample())
    random = np.random.default_rng(1)
    refused: set[str] = set()
    for _ in range(300):
        data = bytearray(original)
        for _ in range(random.integers(1, 4)):
            position = random.integers(TABLE_OFFSET + 4 * ENTRY.size, len(data))
            data[position] = random.choice([0, 1, 127, 128, 255, random.integers(256)])
        forged = sealed(bytes(data))
        try:
            image = decode_image(forged, "file.snx")
            assert encode_image(image) == forged
            for _, stream in image.streams:
                disassemble(stream)
                validate(stream, ON_CHIP_BYTES)
        except DiagnosticError as caught:
            refused |= {diagnostic.code for diagnostic in caught.diagnostics}
    assert refused == {"E0303", "E0304"}


def test_limits_hold_when_writing_too() -> None:
    stream = assemble(TRAINING_STEP, "step")
    unfit = [
        Image("\ud800", "", ()),
        Image("", "", (("", stream),)),
        Image("", "", (("x" * 65, stream),)),
        Image("", "", (("same", stream), ("same", stream))),
        Image("", "", tuple((str(index), stream) for index in range(63))),
        Image("", "", (("long", replace(stream, locations=("x" * 4097,))),)),
        Image("", "", (("short", replace(stream, layers=stream.layers[1:])),)),
    ]
    for image in unfit:
        with pytest.raises(DiagnosticError, match="E0402"):
            encode_image(image)
