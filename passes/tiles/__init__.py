"""From a clustered and bound network to the program of a machine of crossbars."""
