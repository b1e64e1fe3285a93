"""Connection and spike lists as the published tools read them: lines of whole numbers.

`source target target ...` says whom a neuron feeds, on one line or several; doubles count once.
`neuron time time ...` says when it spikes in one inference; of the times only the number counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikeloom.diagnostics import DiagnosticError, SourceLocation, error
from spikeloom.passes.clustering.connections import Connections, Offsets, transposed
from spikeloom.passes.clustering.limits import LARGEST

MAX_SYNAPSES = 2**28


def read_connections(text: str, file: str) -> Connections:
    """The network of a connection list; everybody spikes once.

    Raises:
        DiagnosticError: a line is no list of neurons, or there are too many (E0207).
    """
    sources: list[int] = []
    targets: list[list[int]] = []
    synapses = 0
    for location, words in _lines(text, file):
        numbers = [_neuron(word, location) for word in words]
        sources.append(numbers[0])
        targets.append(numbers[1:])
        synapses += len(numbers) - 1
        if synapses > MAX_SYNAPSES:
            raise error("E0207", f"there are more than {MAX_SYNAPSES} synapses", location)
    if not synapses:
        message = f"`{file}` holds no connections"
        help = "a line is `source target target ...`"
        raise error("E0207", message, SourceLocation(file, 1, 1), help)
    source = np.repeat(np.array(sources, np.int64), [len(each) for each in targets])
    target = np.array([number for each in targets for number in each], np.int64)
    n = max(max(sources), int(target.max())) + 1
    keys = np.unique(source * n + target)
    source, target = np.divmod(keys, n)
    out_first = np.searchsorted(source, np.arange(n + 1))
    first, inputs = transposed(out_first, target.astype(np.int32), np.arange(n), n)
    return Connections(first, inputs, np.ones(n, np.int64))


def read_spikes(text: str, file: str, neurons: int) -> Offsets:
    """[neurons], the spikes of each in one inference; 0 for a neuron that is not listed.

    Raises:
        DiagnosticError: a line does not begin with a neuron of the network (E0207).
    """
    spikes = np.zeros(neurons, np.int64)
    for location, words in _lines(text, file):
        neuron = _neuron(words[0], location)
        if neuron >= neurons:
            message = f"neuron {neuron} spikes, but the network has {neurons} neurons"
            raise error("E0207", message, location, "neurons are numbered from 0")
        for word in words[1:]:
            _check_time(word, location)
        spikes[neuron] += len(words) - 1
    return spikes


def _lines(text: str, file: str) -> Iterator[tuple[SourceLocation, list[str]]]:
    """The words of every line that has some, and where it stands."""
    for number, line in enumerate(text.split("\n"), start=1):
        if words := line.split():
            yield SourceLocation(file, number, line.index(words[0]) + 1, len(words[0])), words


def _neuron(word: str, location: SourceLocation) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) < 12) or int(word) >= LARGEST:
        raise _not_a("neuron, a number from 0", word, location)
    return int(word)


def _check_time(word: str, location: SourceLocation) -> None:
    try:
        float(word)
    except ValueError:
        raise _not_a("time, a number", word, location) from None


def _not_a(what: str, word: str, location: SourceLocation) -> DiagnosticError:
    shown = word if len(word) <= 20 else word[:20] + "..."
    return error("E0207", f"`{shown}` is no {what}", location, f"numbers are below {LARGEST}")
