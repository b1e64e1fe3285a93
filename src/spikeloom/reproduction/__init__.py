"""`spikeloom reproduce h2learn`: published figures beside those of the modelled machine."""
