"""Programs on machines of crossbars: what would not fit, and where everything goes."""
