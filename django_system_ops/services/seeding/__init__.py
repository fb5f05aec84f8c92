"""What a site begins with and what it is shown with, and taking it back."""
