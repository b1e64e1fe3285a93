"""`sdf` IR out as SDF3 XML, which SDF3, kiter and cmlib read.

A capacity becomes what it means, a reverse channel; the file then says the same to every tool.
The size of a token becomes `tokenSize`. Tiles and bindings have no place in an application graph.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from spikeloom.dialects.sdf import GraphOp


def write_sdf3(op: GraphOp) -> str:
    """The graph as the text of an SDF3 document."""
    graph = op.bounded_graph()
    root = Element("sdf3", {"type": "sdf", "version": "1.0"})
    application = SubElement(root, "applicationGraph", {"name": graph.name})
    sdf = SubElement(application, "sdf", {"name": graph.name, "type": graph.name})
    actors = [
        SubElement(sdf, "actor", {"name": actor.name, "type": actor.name}) for actor in graph.actors
    ]
    for number, channel in enumerate(graph.channels):
        ends: dict[str, str] = {}
        for side, end, direction, rate in (
            ("src", channel.source, "out", channel.production),
            ("dst", channel.target, "in", channel.consumption),
        ):
            port = f"{direction}{number}"
            SubElement(actors[end], "port", {"name": port, "type": direction, "rate": str(rate)})
            ends |= {f"{side}Actor": graph.actors[end].name, f"{side}Port": port}
        tokens = {"initialTokens": str(channel.tokens)} if channel.tokens else {}
        SubElement(sdf, "channel", {"name": channel.name, **ends, **tokens})
    properties = SubElement(application, "sdfProperties")
    for actor in graph.actors:
        each = SubElement(properties, "actorProperties", {"actor": actor.name})
        processor = SubElement(each, "processor", {"type": "default", "default": "true"})
        SubElement(processor, "executionTime", {"time": str(actor.time)})
    for channel in op.channels:
        if channel.token_size is not None:
            name = {"channel": channel.sym_name.data}
            each = SubElement(properties, "channelProperties", name)
            SubElement(each, "tokenSize", {"sz": str(channel.token_size.value.data)})
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
