"""`spikeloom ablate`: every optimisation on and off, from executed streams."""
