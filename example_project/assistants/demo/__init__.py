"""What the site is shown with: a recipe of setup_demo_data, and the texts that it is made of."""

from assistants.demo.recipe import assistants

__all__ = ["assistants"]
