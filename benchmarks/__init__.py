"""What the apps promise about speed, measured beside their peers and the raw limit."""
