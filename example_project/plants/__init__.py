"""Solar plants with tables of their own, over which the rules of job automation are laid."""
