"""Which programs run on a chip: admission with a guarantee, release, defragmentation."""
