"""The rules of the machine, one file each; `spikeloom.backend.validator` applies them."""
