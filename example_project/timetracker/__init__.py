"""A small time tracker: the stage on which the operations apps are shown."""
