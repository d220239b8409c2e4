"""Cache and model metrics in django-prometheus' families.

Each count of a cache or a model is there, as 0, as soon as one of them is: ratios then have both their sides.
"""

from __future__ import annotations

from django_prometheus import models
from django_prometheus.cache import metrics as caches

from django_observe.adders import Add
from django_observe.collectors import MAX_LABEL_SETS, Family, adder
from django_observe.databasemetricset import MODEL_DELETES, MODEL_INSERTS, MODEL_UPDATES
from django_observe.directcounters import CountLookup, change_counter, lookup_counter
from django_observe.metricset import CACHE_FAILURES, CACHE_GETS, CACHE_HITS, CACHE_MISSES
from django_observe.records import CacheGet, ModelChange


class StoreMetrics:
    """Counts lookups in caches, and rows of models that change."""

    def __init__(self) -> None:
        self._gets = Family(CACHE_GETS, caches.django_cache_get_total)
        self._hits = Family(CACHE_HITS, caches.django_cache_hits_total)
        self._misses = Family(CACHE_MISSES, caches.django_cache_misses_total)
        self._failures = Family(CACHE_FAILURES, caches.django_cache_get_fail_total)
        self._caches: dict[str, tuple[Add, ...]] = {}
        self._models: dict[str, dict[str, Add]] = {}
        self._changes = {
            "insert": Family(MODEL_INSERTS, models.model_inserts),
            "update": Family(MODEL_UPDATES, models.model_updates),
            "delete": Family(MODEL_DELETES, models.model_deletes),
        }

    def looked_up(self, get: CacheGet) -> None:
        """Counts one lookup, each of its keys."""
        gets, hits, misses, failures = self._caches.get(get.backend) or self._cache(get.backend)
        gets(get.keys)
        if get.failed:
            failures(get.keys)
            return
        if get.hits:
            hits(get.hits)
        if get.keys > get.hits:
            misses(get.keys - get.hits)

    def changed(self, change: ModelChange) -> None:
        """Counts rows of one model."""
        (self._models.get(change.model) or self._model(change.model))[change.operation](change.rows)

    def lookup_counter(self, backend: str) -> CountLookup:
        """What counts one lookup that did not fail."""
        self._failures.child(backend)
        return lookup_counter(*(family.child(backend) for family in (self._gets, self._hits, self._misses)))

    def change_counter(self, model: str, operation: str) -> Add:
        """What counts rows of one model that change in one way."""
        children = {each: family.child(model) for each, family in self._changes.items()}
        return change_counter(children[operation])

    def _cache(self, backend: str) -> tuple[Add, ...]:
        families = (self._gets, self._hits, self._misses, self._failures)
        bound = self._caches[backend] = tuple(adder(family.child(backend)) for family in families)
        return bound

    def _model(self, model: str) -> dict[str, Add]:
        bound = {operation: adder(family.child(model)) for operation, family in self._changes.items()}
        if len(self._models) < MAX_LABEL_SETS:
            self._models[model] = bound
        return bound
