"""The `.snx` file: a compiled program as checksummed, columnar bytes.

    header    magic[16], u32 version, u32 sections, u64 file bytes, sha256 of the section table
    table     per section: u32 kind, u32 reserved (0), name[64], u64 offset, u64 bytes, sha256
    sections  one behind the other without gaps: metadata, machine, then the streams

All numbers are little-endian. The header's checksum also covers the header before it, so that
every byte of a file is under one. There is one spelling of an image: what `decode_image`
accepts, `encode_image` writes again byte by byte.
"""

from spikeloom.backend.snx.decode import decode_image, read_image
from spikeloom.backend.snx.encode import encode_image, write_image

__all__ = ["decode_image", "encode_image", "read_image", "write_image"]
