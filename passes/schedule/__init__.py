"""The costs and orders that `schedule-engines` chooses from."""
