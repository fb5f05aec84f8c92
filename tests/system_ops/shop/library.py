"""Tables of tenants with links of every kind, for moves between tenants."""

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.functions import Length, Lower

__all__ = [
    "Alias",
    "Award",
    "Badge",
    "Book",
    "Flag",
    "Footnote",
    "Guide",
    "Label",
    "Office",
    "Person",
]
__all__ += ["Series", "Theme", "Volume"]


class Person(models.Model):
    """No tenant's."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Theme(models.Model):
    """A tenant's own; its parent and its favourite close circles."""

    tenant = models.ForeignKey("shop.Tenant", on_delete=models.CASCADE)
    slug = models.CharField(max_length=20)
    title = models.CharField(max_length=50, blank=True)
    code = models.UUIDField(default=uuid.uuid4, unique=True)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)
    favourite = models.ForeignKey(
        "shop.Book", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "shop"
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="shop_theme_slug")]

    def __str__(self) -> str:
        return self.slug


class Book(models.Model):
    """Belongs to its topic, and its file to it."""

    topic = models.ForeignKey(Theme, on_delete=models.CASCADE)
    number = models.IntegerField(default=0)
    text = models.TextField(blank=True)
    length = models.GeneratedField(
        expression=Length("text"), output_field=models.IntegerField(), db_persist=True
    )
    facts = models.JSONField(null=True)
    blob = models.BinaryField(default=b"")
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    file = models.FileField(upload_to="articles", blank=True, max_length=60)
    related = models.ManyToManyField("self", symmetrical=False)
    readers = models.ManyToManyField(Person)

    class Meta:
        app_label = "shop"
        unique_together = [("topic", "number")]

    def __str__(self) -> str:
        return f"{self.topic_id}/{self.number}"


class Guide(Book):
    """A row in two tables."""

    level = models.IntegerField(default=1)


class Badge(models.Model):
    """Its key is a word that somebody chose, unique over all tenants."""

    code = models.CharField(max_length=20, primary_key=True)
    tenant = models.ForeignKey("shop.Tenant", on_delete=models.CASCADE)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.code


class Award(models.Model):
    """Needs a badge, and hangs on an article."""

    badge = models.ForeignKey(Badge, on_delete=models.PROTECT)
    article = models.ForeignKey(Book, on_delete=models.CASCADE)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return f"{self.badge_id} for {self.article_id}"


class Office(models.Model):
    """A tenant's only one."""

    tenant = models.OneToOneField("shop.Tenant", on_delete=models.CASCADE)
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Footnote(models.Model):
    """Belongs to whomever the row belongs that it is on; a remark may be on a remark."""

    kind = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=40)
    target = GenericForeignKey("kind", "number")
    text = models.TextField()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text


class Flag(models.Model):
    """Says itself whose it is, and points at any row or at none."""

    tenant = models.ForeignKey("shop.Tenant", on_delete=models.CASCADE)
    kind = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+", null=True)
    number = models.PositiveBigIntegerField(null=True)
    target = GenericForeignKey("kind", "number")
    facts = models.JSONField(default=dict)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return str(self.number)


class Label(models.Model):
    """Of those that are not gone, a tenant has one of a name."""

    tenant = models.ForeignKey("shop.Tenant", on_delete=models.CASCADE)
    name = models.CharField(max_length=20)
    is_gone = models.BooleanField(default=False, null=True)

    class Meta:
        app_label = "shop"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                condition=models.Q(is_gone=False),
                name="shop_label_name",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Alias(models.Model):
    """A tenant has one of a name, in whatever case, while it is not over."""

    tenant = models.ForeignKey("shop.Tenant", on_delete=models.CASCADE)
    name = models.CharField(max_length=20)
    ended_on = models.DateField(null=True)

    class Meta:
        app_label = "shop"
        constraints = [
            models.UniqueConstraint(
                Lower("name").desc(),
                "tenant",
                condition=models.Q(ended_on=None),
                name="shop_alias_name",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Series(models.Model):
    """Others point at its code, which is unique over all tenants."""

    tenant = models.ForeignKey("shop.Tenant", on_delete=models.CASCADE)
    code = models.CharField(max_length=20, unique=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.code


class Volume(models.Model):
    """Points at a code and not at a key."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, to_field="code")

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.series_id
