"""Actors on tiles: binding, orders, the graph that the hardware makes of it, guarantees."""
