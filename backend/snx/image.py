"""What a `.snx` file holds: the streams, and what the host and the machine need beside them."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.backend.stream.stream import Stream
from spikeloom.diagnostics import did_you_mean, error


@dataclass(frozen=True)
class Image:
    """A compiled program.

    Attributes:
        metadata: JSON text of the host's plan (data, epochs, parameters); opaque to the backend.
        machine: JSON text of the machine description that the program was compiled for.
        streams: the named streams, for instance "train" and "test", in the file's order.
    """

    metadata: str
    machine: str
    streams: tuple[tuple[str, Stream], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the streams."""
        return tuple(name for name, _ in self.streams)

    def stream(self, name: str) -> Stream:
        """The stream of this name; a `DiagnosticError` (E0303) when there is none."""
        for candidate, stream in self.streams:
            if candidate == name:
                return stream
        message = f"the image has no stream `{name}`"
        raise error("E0303", message, help=did_you_mean(name, self.names))
