"""Sites and readings of an integrator: other names, other keys, and nothing unique."""

import uuid

from django.db import models


class Meter(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    code = models.CharField(max_length=40)
    in_service = models.BooleanField(default=True)
    built_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.code


class Sample(models.Model):
    meter = models.ForeignKey(Meter, on_delete=models.SET_NULL, null=True, db_index=False)
    taken_at = models.DateTimeField()
    kwh = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["meter", "-taken_at", "-kwh"], name="tests_automation_newest")
        ]

    def __str__(self) -> str:
        return f"{self.taken_at} {self.kwh}"


class WorkOrder(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    meter = models.ForeignKey(Meter, on_delete=models.CASCADE)
    kind = models.CharField(max_length=30)
    stage = models.CharField(max_length=10)
    opened_at = models.DateTimeField(auto_now_add=True)
    note = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.kind}: {self.stage}"


class Ticket(models.Model):
    """As a work order, with a key that the database gives."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE)
    kind = models.CharField(max_length=30)
    stage = models.CharField(max_length=10)
    opened_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.stage}"


class RawSample(models.Model):
    """As a table grows: an index for each question that somebody had, and none for ours."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE)
    ts = models.DateTimeField()
    counter = models.BigIntegerField(null=True)
    quality = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.ts} {self.counter}"


class Halfway(models.Model):
    """An index that finds the reading, and not its value."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE)
    other = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="+")
    ts = models.DateTimeField()
    counter = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meter", "ts"], name="tests_halfway_once")]

    def __str__(self) -> str:
        return f"{self.ts} {self.counter}"


class Nameless(models.Model):
    """Nothing here can be guessed."""

    first = models.DateTimeField()
    second = models.DateTimeField()
    third = models.IntegerField()
    fourth = models.IntegerField()

    def __str__(self) -> str:
        return str(self.pk)


class Park(models.Model):
    name = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.name


class Unit(models.Model):
    """Called by a number, and in a group that is a row of its own."""

    number = models.IntegerField(unique=True)
    park = models.ForeignKey(Park, on_delete=models.CASCADE)
    built_on = models.DateField(null=True)

    def __str__(self) -> str:
        return str(self.number)


class UnitReading(models.Model):
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE)
    by_number = models.ForeignKey(
        Unit, on_delete=models.CASCADE, to_field="number", null=True, related_name="+"
    )
    at = models.DateTimeField()
    value = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["at", "unit", "value"], name="tests_unit_time_first"),
        ]

    def __str__(self) -> str:
        return f"{self.at} {self.value}"


class UnitOrder(models.Model):
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE)
    kind = models.CharField(max_length=30)
    stage = models.CharField(max_length=20)
    opened_at = models.DateTimeField()
    priority = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.kind}: {self.stage}"


class Legacy(models.Model):
    """A table that somebody else made."""

    meter = models.ForeignKey(Meter, on_delete=models.DO_NOTHING, db_index=False)
    ts = models.DateTimeField()
    counter = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "tests_automation_legacy"

    def __str__(self) -> str:
        return f"{self.ts} {self.counter}"
