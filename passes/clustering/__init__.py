"""Clusters of neurons that fit the crossbars of a neuromorphic chip."""
