"""Tables as sites have them: tenants, cascades, files, links of every kind, a rule."""

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models

from tests.system_ops.shop.fields import ColourField
from tests.system_ops.shop.library import *  # noqa: F403  # for moves between tenants


class Tenant(models.Model):
    """Whose data it is."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word for chats."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Chat(models.Model):
    """What ages."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    updated_at = models.DateTimeField(db_index=True)
    tags = models.ManyToManyField(Tag)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.title


class Message(models.Model):
    """Goes with its chat; answers go with what they answer."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    reply_to = models.ForeignKey("self", on_delete=models.CASCADE, null=True)
    text = models.TextField()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text


class Attachment(models.Model):
    """Goes with its message, and its file with it."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to="attachments", blank=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return str(self.file)


class Note(models.Model):
    """Outlives its chat."""

    chat = models.ForeignKey(Chat, on_delete=models.SET_NULL, null=True)
    text = models.TextField()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text


class Invoice(models.Model):
    """Keeps its chat from going."""

    chat = models.ForeignKey(Chat, on_delete=models.PROTECT)
    amount = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        app_label = "shop"
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="shop_amount_positive"),
        ]

    def __str__(self) -> str:
        return str(self.amount)


class Comment(models.Model):
    """On a row of any table."""

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    target = GenericForeignKey("content_type", "object_id")
    text = models.TextField()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text


class Specimen(models.Model):
    """A field of each kind."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    code = models.CharField(max_length=50, unique=True)
    text = models.TextField(blank=True)
    maybe = models.TextField(null=True, blank=True)  # noqa: DJ001  # nothing is not the empty text
    whole = models.BigIntegerField(null=True)
    fraction = models.FloatField(null=True)
    amount = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    is_open = models.BooleanField(null=True)
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    at = models.DateTimeField(null=True)
    lasted = models.DurationField(null=True)
    uuid = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    blob = models.BinaryField(null=True)
    facts = models.JSONField(null=True)
    file = models.FileField(upload_to="specimens", blank=True)
    colour = ColourField(max_length=7, null=True)
    secret = models.CharField(max_length=50, blank=True)
    tags = models.ManyToManyField(Tag)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.code


class Event(models.Model):
    """What analytics wrote; nobody's in particular."""

    name = models.CharField(max_length=50)
    created_at = models.DateTimeField(db_index=True)
    payload = models.JSONField(default=dict)
    blob = models.BinaryField(default=b"")

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Topic(models.Model):
    """What an article is about; each tenant has its own."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    slug = models.SlugField()

    class Meta:
        app_label = "shop"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="shop_topic_slug"),
        ]

    def __str__(self) -> str:
        return self.slug


class Article(models.Model):
    """What comes in from files: a field of each kind, rules, a parent of its own kind."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True)
    slug = models.SlugField()
    title = models.CharField(max_length=40)
    content = models.TextField(blank=True)
    language = models.CharField(
        max_length=2, choices=[("en", "English"), ("es", "Spanish")], default="en"
    )
    note = models.CharField(max_length=20, null=True)  # noqa: DJ001  # NULL and '' are two things
    rating = models.IntegerField(default=0)
    weight = models.FloatField(null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    is_open = models.BooleanField(default=True)
    printed_on = models.DateField(null=True)
    printed_at = models.TimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    reading_time = models.DurationField(null=True)
    token = models.UUIDField(default=uuid.uuid4)
    address = models.GenericIPAddressField(null=True)
    extra = models.JSONField(default=dict)
    blob = models.BinaryField(default=b"")
    upload = models.FileField(upload_to="articles", blank=True)
    password = models.CharField(max_length=40, blank=True)
    origin = models.CharField(max_length=20, db_default="here")
    double_rating = models.GeneratedField(
        expression=models.F("rating") * 2,
        output_field=models.IntegerField(),
        db_persist=True,
    )
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "shop"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="shop_article_slug"),
            models.CheckConstraint(
                condition=models.Q(rating__gte=0), name="shop_article_rating_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Review(models.Model):
    """Its tenant is its article's; nothing keeps two from being alike."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE)
    answers = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True)
    text = models.TextField()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text


class Agent(models.Model):
    """Who answers."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Utterance(models.Model):
    """What somebody said in a chat, to an agent."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE)
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True)
    role = models.CharField(max_length=10, default="user")
    text = models.TextField(null=True)  # noqa: DJ001  # sites have such
    said_at = models.DateTimeField(null=True, db_index=True)
    sentiment = models.CharField(max_length=10, blank=True)
    sentiment_score = models.FloatField(null=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text or ""


class Opinion(models.Model):
    """What a site without tenants has, under keys that are no numbers."""

    code = models.CharField(max_length=20, primary_key=True)
    text = models.TextField()
    day = models.DateField()
    clerk = models.CharField(max_length=50, blank=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.text


class Place(models.Model):
    """A parent by inheritance."""

    name = models.CharField(max_length=50)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Depot(Place):
    """In two tables."""

    code = models.CharField(max_length=10)

    class Meta:
        app_label = "shop"


class Talk(models.Model):
    """What reports are about: somebody asked, an agent answered, and was rated."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    agent = models.CharField(max_length=200, null=True)  # noqa: DJ001  # a group without a value
    channel = models.CharField(max_length=10, choices=[("wa", "WhatsApp"), ("web", "Web")])
    started_at = models.DateTimeField(db_index=True)
    day = models.DateField(null=True)
    rating = models.IntegerField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    waited = models.DurationField(null=True)
    is_solved = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag)
    facts = models.JSONField(default=dict)

    class Meta:
        app_label = "shop"
        ordering = ["-rating"]

    def __str__(self) -> str:
        return f"{self.agent} {self.started_at}"
