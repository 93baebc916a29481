"""The demo story: made data, a hub, a tour."""
