"""Each app, installed alone from the wheel into an empty site."""
