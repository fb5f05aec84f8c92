"""A knowledge base, and whose it is."""

from django.db import models


class Owner(models.Model):
    """Whose articles they are."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "library"

    def __str__(self) -> str:
        return self.name


class Article(models.Model):
    """What the site knows; each row has the version of its format."""

    tenant = models.ForeignKey(Owner, on_delete=models.CASCADE)
    title = models.CharField(max_length=40)
    text = models.TextField(blank=True)
    slug = models.CharField(max_length=40, null=True, unique=True)  # noqa: DJ001  # unique
    data = models.JSONField(default=dict, null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    seen_at = models.DateTimeField(null=True)
    blob = models.BinaryField(default=b"")
    version = models.CharField(max_length=10, null=True, db_index=True)  # noqa: DJ001  # unknown

    class Meta:
        app_label = "library"

    def __str__(self) -> str:
        return self.title
