"""How `expand-bptt` differentiates a network and closes its loops in time."""
