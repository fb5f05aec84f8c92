"""What rows become."""

from django.db import models


class Article(models.Model):
    """A field of each common kind, a key, choices."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=100)
    content = models.TextField()
    category = models.CharField(max_length=20, db_index=True)
    language = models.CharField(max_length=2, choices=[("en", "English"), ("es", "Spanish")])
    rating = models.IntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    published_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title
