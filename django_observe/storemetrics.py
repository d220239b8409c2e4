"""Cache and model metrics in django-prometheus' families."""

from __future__ import annotations

from django_prometheus import models
from django_prometheus.cache import metrics as caches

from django_observe.collectors import Family
from django_observe.databasemetricset import MODEL_DELETES, MODEL_INSERTS, MODEL_UPDATES
from django_observe.metricset import CACHE_FAILURES, CACHE_GETS, CACHE_HITS, CACHE_MISSES
from django_observe.records import CacheGet, ModelChange


class StoreMetrics:
    """Counts lookups in caches, and rows of models that change."""

    def __init__(self) -> None:
        self._gets = Family(CACHE_GETS, caches.django_cache_get_total)
        self._hits = Family(CACHE_HITS, caches.django_cache_hits_total)
        self._misses = Family(CACHE_MISSES, caches.django_cache_misses_total)
        self._failures = Family(CACHE_FAILURES, caches.django_cache_get_fail_total)
        self._changes = {
            "insert": Family(MODEL_INSERTS, models.model_inserts),
            "update": Family(MODEL_UPDATES, models.model_updates),
            "delete": Family(MODEL_DELETES, models.model_deletes),
        }

    def looked_up(self, get: CacheGet) -> None:
        """Counts one lookup, each of its keys."""
        self._gets.child(get.backend).inc(get.keys)
        if get.failed:
            self._failures.child(get.backend).inc(get.keys)
            return
        if get.hits:
            self._hits.child(get.backend).inc(get.hits)
        if get.keys > get.hits:
            self._misses.child(get.backend).inc(get.keys - get.hits)

    def changed(self, change: ModelChange) -> None:
        """Counts rows of one model."""
        self._changes[change.operation].child(change.model).inc(change.rows)
