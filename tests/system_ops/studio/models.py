"""Rows that may be nobody's, keys that do not count, files that all rows share."""

import uuid

from django.conf import settings
from django.db import models


class Studio(models.Model):
    """Whose data it is."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return self.name


class Shelf(models.Model):
    """A studio's, or everybody's."""

    studio = models.ForeignKey(Studio, on_delete=models.CASCADE, null=True)
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return self.name


class Paper(models.Model):
    """Lies on a shelf, or nowhere."""

    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, null=True)
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return self.name


class Remark(models.Model):
    """A studio's, on a paper."""

    studio = models.ForeignKey(Studio, on_delete=models.CASCADE)
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return f"{self.studio_id} on {self.paper_id}"


class Loan(models.Model):
    """From one studio to another: whose it is, nobody can read from that."""

    giver = models.ForeignKey(Studio, on_delete=models.CASCADE, related_name="given")
    taker = models.ForeignKey(Studio, on_delete=models.CASCADE, related_name="taken")

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return f"{self.giver_id} to {self.taker_id}"


class Receipt(models.Model):
    """A studio's, for a loan."""

    studio = models.ForeignKey(Studio, on_delete=models.CASCADE)
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return f"{self.studio_id} for {self.loan_id}"


class Profile(models.Model):
    """What an account says of itself; its key is the account's."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE
    )
    bio = models.TextField()

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return self.bio


class Leaflet(models.Model):
    """Its key does not count, and its slug has to differ."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    slug = models.SlugField(unique=True)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return self.slug


class Citation(models.Model):
    """Holds its leaflet."""

    leaflet = models.ForeignKey(Leaflet, on_delete=models.CASCADE)

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return str(self.leaflet_id)


class Portrait(models.Model):
    """Who has none has everybody's."""

    file = models.FileField(upload_to="portraits", default="portraits/nobody.txt")

    class Meta:
        app_label = "studio"

    def __str__(self) -> str:
        return str(self.file)
