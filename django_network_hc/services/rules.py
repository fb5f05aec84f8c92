"""
Ignore rules: those of the two files, which come and go with their lines, and those entered here.

What somebody has written beside a rule of a file (why, who, until when) stays as long as its line.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q

from django_network_hc.conf import NetworkHcSettings
from django_network_hc.engine.ignoring import IgnoreRules, Rule, Sorted
from django_network_hc.models import IgnoreRule, Network
from django_network_hc.readers import read_ignored_findings, read_ignored_tests
from django_network_hc.services.folders import ScriptFolder
from django_opskit.batches import batches

__all__ = ["RuleFiles", "count_hits", "read_rule_files", "rules_for", "take_in_rules"]

Scope, Source = IgnoreRule.Scope, IgnoreRule.Source
_AT_ONCE = 1000


@dataclass(frozen=True)
class RuleFiles:
    """What the two files of a network say, and what is wrong in them."""

    text: frozenset[Rule] = frozenset()
    workbook: frozenset[Rule] = frozenset()
    notes: list[str] = field(default_factory=list)


def read_rule_files(network: Network, folder: ScriptFolder, conf: NetworkHcSettings) -> RuleFiles:
    """
    Read both files.

    Raises:
        InputError: one of them is missing, or is not what it should be.
    """
    tests = read_ignored_tests(folder.ignored_tests(network.name), most_mb=conf.IGNORE_TXT_MB)
    findings = read_ignored_findings(
        folder.ignored_findings(network.name), limits=conf.ignore_limits
    )
    return RuleFiles(
        frozenset(tests.tests),
        frozenset(findings.selections),
        [*tests.notes, *findings.notes],
    )


def rules_for(network: Network, files: RuleFiles, *, day: date) -> tuple[IgnoreRules, str]:
    """Return the rules that hold for the report of a day, and a hash of them."""
    lasting = IgnoreRule.objects.filter(network=network)
    expired = set(lasting.filter(expires_on__lt=day).values_list("key", "source"))
    here = lasting.filter(source=Source.HERE).exclude(expires_on__lt=day)
    rules: set[Rule] = {_rule_of(one) for one in here}
    for source, those in ((Source.TEXT_FILE, files.text), (Source.WORKBOOK, files.workbook)):
        rules |= {one for one in those if not expired or (_key_of(one), source) not in expired}
    found = IgnoreRules(
        tests=frozenset(one for one in rules if isinstance(one, str)),
        node_tests=frozenset(one for one in rules if len(one) == 2 and not isinstance(one, str)),
        selections=frozenset(one for one in rules if len(one) == 4 and not isinstance(one, str)),
    )
    whole = json.dumps(sorted(rules, key=repr), ensure_ascii=True)
    return found, hashlib.sha256(whole.encode()).hexdigest()


def take_in_rules(network: Network, files: RuleFiles) -> None:
    """Make the rules of the files the same as their lines are."""
    for source, rules in ((Source.TEXT_FILE, files.text), (Source.WORKBOOK, files.workbook)):
        known = dict(network.ignore_rules.filter(source=source).values_list("key", "pk"))
        wanted = {_key_of(one): one for one in rules}
        gone = [pk for key, pk in known.items() if key not in wanted]
        for some in batches(gone, _AT_ONCE):
            rows = IgnoreRule.objects.filter(pk__in=some)
            # What a person has written beside a rule stays in its history.
            rows.exclude(reason="", owner="", expires_on=None).delete()
            rows._raw_delete(rows.db)
        IgnoreRule.objects.bulk_create(
            [
                IgnoreRule(network=network, key=key, source=source, **_fields_of(rule))
                for key, rule in sorted(wanted.items(), key=lambda one: repr(one[1]))
                if key not in known
            ],
            batch_size=_AT_ONCE,
        )


def count_hits(network: Network, ruled: Sorted, *, day: date) -> dict[str, list[object]]:
    """Write down how many findings of a report fell to each rule; return what was before."""
    rules = network.ignore_rules.filter(~Q(hits=0) | Q(last_hit_on__isnull=False))
    before: dict[str, list[object]] = {
        str(pk): [hits, last and last.isoformat()]
        for pk, hits, last in rules.values_list("pk", "hits", "last_hit_on")
    }
    network.ignore_rules.filter(~Q(hits=0)).update(hits=0)
    hits = {_key_of(rule): count for rule, count in ruled.hits.items()}
    changed = []
    for one in network.ignore_rules.only("pk", "key"):
        if one.key in hits:
            before.setdefault(str(one.pk), [0, None])
            one.hits, one.last_hit_on = hits[one.key], day
            changed.append(one)
    IgnoreRule.objects.bulk_update(changed, ["hits", "last_hit_on"], batch_size=_AT_ONCE)
    return before


def _rule_of(one: IgnoreRule) -> Rule:
    if one.scope == Scope.TEST or one.hc_id is None:
        return one.test
    if one.scope == Scope.NODE_TEST:
        return (one.hc_id, one.test)
    return (one.hc_id, one.test, one.priority, one.text)


def _fields_of(rule: Rule) -> dict[str, object]:
    if isinstance(rule, str):
        return {"scope": Scope.TEST, "test": rule}
    names = ("hc_id", "test", "priority", "text")
    scope = Scope.NODE_TEST if len(rule) == 2 else Scope.FINDING
    return {"scope": scope, **dict(zip(names, rule, strict=False))}


def _key_of(rule: Rule) -> str:
    fields = {"hc_id": None, "priority": "", "text": "", **_fields_of(rule)}
    return IgnoreRule.key_of(
        str(fields["scope"]),
        str(fields["test"]),
        None if isinstance(rule, str) else rule[0],
        str(fields["priority"]),
        str(fields["text"]),
    )
