"""Clustered networks on a machine of crossbars, from parameters to spikes and cycles."""
